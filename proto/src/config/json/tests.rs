//! The names and numbers that protobuf's JSON form allows.

use super::*;
use crate::config;

#[test]
fn reads_names_of_both_forms() {
    let text = "max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: [ -1, 3 ] } \
                parameters { key: 'k' value { string_value: 'v' } }";
    let expected = config::parse(text.as_bytes()).unwrap().config;
    for json in [
        r#"{"max_batch_size":8,"input":[{"name":"x","data_type":"TYPE_FP32","dims":[-1,3]}],
            "parameters":{"k":{"string_value":"v"}}}"#,
        r#"{"maxBatchSize":"8","input":[{"name":"x","dataType":11,"dims":["-1",3]}],
            "parameters":{"k":{"stringValue":"v"}}}"#,
    ] {
        assert_eq!(from_json(json).unwrap(), expected, "{json}");
    }
    assert_eq!(from_json("{}").unwrap(), ModelConfig::default());
}

#[test]
fn tells_what_is_wrong() {
    let check = |text: &str, expected: &str| {
        let error = from_json(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("", "EOF while parsing a value at line 1 column 0");
    check("{} x", "trailing characters at line 1 column 4");
    check("{\"nme\":\"x\"}", "nme");
    check("{\"max_batch_size\":\"x\"}", "at line 1 column 21");
    check("[]", "line 1 column");
    check(&"[".repeat(1000), "line 1 column");
    check(&" ".repeat(TEXT_BYTES_MAX + 1), "more than 1048576 bytes");
}
