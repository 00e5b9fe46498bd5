use super::*;

/// What a text is, read as `what`: the value's text, or the fault's with its offset.
#[track_caller]
fn check<'t, T: std::fmt::Debug>(
    text: &'t (impl AsRef<[u8]> + ?Sized),
    read: impl FnOnce(&mut Reader<'t>) -> Read<T>,
    expected: &str,
) {
    let text = text.as_ref();
    let mut reader = Reader::new(text);
    let actual = match read(&mut reader).and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => format!("{value:?}"),
        Err(Fault::Syntax(text, at)) => format!("{text} at {at}"),
        Err(Fault::Value(text)) => text,
    };
    assert_eq!(actual, expected, "{}", String::from_utf8_lossy(text));
}

#[track_caller]
fn string(text: impl AsRef<[u8]>, expected: &str) {
    let text = [b"\"", text.as_ref(), b"\""].concat();
    check(&text, |reader| reader.string().map(Cow::into_owned), &format!("{expected:?}"));
}

#[track_caller]
fn wrong_string(text: impl AsRef<[u8]>, expected: &str) {
    check(&text, |reader| reader.string().map(Cow::into_owned), expected);
}

#[track_caller]
fn number(text: &str) {
    check(&text, |reader| reader.number("number").map(str::to_owned), &format!("{text:?}"));
}

#[track_caller]
fn wrong_number(text: &str, expected: &str) {
    check(&text, |reader| reader.number("number").map(str::to_owned), expected);
}

#[track_caller]
fn skip(text: impl AsRef<[u8]>, expected: &str) {
    check(&text, Reader::skip, expected);
}

