use std::io::Cursor;

use super::*;

/// All fields of a message: numbers as they are, the rest by its first bytes.
fn walk(bytes: &[u8]) -> std::result::Result<Vec<(u64, String)>, String> {
    let mut message = Message::new(Cursor::new(bytes), u64::try_from(bytes.len()).unwrap());
    let mut fields = Vec::new();
    while let Some((field, value)) = message.next().map_err(|error| error.to_string())? {
        fields.push(match value {
            Value::Number(number) => (field, number.to_string()),
            Value::Bytes if field == 3 => (field, "skipped".into()),
            Value::Bytes => {
                let bytes = message.take(4).map_err(|error| error.to_string())?;
                (field, String::from_utf8(bytes).unwrap())
            }
            Value::Fixed => (field, "fixed".into()),
        });
    }
    Ok(fields)
}

#[test]
fn walks_over_all_wire_types() {
    let bytes = b"\x08\x96\x01\x12\x02hi\x1a\x03xyz\x25\0\0\0\0\x29\0\0\0\0\0\0\0\0\x32\x00";
    let expected = [(1, "150"), (2, "hi"), (3, "skipped"), (4, "fixed"), (5, "fixed"), (6, "")];
    assert_eq!(walk(bytes).unwrap(), expected.map(|(field, value)| (field, value.to_owned())));
    assert_eq!(walk(b"").unwrap(), []);
    let largest = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(walk(largest).unwrap(), [(1, u64::MAX.to_string())]);
}

#[test]
fn refuses_what_is_no_message() {
    let check = |bytes: &[u8], expected: &str| assert_eq!(walk(bytes).unwrap_err(), expected);
    check(b"\x0b", "a field has an unknown wire type");
    check(b"\x12\x05hi", "a field is longer than its message");
    check(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a field is longer than its message");
    check(b"\x08\x80", "a number ends after its message");
    check(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "a number is too long");
    check(b"\x12\x05hello", "a name or a type is too long");
}

#[test]
fn a_message_within_ends_where_it_should() {
    let bytes = b"\x0a\x04\x08\x01\x10\x02\x10\x03";
    let mut outer = Message::new(Cursor::new(bytes), u64::try_from(bytes.len()).unwrap());
    assert_eq!(outer.next().unwrap(), Some((1, Value::Bytes)));
    let mut inner = outer.enter();
    assert_eq!(inner.next().unwrap(), Some((1, Value::Number(1))));
    assert_eq!(inner.next().unwrap(), Some((2, Value::Number(2))));
    assert_eq!(inner.next().unwrap(), None);
    assert_eq!(outer.next().unwrap(), Some((2, Value::Number(3))));
    assert_eq!(outer.next().unwrap(), None);
}
