//! Every spelling of a text that protobuf's text format and Triton accept.

use super::*;
use crate::inference::model_config::SchedulingChoice;
use crate::inference::model_instance_group::Kind;
use crate::inference::model_optimization_policy::{Cuda, cuda};
use crate::inference::model_sequence_batching::{Control, StrategyChoice, StrategyDirect};
use crate::inference::{
    DataType, ModelDynamicBatching, ModelInput, ModelInstanceGroup, ModelParameter,
    ModelQueuePolicy,
};
use crate::json::to_json;

fn read(text: &str) -> ModelConfig {
    match parse(text.as_bytes()) {
        Ok(parsed) => parsed.config,
        Err(diagnostics) => panic!("{text:?}: {diagnostics:?}"),
    }
}

/// Each of `texts` says the same.
fn same<const N: usize>(expected: &ModelConfig, texts: [&str; N]) {
    for text in texts {
        assert_eq!(read(text), *expected, "{text}");
    }
}

fn input(name: &str, dims: &[i64]) -> ModelInput {
    ModelInput { name: name.to_owned(), dims: dims.to_vec(), ..Default::default() }
}

#[test]
fn empty_texts() {
    let mark = "\u{FEFF}";
    same(&ModelConfig::default(), ["", " \t\r\n", "# nothing", "# nothing\n\n", mark]);
}

#[test]
fn scalar_fields() {
    let name = ModelConfig { name: "m".to_owned(), max_batch_size: 8, ..Default::default() };
    same(
        &name,
        [
            "name: \"m\"\nmax_batch_size: 8\n",
            "name: 'm' max_batch_size: 8",
            "name:'m'max_batch_size:8",
            "name: 'm', max_batch_size: 8,",
            "name: 'm'; max_batch_size: 8;",
            "max_batch_size : 8 name\n:\n'm'",
            "# one\nname: 'm' # two: \"x\"\nmax_batch_size: 8 # three",
            "name: # here\n'm' max_batch_size: 8",
            "name: 'm'\r\nmax_batch_size: 8\r\n# end\r\n",
            "\u{FEFF}name: 'm' max_batch_size: 8",
        ],
    );
}

#[test]
fn repeated_messages() {
    let inputs = vec![input("a", &[1]), input("b", &[-1, 2])];
    let config = ModelConfig { input: inputs, ..Default::default() };
    same(
        &config,
        [
            "input [ { name: 'a' dims: [ 1 ] }, { name: 'b' dims: [ -1, 2 ] } ]",
            "input: [ { name: 'a' dims: [ 1 ] }, { name: 'b' dims: [ -1, 2 ] } ]",
            "input { name: 'a' dims: 1 } input { name: 'b' dims: -1 dims: 2 }",
            "input: { name: 'a' dims: 1 }, input: { name: 'b' dims: [-1], dims: [2] };",
            "input < name: 'a' dims: 1 > input: < name: 'b', dims: [ - 1, 2 ]; >",
            "input [ < name: 'a'; dims: 1; >, { name: 'b' dims: [ -1, 2 ] } ],",
            "input { name: 'a' dims: 1 } input [ { name: 'b' dims: [ -1, 2 ] } ] output []",
            "input [] input { name: 'a' dims: 1 dims: [] } max_batch_size: 0 \
             input { name: 'b' dims: [-1, 2] }",
        ],
    );
}

