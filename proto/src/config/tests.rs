use super::*;
use crate::json::to_json;

const FULL: &str = include_str!("../../tests/data/full.pbtxt");

fn read(text: &str) -> ModelConfig {
    match parse(text.as_bytes()) {
        Ok(parsed) => parsed.config,
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn faults(text: &[u8]) -> Vec<String> {
    parse(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn spellings_of_one_thing() {
    let check = |text: &str, canonical: &str| assert_eq!(read(text), read(canonical), "{text}");
    let two = "input { name: \"a\" dims: 1 dims: 2 } input { name: \"b\" }";
    check("input [ { name: \"a\", dims: [ 1, 2 ] }, { name: \"b\" } ]", two);
    check("input: [{name:'a';dims:[1,2];},{name:\"b\"}]", two);
    check("input < name: 'a' dims: 0x1 dims: 02 >; input: < name: 'b' >,", two);
    check(
        "\u{feff}# a comment\r\ninput {\r\n name: \"a\" # more\r\n dims: [1,\r\n2] }\r\ninput { name: 'b' }",
        two,
    );
    check("name: 'a' \"b\"\n'c'", "name: 'abc'");
    check(r"name: '\x41\101\u0041\U00000041\ud83d\ude00'", "name: 'AAAA😀'");
    check(r#"name: "\"\'\\\?\t""#, "name: '\"\\'\\\\?\\t'");
    check(r"name: '\303\251'", "name: 'é'");
    check("max_batch_size: - 8", "max_batch_size: -8");
    check("max_batch_size: 0x1F", "max_batch_size: 31");
    check(
        "input { optional: t } input { optional: 1 } input { optional: True }",
        "input { optional: true } input { optional: true } input { optional: true }",
    );
    check(
        "input { optional: f } input { optional: 0 }",
        "input { optional: False } input { optional: false }",
    );
    check("instance_group { kind: 2 }", "instance_group { kind: KIND_CPU }");
    check("input []", "");
    check("", "");
    check(
        "parameters [ { key: 'a' value: { string_value: 'b' } } ]",
        "parameters { key: 'a' value { string_value: 'b' } }",
    );
    check(
        "parameters { value { string_value: 'b' } key: 'a' }",
        "parameters { key: 'a' value { string_value: 'x' } } parameters { key: 'a' value { string_value: 'b' } }",
    );
    check("version_policy: { all { } }", "version_policy { all {} }");
}

#[test]
fn floats() {
    let check = |text: &str, expected: f64| {
        let text = format!(
            "model_metrics {{ metric_control {{ histogram_options {{ buckets: {text} }} }} }}"
        );
        let json = to_json(&read(&text));
        let Some(metrics) = read(&text).model_metrics else { panic!("{json}") };
        let options = metrics.metric_control[0].metric_options.clone();
        let Some(crate::inference::model_metrics::metric_control::MetricOptions::HistogramOptions(
            options,
        )) = options
        else {
            panic!("{json}")
        };
        assert_eq!(options.buckets[0].to_bits(), expected.to_bits(), "{text}");
        assert_eq!(from_json(&json).unwrap(), read(&text));
    };
    check("1.5", 1.5);
    check("1.5f", 1.5);
    check("10f", 10.0);
    check(".5", 0.5);
    check("1.", 1.0);
    check("1e-3", 0.001);
    check("2E+3", 2000.0);
    check("-7", -7.0);
    check("inf", f64::INFINITY);
    check("-Infinity", f64::NEG_INFINITY);
}

#[test]
fn faults_are_all_told() {
    let check =
        |text: &str, expected: &[&str]| assert_eq!(faults(text.as_bytes()), expected, "{text}");
    check(
        "name: 'a'\n\n    max_batchsize: 8\n",
        &["3:5: unknown field 'max_batchsize' of ModelConfig; did you mean 'max_batch_size'?"],
    );
    check(
        "zzz: 1 input { zzz { a: [1, {}] } dim: [1] }",
        &[
            "1:1: unknown field 'zzz' of ModelConfig",
            "1:16: unknown field 'zzz' of ModelInput",
            "1:35: unknown field 'dim' of ModelInput; did you mean 'dims'?",
        ],
    );
    check("name: 'a' name: 'b'", &["1:11: 'name' is set twice; the first is at 1:1"]);
    check(
        "version_policy { latest {} all {} }",
        &["1:28: 'all' excludes 'latest' at 1:18: only one policy_choice may be set"],
    );
    check(
        "input { data_type: FP32 }",
        &["1:20: 'FP32' is not a DataType; did you mean TYPE_FP32?"],
    );
    check(
        "instance_group { kind: XYZ }",
        &["1:24: 'XYZ' is not a Kind; it may be KIND_AUTO, KIND_GPU, KIND_CPU, KIND_MODEL"],
    );
    check(
        "instance_group { kind: 9 }",
        &["1:24: '9' is not a Kind; it may be KIND_AUTO, KIND_GPU, KIND_CPU, KIND_MODEL"],
    );
    check(
        "input { data_type: 'TYPE_FP32' }",
        &["1:20: expected a DataType (a name without quotes) for 'data_type', found \"TYPE_FP32\""],
    );
    check(
        "max_batch_size: 'x' name: 5",
        &[
            "1:17: expected a whole number for 'max_batch_size', found \"x\"",
            "1:27: expected a string in quotes for 'name', found '5'",
        ],
    );
    check(
        "max_batch_size: 3000000000",
        &["1:17: '3000000000' is out of range for 'max_batch_size': -2147483648 to 2147483647"],
    );
    check(
        "max_batch_size: 1.5",
        &["1:17: expected a whole number for 'max_batch_size', found '1.5'"],
    );
    check(
        "max_batch_size: 08",
        &["1:17: expected a whole number for 'max_batch_size', found '08'"],
    );
    check(
        &format!("max_batch_size: -{}", "9".repeat(60)),
        &[&format!(
            "1:17: '-' '{}…' is out of range for 'max_batch_size': -2147483648 to 2147483647",
            "9".repeat(40)
        )],
    );
    check("input: 5", &["1:8: expected a ModelInput in braces for 'input', found '5'"]);
    check(
        "name: { a: 1 } max_batch_size: [8]",
        &[
            "1:7: expected a string in quotes for 'name', found '{'",
            "1:32: expected a whole number for 'max_batch_size', found '['",
        ],
    );
    check("input { optional: yes }", &["1:19: expected true or false for 'optional', found 'yes'"]);
}

#[test]
fn faults_of_form() {
    let check =
        |text: &str, expected: &[&str]| assert_eq!(faults(text.as_bytes()), expected, "{text}");
    check(
        "name: \"abc\nmax_batch_size: 'x'",
        &[
            "1:7: the string that starts here has no closing quote on its line",
            "2:17: expected a whole number for 'max_batch_size', found \"x\"",
        ],
    );
    check(
        "input {\n name: 'a'\n",
        &["3:1: expected '}', found the end of the text; it would close the bracket at 1:7"],
    );
    check(
        "input [ { name: 'a' ]",
        &["1:21: expected '}', found ']'; it would close the bracket at 1:9"],
    );
    check(
        "input { dims: [1, 16\n name: 'a' }",
        &["2:2: expected ']', found 'name'; it would close the bracket at 1:15"],
    );
    check(
        "input { dims: [1 16 }",
        &[
            "1:18: expected ',' or ']', found '16'",
            "1:21: expected ']', found '}'; it would close the bracket at 1:15",
        ],
    );
    check("input { dims: [1,] }", &["1:18: expected a whole number for 'dims', found ']'"]);
    check("input { dims [1] }", &["1:14: expected ':' after 'dims', found '['"]);
    check(
        "name max_batch_size: 'x'",
        &[
            "1:6: expected ':' after 'name', found 'max_batch_size'",
            "1:22: expected a whole number for 'max_batch_size', found \"x\"",
        ],
    );
    check("} name: 'a'", &["1:1: '}' closes nothing"]);
    check(
        "@ junk { } \nname: 5",
        &[
            "1:1: expected the name of a field, found '@'",
            "2:7: expected a string in quotes for 'name', found '5'",
        ],
    );
    check("é: 1", &["1:1: expected the name of a field, found 'é'"]);
    check("name:", &["1:6: expected a string in quotes for 'name', found the end of the text"]);
    check(r"name: '\q'", &[r#"1:8: bad escape: expected one of \a \b \f \n \r \t \v \? \\ \' \""#]);
    check(r"name: '\777'", &[r"1:8: bad escape: expected at most \377"]);
    check(
        r"name: '\ud83d'",
        &["1:8: bad escape: expected the hexadecimal number of a Unicode character"],
    );
    check(r"name: '\xff'", &["1:7: the string for 'name' is not UTF-8"]);
    assert_eq!(
        faults(b"name: 'a'\n  \xff"),
        ["2:3: the text is not UTF-8; save the file as UTF-8"]
    );
}

#[test]
fn limits() {
    let deep = "zzz {".repeat(DEPTH_MAX);
    assert!(!faults(deep.as_bytes()).iter().any(|fault| fault.contains("more than")));
    let deeper = "zzz {".repeat(1_000_000 / 5);
    let told = faults(deeper.as_bytes());
    assert_eq!(
        told,
        ["1:1: unknown field 'zzz' of ModelConfig", "1:505: more than 100 brackets are open"]
    );
    assert_eq!(faults("zzz: 1\n".repeat(1000).as_bytes()).len(), DIAGNOSTICS_MAX);
    let long = vec![b' '; TEXT_BYTES_MAX + 1];
    assert_eq!(faults(&long), ["1:1: the text has 1048577 bytes, at most 1048576 are read"]);
    assert!(faults(&long[1..]).is_empty());
}

#[test]
fn positions_of_fields() {
    let text = "name: 'a'\ninput [\n  { dims: [1, 2] },\n  { name: 'é' data_type: TYPE_FP32 }\n]\n\
                output { name: 'o' }\noutput { dims: 3 }\n\
                parameters { key: 'k' value { string_value: 'v' } }";
    let spans = parse(text.as_bytes()).unwrap().spans;
    let check = |path: &str, expected: Option<(usize, usize)>| {
        assert_eq!(spans.get(path).map(|at| (at.line, at.column)), expected, "{path}");
    };
    check("name", Some((1, 1)));
    check("input", Some((2, 1)));
    check("input[0]", Some((3, 3)));
    check("input[0].dims", Some((3, 5)));
    check("input[0].dims[1]", None);
    check("input[1].data_type", Some((4, 15)));
    check("output", Some((6, 1)));
    check("output[0].name", Some((6, 10)));
    check("output[1]", Some((7, 1)));
    check("output[1].dims", Some((7, 10)));
    check("parameters[\"k\"]", Some((8, 1)));
    check("parameters[\"k\"].string_value", Some((8, 31)));
    check("max_batch_size", None);
    let nearest = |path: &str| spans.nearest(path).map(|at| (at.line, at.column));
    assert_eq!(nearest("input[0].dims[1]"), Some((3, 5)));
    assert_eq!(nearest("output[1].name"), Some((7, 1)));
    assert_eq!(nearest("max_batch_size"), None);
}

#[test]
fn json_is_as_triton_answers_it() {
    let golden = include_str!("../../tests/data/config.jsonl");
    for line in golden.lines() {
        let expected: serde_json::Value = serde_json::from_str(line).unwrap();
        let config = from_json(line).unwrap();
        let actual = to_json(&config);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&actual).unwrap(), expected);
        // Even the order of the fields is Triton's.
        assert_eq!(actual, line);
    }
    assert_eq!(golden.lines().count(), 4);
}

#[test]
fn json_of_a_text() {
    let text = include_str!("../../tests/data/simple.pbtxt");
    let golden = include_str!("../../tests/data/config.jsonl");
    assert_eq!(to_json(&read(text)), golden.lines().next().unwrap());
    let all = read(FULL);
    assert_eq!(from_json(&to_json(&all)).unwrap(), all);
}

#[test]
fn bad_json_is_told_where() {
    let check = |text: &str, expected: &str| assert_eq!(from_json(text).unwrap_err(), expected);
    check("{bad", "key must be a string at line 1 column 2");
    check("{} {}", "trailing characters at line 1 column 4");
    assert!(from_json("{\"nope\": 1}").unwrap_err().contains("nope"));
    assert!(from_json("{\"max_batch_size\": \"x\"}").is_err());
    assert!(from_json(&"{\"input\":[".repeat(10_000)).is_err());
}

/// Xorshift: all that is needed to change texts in ways that repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn mutated_texts_are_answered() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let bits = b"{}[]<>:,;'\"\\#-.0x7eu\n\xC3 \xEF\xBB\xBFname input dims";
    let (mut good, mut bad) = (0, 0);
    for _ in 0..4000 {
        let mut text = FULL.as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            let at = random.below(text.len());
            match random.below(4) {
                0 => text[at] = bits[random.below(bits.len())],
                1 => text.insert(at, bits[random.below(bits.len())]),
                2 => drop(text.drain(at..(at + random.below(30)).min(text.len()))),
                _ => text.truncate(text.len() - random.below(text.len() / 4)),
            }
        }
        match parse(&text) {
            Ok(parsed) => {
                good += 1;
                assert_eq!(from_json(&to_json(&parsed.config)).unwrap(), parsed.config);
            }
            Err(faults) => {
                bad += 1;
                assert!(!faults.is_empty() && faults.len() <= DIAGNOSTICS_MAX);
            }
        }
    }
    assert!(good > 50 && bad > 50, "{good} good, {bad} bad");
}
