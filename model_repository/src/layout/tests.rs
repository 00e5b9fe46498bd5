//! Folders that are models and versions, and those that are not.

use super::*;
use crate::fakes::Repository;

#[test]
fn version_folders() {
    let repository = Repository::new();
    repository
        .folders(&["m/1", "m/10", "m/2", "m/0", "m/01", "m/-1", "m/+3", "m/1a", "m/v1", "m/.4"])
        .folders(&["m/99999999999999999999999999"])
        .file("m/7", "a file")
        .file("m/config.pbtxt", "");
    assert_eq!(repository.model("m").versions().unwrap(), [1, 2, 10]);
    assert!(repository.model("absent").versions().is_err());
}

#[test]
fn configuration_files() {
    let repository = Repository::new();
    repository.file("m/config.pbtxt", "name: 'm'").folders(&["empty", "odd/config.pbtxt"]);
    let check = |model: &str, expected: Option<&[u8]>| {
        let text = repository.model(model).config_text().unwrap();
        assert_eq!(text.as_deref(), expected, "{model}");
    };
    check("m", Some(b"name: 'm'"));
    check("empty", None);
    repository.file("long/config.pbtxt", vec![b' '; TEXT_BYTES_MAX + 10]);
    let text = repository.model("long").config_text().unwrap();
    assert_eq!(text.map(|text| text.len()), Some(TEXT_BYTES_MAX + 1));
    let error = repository.model("odd").config_text().unwrap_err();
    let error = repository.shorten(&error);
    assert!(error.starts_with("cannot read R/odd/config.pbtxt: "), "{error}");
}

#[test]
fn models_of_several_repositories() {
    let (one, two) = (Repository::new(), Repository::new());
    one.folders(&["b/1", "a", ".git/1", ".hidden"]).file("README", "a file");
    two.folders(&["c"]);
    let repositories = [one.path.clone(), two.path.clone()];
    let expected = [one.model("a"), one.model("b"), two.model("c")];
    assert_eq!(models(&repositories).unwrap(), expected);

    two.folders(&["a"]);
    let error = models(&repositories).unwrap_err().to_string();
    let (one_path, two_path) = (one.path.join("a"), two.path.join("a"));
    let expected = format!(
        "model 'a' is in two repositories, {} and {}: remove or rename one of them",
        one_path.display(),
        two_path.display()
    );
    assert_eq!(error, expected);

    let error = models(&[one.path.join("absent")]).unwrap_err();
    let error = one.shorten(&error);
    assert!(error.starts_with("cannot read the model repository R/absent: "), "{error}");
}

#[test]
fn paths_that_stay_inside() {
    let check = |path: &str, expected| assert_eq!(stays_inside(path), expected, "{path}");
    check("labels.txt", true);
    check("./a/b.txt", true);
    check("a..b/..c", true);
    check("../labels.txt", false);
    check("a/../../labels.txt", false);
    check("a/../labels.txt", false);
    check("/etc/passwd", false);
}

#[test]
fn a_configuration_is_a_regular_file() {
    let path = std::env::temp_dir().join(format!("nereid-layout-{}", std::process::id()));
    let folder = ModelFolder { name: "m".to_owned(), path, config: None };
    fs::create_dir_all(folder.config_path()).unwrap();
    let error = folder.config_text().unwrap_err().to_string();
    assert!(error.ends_with("it is not a regular file"), "{error}");
    fs::remove_dir_all(&folder.path).unwrap();
    assert_eq!(folder.config_text().unwrap(), None);
}
