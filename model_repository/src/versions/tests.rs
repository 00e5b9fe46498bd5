//! Policies over the folders 1, 3, 5 and 12.

use super::*;
use crate::fakes::Repository;

/// The versions, or what is wrong; and the warnings.
fn chosen(policy: &str) -> (Result<Vec<u64>, String>, Vec<String>) {
    let repository = Repository::new();
    repository.folders(&["m/1", "m/3", "m/5", "m/12"]).file("m/config.pbtxt", policy);
    let folder = repository.model("m");
    let mut stated = Stated::read(&folder).unwrap();
    let versions = choose(&folder, &mut stated).map_err(|error| repository.shorten(&error));
    (versions, stated.warnings.iter().map(|warning| repository.shorten(warning)).collect())
}

#[test]
fn policies() {
    let check = |policy: &str, versions: &[u64], warnings: &[&str]| {
        let (chosen, warned) = chosen(policy);
        assert_eq!(chosen.as_deref(), Ok(versions), "{policy}");
        assert_eq!(warned, warnings, "{policy}");
    };
    check("", &[12], &[]);
    check("version_policy {}", &[12], &[]);
    check("version_policy { latest {} }", &[12], &[]);
    check("version_policy { latest { num_versions: 1 } }", &[12], &[]);
    check("version_policy: { latest { num_versions: 3 } }", &[3, 5, 12], &[]);
    check("version_policy { latest { num_versions: 4294967295 } }", &[1, 3, 5, 12], &[]);
    check("version_policy { all {} }", &[1, 3, 5, 12], &[]);
    check("version_policy { specific { versions: [ 12, 3 ] } }", &[3, 12], &[]);
    check(
        "version_policy { specific { versions: [ 2, 3, -1 ] } }",
        &[3],
        &["R/m/config.pbtxt:1:29: version_policy names versions without a folder: 2, -1"],
    );
}

#[test]
fn no_version_to_serve() {
    let message = "no version to serve: R/m needs a folder named by a number, such as 1, that the \
                   version policy admits";
    // The rest of what is wrong comes along.
    let (chosen, _) = chosen("name: 'x'\nversion_policy { specific { versions: [ 2 ] } }");
    let expected = format!(
        "R/m/config.pbtxt:1:1: name 'x' is not the folder's, 'm': rename one, or leave the name \
         out\nR/m/config.pbtxt:2:1: {message}"
    );
    assert_eq!(chosen, Err(expected));

    let repository = Repository::new();
    repository.folders(&["m"]);
    let folder = repository.model("m");
    let mut stated = Stated::read(&folder).unwrap();
    let error = choose(&folder, &mut stated).unwrap_err();
    assert_eq!(repository.shorten(&error), format!("R/m/config.pbtxt: {message}"));

    // Who states a model's folder as a repository makes its versions models.
    repository.folders(&["7"]);
    let folder = repository.model("7");
    let error = choose(&folder, &mut Stated::read(&folder).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("; if it is a version itself, the repository is two folders up"));
}
