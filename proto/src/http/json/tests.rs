use super::*;

fn fault(text: &str) -> Option<Fault> {
    let mut reader = Reader::new(text.as_bytes());
    reader.skip().and_then(|()| reader.end()).err()
}

#[test]
fn values() {
    let check = |text: &str| assert_eq!(fault(text), None, "{text}");
    check(
        r#" {"a": [1, -2.5e+3, "x\"\\\/\b\f\n\r\t\u0041\ud83d\ude00", true, false, null], "b": {}} "#,
    );
    check("[NaN, Infinity, -Infinity, 0, -0, 0.0, 10, 1E5]");
    check(&format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX)));
}

#[test]
fn faults_and_their_offsets() {
    let check = |text: &str, expected: &str, at: usize| {
        let Some(Fault::Syntax(found, found_at)) = fault(text) else { panic!("{text} was read") };
        assert_eq!((found, found_at), (expected, at), "{text}");
    };
    check("", "The document is empty.", 0);
    check("{nope", "Missing a name for object member.", 1);
    check(r#"{"a" 1}"#, "Missing a colon after a name of object member.", 5);
    check(r#"{"a":1 "b":2}"#, "Missing a comma or } after an object member.", 7);
    check("[1 2]", "Missing a comma or ] after an array element.", 3);
    check("[1,]", "Invalid value.", 3);
    check("[01]", "Invalid value.", 1);
    check("[1.]", "Invalid value.", 1);
    check("[1e]", "Invalid value.", 1);
    check("[-]", "Invalid value.", 1);
    check("[+1]", "Invalid value.", 1);
    check("[tru]", "Invalid value.", 1);
    check("{} x", "The document root must not be followed by other values.", 3);
    check("\"abc", "Missing a closing quotation mark in string.", 1);
    check("\"a\nb\"", "Invalid encoding in string.", 2);
    check(r#""\q""#, "Invalid escape character in string.", 3);
    check(r#""\u12g4""#, "Incorrect hex digit after \\u escape in string.", 3);
    check(r#""\ud800""#, "The surrogate pair in string is invalid.", 7);
    check(&"[".repeat(DEPTH_MAX + 1), "Nested too deeply.", DEPTH_MAX);
    check(&"[".repeat(1_000_000), "Nested too deeply.", DEPTH_MAX);
    check(&r#"{"a":"#.repeat(1_000_000), "Nested too deeply.", DEPTH_MAX * 5);
}
