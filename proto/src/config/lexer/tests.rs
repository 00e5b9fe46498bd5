//! What is told about strings that are wrong.

use super::super::parse;

/// What is wrong with `text`: all of it, in its order.
fn check(text: &str, expected: &[&str]) {
    let found = parse(text.as_bytes()).err().unwrap_or_default();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn strings_that_do_not_end() {
    let unterminated = "1:7: the string that starts here has no closing quote on its line";
    check("name: 'abc", &[unterminated]);
    check("name: \"abc'", &[unterminated]);
    check("name: 'abc\\'", &[unterminated]);
    check("name: 'abc\r\nmax_batch_size: 8", &[unterminated]);
    check("name: '", &[unterminated]);
    check("name: 'a\\", &[unterminated]);
    check(
        "name: 'a\\\n",
        &[
            unterminated,
            "1:9: bad escape: expected one of \\a \\b \\f \\n \\r \\t \\v \\? \\\\ \\' \\\"",
        ],
    );
}

#[test]
fn escapes_that_do_not_exist() {
    let check = |text: &str, expected: &str| {
        check(text, &[&format!("1:8: bad escape: expected {expected}")]);
    };
    let letters = "one of \\a \\b \\f \\n \\r \\t \\v \\? \\\\ \\' \\\"";
    check(r"name: '\q'", letters);
    check(r"name: '\8'", letters);
    check(r"name: '\é'", letters);
    check(r"name: '\400'", "at most \\377");
    check(r"name: '\xg'", "one or two hexadecimal digits after \\x");
    check(r"name: '\x'", "one or two hexadecimal digits after \\x");
    let unicode = "the hexadecimal number of a Unicode character";
    check(r"name: '\u12'", unicode);
    check(r"name: '\u'", unicode);
    check(r"name: '\uD83D'", unicode);
    check(r"name: '\uDE00'", unicode);
    check(r"name: '\uD83D\u0041'", unicode);
    check(r"name: '\U00110000'", unicode);
    check(r"name: '\UFFFFFFFF'", unicode);
    check(r"name: '\U0001F60'", unicode);
}