#[test]
fn strings() {
    let check = |text: &str, expected: &str| {
        assert_eq!(read(&format!("name: {text}")).name, expected, "{text}");
    };
    check(r#""""#, "");
    check("''", "");
    check(r#""it's""#, "it's");
    check(r#"'say "x"'"#, "say \"x\"");
    check(r"'it\'s'", "it's");
    check("\"one\" \"two\"", "onetwo");
    check("\"one\"\n  'two' # three\n  \"four\"", "onetwofour");
    check("'é 字 😀'", "é 字 😀");
    check(r#"'\a\b\f\n\r\t\v\?\\\'\"'"#, "\x07\x08\x0C\n\r\t\x0B?\\'\"");
    check(r"'\0\12\1011'", "\0\nA1");
    check(r"'\303\251'", "é");
    check(r"'\303' '\251'", "é");
    check(r"'\x41\X4a\x9'", "AJ\t");
    check(r"'\xC3\xA9z'", "éz");
    check(r"'\u00e9\U0001F600'", "é😀");
    check(r"'\uD83D\uDE00'", "😀");
    check("'# no comment'", "# no comment");
}

#[test]
fn whole_numbers() {
    let check = |text: &str, expected: i32| {
        assert_eq!(read(&format!("max_batch_size: {text}")).max_batch_size, expected, "{text}");
    };
    check("0", 0);
    check("-0", 0);
    check("12", 12);
    check("-12", -12);
    check("- 12", -12);
    check("0x1F", 31);
    check("0X1f", 31);
    check("-0x80000000", i32::MIN);
    check("017", 15);
    check("00", 0);
    check("2147483647", i32::MAX);
    check("-2147483648", i32::MIN);

    let dims = read("input { dims: [ -9223372036854775808, 0x7FFFFFFFFFFFFFFF ] }");
    assert_eq!(dims.input[0].dims, [i64::MIN, i64::MAX]);
    let delay = "dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 }";
    let dynamic =
        ModelDynamicBatching { max_queue_delay_microseconds: u64::MAX, ..Default::default() };
    let choice = SchedulingChoice::DynamicBatching(dynamic);
    assert_eq!(read(delay).scheduling_choice, Some(choice));
}

#[test]
#[allow(clippy::float_cmp)] // The same number exactly is what is expected.
fn floating_numbers() {
    let float = |text: &str| {
        let text = format!("sequence_batching {{ direct {{ minimum_slot_utilization: {text} }} }}");
        match read(&text).scheduling_choice {
            Some(SchedulingChoice::SequenceBatching(sequence)) => match sequence.strategy_choice {
                Some(StrategyChoice::Direct(StrategyDirect {
                    minimum_slot_utilization, ..
                })) => minimum_slot_utilization,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let check = |text: &str, expected: f32| assert_eq!(float(text), expected, "{text}");
    check("1", 1.0);
    check("1.0f", 1.0);
    check("1.5F", 1.5);
    check("2f", 2.0);
    check("0", 0.0);
    check(".5", 0.5);
    check("-.5", -0.5);
    check("5.", 5.0);
    check("- 2.5e-1", -0.25);
    check("1E+2", 100.0);
    check("1e2f", 100.0);
    check("0.1", 0.1);
    check("3e38", 3e38);
    check("1e39", f32::INFINITY);
    check("-1e999", f32::NEG_INFINITY);
    check("inf", f32::INFINITY);
    check("-Infinity", f32::NEG_INFINITY);
    assert!(float("nan").is_nan());
    assert!(float("-NaN").is_nan());
}

#[test]
fn truth_values() {
    let optional = |text: &str| read(&format!("input {{ optional: {text} }}")).input[0].optional;
    for text in ["true", "True", "t", "1", "0x1", "01"] {
        assert!(optional(text), "{text}");
    }
    for text in ["false", "False", "f", "0"] {
        assert!(!optional(text), "{text}");
    }
    let text = "sequence_batching { control_input { control { bool_false_true: [ false, t ] \
                fp32_false_true: [ -1, 1.0f ] } } }";
    let Some(SchedulingChoice::SequenceBatching(sequence)) = read(text).scheduling_choice else {
        panic!("{text}");
    };
    let expected = Control {
        bool_false_true: vec![false, true],
        fp32_false_true: vec![-1.0, 1.0],
        ..Default::default()
    };
    assert_eq!(sequence.control_input[0].control, [expected]);
}

#[test]
fn enums() {
    let check = |text: &str, expected: DataType| {
        let config = read(&format!("input {{ data_type: {text} }}"));
        assert_eq!(config.input[0].data_type(), expected, "{text}");
    };
    check("TYPE_FP32", DataType::TypeFp32);
    check("11", DataType::TypeFp32);
    check("0xB", DataType::TypeFp32);
    check("TYPE_INVALID", DataType::TypeInvalid);
    let groups = read("instance_group { kind: KIND_CPU gpus: [ 0, 1 ] }").instance_group;
    let mut expected = ModelInstanceGroup { gpus: vec![0, 1], ..Default::default() };
    expected.set_kind(Kind::Cpu);
    assert_eq!(groups, [expected]);
}

#[test]
fn maps() {
    let parameter = |value: &str| ModelParameter { string_value: value.to_owned() };
    let parameters =
        [("a".to_owned(), parameter("1")), ("b.c[\"".to_owned(), parameter("2"))].into();
    let config = ModelConfig { parameters, ..Default::default() };
    same(
        &config,
        [
            "parameters { key: 'a' value: { string_value: '1' } } \
             parameters { key: 'b.c[\"' value { string_value: '2' } }",
            "parameters [ { value < string_value: '1' > key: 'a' }, \
             { key: 'b.c[\"', value: { string_value: '2' } } ]",
            "parameters: [ { key: 'a' value { string_value: 'old' } }, \
             { key: 'b.c[\"' value { string_value: '2' } } ] \
             parameters: { key: 'a' value { string_value: '1' } }",
        ],
    );
    let config = read("parameters {} metric_tags { key: 'k' } metric_tags { value: 'v' }");
    assert_eq!(config.parameters, [(String::new(), parameter(""))].into());
    let tags = [("k", ""), ("", "v")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(config.metric_tags, tags.into());

    let text =
        "dynamic_batching { priority_queue_policy { key: 0x2 value { max_queue_size: 3 } } }";
    let policy = ModelQueuePolicy { max_queue_size: 3, ..Default::default() };
    let dynamic =
        ModelDynamicBatching { priority_queue_policy: [(2, policy)].into(), ..Default::default() };
    let choice = SchedulingChoice::DynamicBatching(dynamic);
    assert_eq!(read(text).scheduling_choice, Some(choice));

    let text =
        "optimization { cuda { graph_spec { input { key: 'x' value { dim: [ 1, 2 ] } } } } }";
    let shape = cuda::graph_spec::Shape { dim: vec![1, 2] };
    let spec = cuda::GraphSpec { input: [("x".to_owned(), shape)].into(), ..Default::default() };
    let expected = Cuda { graph_spec: vec![spec], ..Default::default() };
    assert_eq!(read(text).optimization.and_then(|policy| policy.cuda), Some(expected));
}

#[test]
fn limits_of_the_whole_text() {
    let check = |text: &[u8], expected: &[&str]| {
        let found: Vec<_> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    };
    assert!(parse(&vec![b' '; TEXT_BYTES_MAX]).is_ok());
    check(
        &vec![b' '; TEXT_BYTES_MAX + 1],
        &["1:1: the text has more than 1048576 bytes, the most that is read"],
    );
    let not_utf8 = "the text is not UTF-8; save the file as UTF-8";
    check(b"\xFF", &[&format!("1:1: {not_utf8}")]);
    check(b"# \xC3\xA9\r\nname: '\xE9'", &[&format!("2:8: {not_utf8}")]);
}

/// Bytes are deleted, inserted and replaced; whatever comes of it, the reading ends.
#[test]
fn mutated_texts_never_panic() {
    const TEXTS: [&str; 4] = [
        include_str!("golden/full.pbtxt"),
        "name: \"m\" # x\ninput [ { name: 'a\\n' dims: [ -1, 0x2 ] }, < optional: t > ]\n",
        "parameters { key: 'k' value: { string_value: 'a' \"b\" } } max_batch_size: 017;",
        "sequence_batching { direct { minimum_slot_utilization: 1.5e-3f } } output [] \u{e9}",
    ];
    const ALPHABET: &[u8] = b"{}[]<>:,;#'\"\\-.0x9eunt_ \n\r\xC3\xA9\xFF";
    let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
    let (mut good, mut bad) = (0, 0);
    for round in 0..20_000 {
        let mut text = TEXTS[round % TEXTS.len()].as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let (at, byte) = (random.below(text.len()), ALPHABET[random.below(ALPHABET.len())]);
            match random.below(4) {
                0 => drop(text.remove(at)),
                3 => drop(text.drain(at..(at + random.below(30)).min(text.len() - 1))),
                1 => text.insert(at, byte),
                _ => text[at] = byte,
            }
        }
        match parse(&text) {
            Ok(Parsed { config, .. }) => {
                // Texts, since NaN differs from itself.
                let json = to_json(&config);
                assert_eq!(to_json(&from_json(&json).unwrap()), json);
                good += 1;
            }
            Err(diagnostics) => {
                let is_sorted = diagnostics.is_sorted_by_key(|diagnostic| diagnostic.position);
                assert!(!diagnostics.is_empty() && is_sorted, "{diagnostics:?}");
                bad += 1;
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} {bad}");
}

/// Marsaglia's generator: the same numbers on every machine.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
