use std::path::PathBuf;

use nereid_backend::data_type::DataType;
use nereid_backend::spec::TensorSpec;

use super::*;

/// A file of the test `name`, in a folder that only this test uses.
fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nereid-labels-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("labels.txt");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
    let path = write(name, bytes);
    let labels = Labels::read(&path);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let labels = labels.map_err(|error| error.to_string())?;
    Ok(labels.names().iter().map(ToString::to_string).collect())
}

#[test]
fn only_the_line_end_is_stripped() {
    let check = |name, bytes: &str, expected: &[&str]| {
        assert_eq!(read(name, bytes.as_bytes()).unwrap(), expected);
    };
    check("plain", "blank\na\nb\n", &["blank", "a", "b"]);
    check("no-end", "\na\n ", &["", "a", " "]);
    check("crlf", "a\r\n\u{3000}\r\n \r\n", &["a", "\u{3000}", " "]);
    check("letters", "é\n李\n\u{85}\n", &["é", "李", "\u{85}"]);
}

#[test]
fn a_bad_file_is_refused() {
    let check = |name, bytes: &[u8], expected: &str| {
        let error = read(name, bytes).unwrap_err();
        assert!(error.ends_with(expected), "{error}");
    };
    check("empty", b"", "labels.txt: it is empty; write one label a line, line 1 for class 0");
    check("latin1", b"a\nb\n\xe9\n", "labels.txt: line 3 is not UTF-8; convert the file to UTF-8");
    let large = vec![b'\n'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    check("large", &large, "labels.txt: it is larger than 4194304 bytes");
    let missing = Labels::read(Path::new("no/such/labels.txt")).unwrap_err().to_string();
    assert!(missing.starts_with("label file no/such/labels.txt: No such file"), "{missing}");
}

#[test]
fn classes_and_blank_must_have_labels() {
    let labels = Labels { file: "characters.txt".into(), names: vec!["".into(), "a".into()] };
    let check = |classes, blank, expected: Result<(), &str>| {
        let input = TensorSpec::new("x", DataType::Fp32, vec![Dim::Any, Dim::Any, classes]);
        let signature = Signature { inputs: vec![input], outputs: vec![], ..Signature::default() };
        let result = labels.check(&signature, blank).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(String::from));
    };
    check(Dim::Any, 0, Ok(()));
    check(Dim::Fixed(2), 1, Ok(()));
    check(
        Dim::Fixed(6625),
        2,
        Err("input 'x' has 6625 classes, the label file characters.txt has 2 labels\n\
             parameter 'blank' is class 2, the label file characters.txt has 2 labels, \
             for classes from 0"),
    );
}
