//! What is told about texts that are wrong.

use super::super::{DIAGNOSTICS_MAX, parse};
use super::{DEPTH_MAX, DynamicMessage, Parser};

/// What is wrong with `text`: all of it, in its order.
fn check(text: &str, expected: &[&str]) {
    let found = parse(text.as_bytes()).err().unwrap_or_default();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn unknown_fields() {
    check(
        "max_batchsize: 8",
        &["1:1: unknown field 'max_batchsize' of ModelConfig; did you mean 'max_batch_size'?"],
    );
    check(
        "input {\n  nme: 'x'\n}",
        &["2:3: unknown field 'nme' of ModelInput; did you mean 'name'?"],
    );
    check("zzzzzz { a: 1 }", &["1:1: unknown field 'zzzzzz' of ModelConfig"]);
    let long = "z".repeat(50);
    let shown = "z".repeat(40);
    check(&long, &[&format!("1:1: unknown field '{shown}…' of ModelConfig")]);
    check("parameters { k: 'x' }", &["1:14: unknown field 'k' of ParametersEntry"]);
    // Whatever value it has is skipped whole.
    for value in
        [": 5", ": - 5", ": 'a' 'b'", ": TRUE", ": [ 1, [ < 2 > ] ]", "{ x { y: 1 } }", ": {}", ""]
    {
        let text = format!("zzzzzz{value} name: 5");
        let column = text.len();
        let second = format!("1:{column}: expected a string in quotes for 'name', found '5'");
        check(&text, &["1:1: unknown field 'zzzzzz' of ModelConfig", &second]);
    }
}

#[test]
fn fields_that_come_again() {
    check("name: 'a'\nname: 'b'", &["2:1: 'name' is set twice; the first is at 1:1"]);
    check(
        "optimization {}\noptimization {}",
        &["2:1: 'optimization' is set twice; the first is at 1:1"],
    );
    check("input { name: 'a' name: 'a' }", &["1:19: 'name' is set twice; the first is at 1:9"]);
    check(
        "dynamic_batching {}\nname: 'x'\nensemble_scheduling {}",
        &["3:1: 'ensemble_scheduling' excludes 'dynamic_batching' at 1:1: only one \
           scheduling_choice may be set"],
    );
    check(
        "version_policy { latest {} all {} }",
        &["1:28: 'all' excludes 'latest' at 1:18: only one policy_choice may be set"],
    );
    // What is wrong inside of the second is told as well.
    check(
        "dynamic_batching {} dynamic_batching { x: 1 }",
        &[
            "1:21: 'dynamic_batching' is set twice; the first is at 1:1",
            "1:40: unknown field 'x' of ModelDynamicBatching",
        ],
    );
    check("input { name: 'a' } input { name: 'a' }", &[]);
}

#[test]
fn values_of_another_type() {
    let name = |found: &str| format!("1:7: expected a string in quotes for 'name', found {found}");
    check("name: 5", &[&name("'5'")]);
    check("name: abc", &[&name("'abc'")]);
    check("name: -'a'", &[&name("'-' \"a\"")]);
    check("name: { a: 1 }", &[&name("'{'")]);
    check("name: ['a']", &[&name("'['")]);
    check("name:", &["1:6: expected a string in quotes for 'name', found the end of the text"]);
    check("name: , max_batch_size: 1", &[&name("','")]);
    check("name: é", &[&name("'é'")]);
    check("name: \u{1}", &[&name("'\\u{1}'")]);
    // The value was forgotten, and the next field is not taken for it.
    check(
        "name:\nmax_batch_size: 8",
        &["2:1: expected a string in quotes for 'name', found 'max_batch_size'"],
    );

    let size =
        |found: &str| format!("1:17: expected a whole number for 'max_batch_size', found {found}");
    for text in ["1.5", "08", "0x", "12ab", "1e3", "1.2.3", "0xG", "0b1", "0xE-1"] {
        check(&format!("max_batch_size: {text}"), &[&size(&format!("'{text}'"))]);
    }
    check("max_batch_size: '8'", &[&size("\"8\"")]);
    check("max_batch_size: - x", &[&size("'-x'")]);

    check("input: 5", &["1:8: expected a ModelInput in braces for 'input', found '5'"]);
    check("input [ 5 ]", &["1:9: expected a ModelInput in braces for 'input', found '5'"]);
    check("input [ [ {} ] ]", &["1:9: expected a ModelInput in braces for 'input', found '['"]);
    check("input { optional: yes }", &["1:19: expected true or false for 'optional', found 'yes'"]);
    check("input { optional: 2 }", &["1:19: expected true or false for 'optional', found '2'"]);
    let float = "sequence_batching { direct { minimum_slot_utilization: ";
    for text in ["x", "0x10", "010", "1f2", "'1'", "1_0"] {
        let shown = if text == "'1'" { "\"1\"".to_owned() } else { format!("'{text}'") };
        check(
            &format!("{float}{text} }} }}"),
            &[&format!("1:56: expected a number for 'minimum_slot_utilization', found {shown}")],
        );
    }
    check("name: '\\xFF'", &["1:7: the string for 'name' is not UTF-8"]);
    check(
        "parameters { key: 'k' value: 'v' }",
        &["1:30: expected a ModelParameter in braces for 'value', found \"v\""],
    );
}

#[test]
fn numbers_out_of_range() {
    let check = |text: &str, column: usize, shown: &str, bounds: &str| {
        let field = text[..column - 3].rsplit(' ').next().unwrap();
        let message = format!("{shown} is out of range for '{field}': {bounds}");
        check(text, &[&format!("1:{column}: {message}")]);
    };
    let i32s = "-2147483648 to 2147483647";
    check("max_batch_size: 2147483648", 17, "'2147483648'", i32s);
    check("max_batch_size: -2147483649", 17, "'-2147483649'", i32s);
    let long = "9".repeat(60);
    let shown = format!("'{}…'", "9".repeat(40));
    check(&format!("max_batch_size: {long}"), 17, &shown, i32s);
    check(
        "input { dims: 9223372036854775808 }",
        15,
        "'9223372036854775808'",
        "-9223372036854775808 to 9223372036854775807",
    );
    check("model_warmup { batch_size: -1 }", 28, "'-1'", "0 to 4294967295");
    check(
        "dynamic_batching { priority_levels: 18446744073709551616 }",
        37,
        "'18446744073709551616'",
        "0 to 18446744073709551615",
    );
}

#[test]
fn names_that_an_enum_lacks() {
    check(
        "input { data_type: FP32 }",
        &["1:20: 'FP32' is not a DataType; did you mean TYPE_FP32?"],
    );
    check(
        "input { data_type: TYPE_FLAOT32 }",
        &["1:20: 'TYPE_FLAOT32' is not a DataType; did you mean TYPE_FP32?"],
    );
    let kinds = "it may be KIND_AUTO, KIND_GPU, KIND_CPU, KIND_MODEL";
    check(
        "instance_group { kind: xxxxxxx }",
        &[&format!("1:24: 'xxxxxxx' is not a Kind; {kinds}")],
    );
    check("instance_group { kind: 4 }", &[&format!("1:24: '4' is not a Kind; {kinds}")]);
    check("instance_group { kind: -1 }", &[&format!("1:24: '-1' is not a Kind; {kinds}")]);
    check(
        "instance_group { kind: 'KIND_CPU' }",
        &["1:24: expected a Kind (a name without quotes) for 'kind', found \"KIND_CPU\""],
    );
}

#[test]
fn colons_that_are_missing() {
    check("name 'm' max_batch_size: 8", &["1:6: expected ':' after 'name', found \"m\""]);
    check(
        "name max_batch_size 8",
        &[
            "1:6: expected ':' after 'name', found 'max_batch_size'",
            "1:21: expected ':' after 'max_batch_size', found '8'",
        ],
    );
    check("input { dims [ 1 ] }", &["1:14: expected ':' after 'dims', found '['"]);
    check(
        "input { data_type TYPE_FP33 }",
        &[
            "1:19: expected ':' after 'data_type', found 'TYPE_FP33'",
            "1:19: 'TYPE_FP33' is not a DataType; did you mean TYPE_FP32?",
        ],
    );
    check("name", &["1:5: expected ':' after 'name', found the end of the text"]);
}

#[test]
fn brackets_that_do_not_match() {
    check(
        "input [\n  { name: 'a'",
        &["2:14: expected '}', found the end of the text; it would close the bracket at 2:3"],
    );
    check(
        "input [ { name: 'a' ]\nmax_batch_size: x",
        &[
            "1:21: expected '}', found ']'; it would close the bracket at 1:9",
            "2:17: expected a whole number for 'max_batch_size', found 'x'",
        ],
    );
    check(
        "input { name: 'a' > name: 5",
        &[
            "1:19: expected '}', found '>'; it would close the bracket at 1:7",
            "1:27: expected a string in quotes for 'name', found '5'",
        ],
    );
    check(
        "} name: 5",
        &["1:1: '}' closes nothing", "1:9: expected a string in quotes for 'name', found '5'"],
    );
    check(
        "input { dims: [ 1, 2 }",
        &["1:22: expected ']', found '}'; it would close the bracket at 1:15"],
    );
    check(
        "input { dims: [1, 16\n name: 'a' }",
        &["2:2: expected ']', found 'name'; it would close the bracket at 1:15"],
    );
    check(
        "zzzzzz { a: [ 1 }",
        &[
            "1:1: unknown field 'zzzzzz' of ModelConfig",
            "1:17: expected ']', found '}'; it would close the bracket at 1:13",
        ],
    );
    check(
        "name: [ 'a'",
        &[
            "1:7: expected a string in quotes for 'name', found '['",
            "1:12: expected ']', found the end of the text; it would close the bracket at 1:7",
        ],
    );
}

#[test]
fn lists_that_are_not_separated() {
    check("input { dims: [ 1 2 ] }", &["1:19: expected ',' or ']', found '2'"]);
    check("input [ {} {} ]", &["1:12: expected ',' or ']', found '{'"]);
    check("input { dims: [ 1, ] }", &["1:20: expected a whole number for 'dims', found ']'"]);
    check("input { dims: [ , 1 ] }", &["1:17: expected a whole number for 'dims', found ','"]);
    check(
        "input { dims: [ x, y ] }",
        &[
            "1:17: expected a whole number for 'dims', found 'x'",
            "1:20: expected a whole number for 'dims', found 'y'",
        ],
    );
}

#[test]
fn junk() {
    check(
        "= 5\nname: 5",
        &[
            "1:1: expected the name of a field, found '='",
            "2:7: expected a string in quotes for 'name', found '5'",
        ],
    );
    check("5", &["1:1: expected the name of a field, found '5'"]);
    check("'x'", &["1:1: expected the name of a field, found \"x\""]);
    check("name: 'm',,", &["1:11: expected the name of a field, found ','"]);
    check("name: 'm' % {\n}\n", &["1:11: expected the name of a field, found '%'"]);
    check("é: 1", &["1:1: expected the name of a field, found 'é'"]);
    check("[a.b/c] { }", &["1:1: expected the name of a field, found '['"]);
    check(
        "input { = } name: 5",
        &[
            "1:9: expected the name of a field, found '='",
            "1:19: expected a string in quotes for 'name', found '5'",
        ],
    );
}

/// A fault that the lexer meets while it looks ahead comes after the one before it.
#[test]
fn faults_come_in_the_order_of_the_text() {
    check(
        "max_batch_size: x 'abc\nname: 5\nplatform: 'a\nbackend: y",
        &[
            "1:17: expected a whole number for 'max_batch_size', found 'x'",
            "1:19: the string that starts here has no closing quote on its line",
            "1:19: expected the name of a field, found \"abc\"",
            "2:7: expected a string in quotes for 'name', found '5'",
            "3:11: the string that starts here has no closing quote on its line",
            "4:10: expected a string in quotes for 'backend', found 'y'",
        ],
    );
}

#[test]
fn as_many_faults_as_are_told() {
    let text = "x: 1\n".repeat(DIAGNOSTICS_MAX + 5) + "input {";
    let found = parse(text.as_bytes()).unwrap_err();
    assert_eq!(found.len(), DIAGNOSTICS_MAX);
    let expected = format!("{DIAGNOSTICS_MAX}:1: unknown field 'x' of ModelConfig");
    assert_eq!(found.last().unwrap().to_string(), expected);
}

#[test]
fn depth() {
    let nested = |depth: usize| format!("x {}{}", "{ y ".repeat(depth), "}".repeat(depth));
    let unknown = "1:1: unknown field 'x' of ModelConfig";
    check(&nested(DEPTH_MAX), &[unknown]);
    check(&nested(DEPTH_MAX + 1), &[unknown, "1:403: more than 100 brackets are open"]);
    let inside = "[".repeat(200_000);
    let found = parse(format!("input {{ dims: {inside}").as_bytes()).unwrap_err();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    let list = "1:16: expected a whole number for 'dims', found '['";
    assert_eq!(found, [list, "1:114: more than 100 brackets are open"]);
}

/// A key may be as long as the text, so a path that has it must not be kept for each element.
#[test]
fn the_place_of_a_list_is_kept_once() {
    let schema = crate::schema::message("inference.ModelConfig").unwrap();
    let noted = |dims: usize| {
        let dims = "dims: 1 ".repeat(dims);
        let text = format!(r#"model_warmup {{ inputs {{ key: "k" value {{ {dims} }} }} }}"#);
        let mut parser = Parser::new(&text);
        parser.body(&mut DynamicMessage::new(schema.clone()));
        parser.spans.mark()
    };
    assert_eq!(noted(1), noted(100));
}