#[test]
fn every_escape_is_read() {
    string("", "");
    string("plain", "plain");
    string(r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t");
    string(r"a\nb\nc", "a\nb\nc");
    string(r"\u0041\u00e9\u20AC\u0000", "A\u{e9}\u{20ac}\0");
    string("h\u{e9}\u{1f600}\u{7f}", "h\u{e9}\u{1f600}\u{7f}");
    string("\u{e9}\\t\u{1f600}", "\u{e9}\t\u{1f600}");
}

#[test]
fn surrogates_come_in_pairs() {
    string(r"\ud83d\ude00", "\u{1f600}");
    string(r"\uD800\uDC00", "\u{10000}");
    string(r"\uDBFF\uDFFF.", "\u{10ffff}.");
    let invalid = "The surrogate pair in string is invalid. at 1";
    wrong_string(r#""\ud83d""#, invalid);
    wrong_string(r#""\ud83dx""#, invalid);
    wrong_string(r#""\ud83d\n""#, invalid);
    wrong_string(r#""\ud83d\u0041""#, invalid);
    wrong_string(r#""\ud83d\ud83d""#, invalid);
    wrong_string(r#""\ude00\ud83d""#, invalid);
    wrong_string(r#""\ude00""#, invalid);
}

/// The offset is that of the backslash, as in Triton.
#[test]
fn wrong_strings_are_refused_where_they_go_wrong() {
    wrong_string(r#""a\x""#, "Invalid escape character in string. at 2");
    wrong_string(r#""\U0041""#, "Invalid escape character in string. at 1");
    let hex = "Incorrect hex digit after \\u escape in string. at 2";
    wrong_string(r#""a\u00g0""#, hex);
    wrong_string(r#""a\u+041""#, hex);
    wrong_string(r#""a\u12""#, hex);
    wrong_string(r#""a\u"#, hex);
    wrong_string(r#""\ud83d\u12""#, "Incorrect hex digit after \\u escape in string. at 1");
    wrong_string("\"a\nb\"", "Invalid encoding in string. at 2");
    wrong_string("\"\\t\0\"", "Invalid encoding in string. at 3");
    wrong_string(b"\"ab\xff\"", "Invalid encoding in string. at 3");
    wrong_string(b"\"\\t\xc3\"", "Invalid encoding in string. at 3");
    wrong_string(b"\"\xed\xa0\x80\"", "Invalid encoding in string. at 1");
    let unclosed = "Missing a closing quotation mark in string. at 4";
    wrong_string("\"abc", unclosed);
    wrong_string("\"a\\n", unclosed);
    wrong_string("\"ab\\", unclosed);
}

#[test]
fn a_string_without_escapes_is_borrowed() {
    let text = b" \"plain\"";
    let string = Reader::new(text).string().unwrap();
    assert!(matches!(string, Cow::Borrowed(_)));
    assert_eq!(string.as_ptr(), text[2..].as_ptr());
}

#[test]
fn numbers_follow_the_grammar() {
    for text in ["0", "-0", "7", "-10", "0.5", "-0.25", "10.010", "1e5", "1E+5", "0e0", "2.5e-10"] {
        number(text);
    }
    for text in ["NaN", "Infinity", "-Infinity"] {
        number(text);
    }
    let invalid = "Invalid value. at 0";
    for text in ["", " "] {
        wrong_number(text, &format!("The document is empty. at {}", text.len()));
    }
    for text in ["-", "01", "-01", "00", "1.", "1.e5", ".5", "+1", "1e", "1e+", "-NaN", "nan"] {
        wrong_number(text, invalid);
    }
    for text in ["inf", "-infinity", "Inf", "--1", "\u{663}"] {
        wrong_number(text, invalid);
    }
    let behind =
        |at: usize| format!("The document root must not be followed by other values. at {at}");
    wrong_number("1_0", &behind(1));
    wrong_number("0x10", &behind(1));
    wrong_number("1.5.5", &behind(3));
    wrong_number("NaNs", &behind(3));
    wrong_number("1 2", &behind(2));
}

#[test]
fn words_are_values() {
    check("true", Reader::boolean, "true");
    check(" false ", Reader::boolean, "false");
    skip("null", "()");
    skip("true", "()");
    skip("tru", "Invalid value. at 0");
    skip("nul", "Invalid value. at 0");
    skip("True", "Invalid value. at 0");
    skip("truee", "The document root must not be followed by other values. at 4");
}

#[test]
fn syntax_errors_are_told_in_triton_s_words() {
    skip("", "The document is empty. at 0");
    skip(" \r\n\t", "The document is empty. at 4");
    skip("{nope", "Missing a name for object member. at 1");
    skip("{", "Missing a name for object member. at 1");
    skip(r#"{"a":1,}"#, "Missing a name for object member. at 7");
    skip(r#"{"a"}"#, "Missing a colon after a name of object member. at 4");
    skip(r#"{"a" 1}"#, "Missing a colon after a name of object member. at 5");
    skip(r#"{"a":"#, "Invalid value. at 5");
    skip(r#"{"a":}"#, "Invalid value. at 5");
    skip(r#"{"a":1"#, "Missing a comma or } after an object member. at 6");
    skip(r#"{"a":1 "b":2}"#, "Missing a comma or } after an object member. at 7");
    skip("[", "Invalid value. at 1");
    skip("[1,", "Invalid value. at 3");
    skip("[1,]", "Invalid value. at 3");
    skip("[,1]", "Invalid value. at 1");
    skip("[1", "Missing a comma or ] after an array element. at 2");
    skip("[1 2]", "Missing a comma or ] after an array element. at 3");
    skip("[1}", "Missing a comma or ] after an array element. at 2");
    skip("{} {}", "The document root must not be followed by other values. at 3");
    skip("]", "Invalid value. at 0");
    skip(b"\xef\xbb\xbf{}", "Invalid value. at 0");
    skip("/* no */ 1", "Invalid value. at 0");
    skip("{'a':1}", "Missing a name for object member. at 1");
}

#[test]
fn what_is_json_of_another_type_is_told() {
    let string = |reader: &mut Reader<'_>| reader.string().map(Cow::into_owned);
    let number = |reader: &mut Reader<'_>| reader.number("double").map(str::to_owned);
    let array = |reader: &mut Reader<'_>| reader.array(Reader::skip);
    let object = |reader: &mut Reader<'_>| reader.object(|reader, _| reader.skip());
    check("5", string, "attempt to access JSON non-string as string");
    check("null", string, "attempt to access JSON non-string as string");
    check("\"5\"", number, "attempt to access JSON non-double as double");
    check("[5]", number, "attempt to access JSON non-double as double");
    check("1", Reader::boolean, "attempt to access JSON non-boolean as boolean");
    check("{}", array, "attempt to access JSON non-array as array");
    check("[]", object, "attempt to access JSON non-object as object");
    // What is no value at all is a fault of syntax instead.
    check("nope", string, "Invalid value. at 0");
    check("[1,", number, "Invalid value. at 3");
    check("{nope", array, "Missing a name for object member. at 1");
    check("", object, "The document is empty. at 0");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    skip(nested(DEPTH_MAX), "()");
    skip(format!("[{},{}]", nested(DEPTH_MAX - 1), nested(DEPTH_MAX - 1)), "()");
    skip(nested(DEPTH_MAX + 1), "Nested too deeply. at 100");
    skip("{\"a\":".repeat(DEPTH_MAX + 1), "Nested too deeply. at 500");
    skip("[".repeat(1_000_000), "Nested too deeply. at 100");
}

#[test]
fn members_and_elements_come_in_order() {
    let mut seen = Vec::new();
    let text = br#" { "a" : [ 1 , "x" ] , "\u0062" : { } , "a" : null } "#;
    let mut reader = Reader::new(text);
    let read = reader.object(|reader, name| {
        let span = reader.span()?;
        seen.push((name.to_owned(), String::from_utf8_lossy(&text[span]).into_owned()));
        Ok(())
    });
    assert_eq!((read, reader.end()), (Ok(()), Ok(())));
    let expected = [("a", "[ 1 , \"x\" ]"), ("b", "{ }"), ("a", "null")];
    assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_span_is_read_again() {
    let text = br#"{"a":[1,2],"b":3}"#;
    let mut reader = Reader::new(text);
    let mut found = 0..0;
    let read = reader.object(|reader, name| {
        if name == "a" {
            found = reader.span()?;
            return Ok(());
        }
        reader.skip()
    });
    assert_eq!(read, Ok(()));
    let mut numbers = Vec::new();
    let mut within = reader.within(found);
    assert_eq!(within.left(), "[1,2]".len());
    let read = within.array(|reader| {
        numbers.push(reader.number("number")?.to_owned());
        Ok(())
    });
    assert_eq!((read, within.end(), numbers.join(" ")), (Ok(()), Ok(()), "1 2".to_owned()));
}
