use super::*;

/// A scan such as `a1 b2 c!`: models with the state of their files, and one that is not readable.
fn scan(text: &str) -> Scan {
    let model = |word: &str| {
        let (name, state) = word.split_at(1);
        let look = match state {
            "!" => Err(LoadError::new("not readable")),
            state => {
                let file = Entry::File { modified: None, size_bytes: state.parse().unwrap() };
                let entries = BTreeMap::from([("model.onnx".into(), file)]);
                Ok(Look { path: name.into(), entries })
            }
        };
        (name.to_owned(), look)
    };
    text.split_whitespace().map(model).collect()
}

fn describe(change: &Change) -> String {
    match change {
        Change::Added(name) => format!("+{name}"),
        Change::Changed(name) => format!("~{name}"),
        Change::Removed(name) => format!("-{name}"),
        Change::Unknown(name, _) => format!("?{name}"),
    }
}

/// Each scan after the first with the changes that it shows.
fn check(first: &str, steps: &[(&str, &str)]) {
    let mut watch = Watch::new(scan(first));
    for (number, (now, expected)) in steps.iter().enumerate() {
        let changes: Vec<_> = watch.changes(scan(now)).iter().map(describe).collect();
        assert_eq!(changes.join(" "), *expected, "scan {number} after {first:?}: {steps:?}");
    }
}

#[test]
fn a_change_is_told_once_when_two_scans_agree() {
    check("a1", &[("a1", ""), ("a1", "")]);
    check("a1", &[("a2", ""), ("a2", "~a"), ("a2", "")]);
    check("a1", &[("a1 b1", ""), ("a1 b1", "+b"), ("a1 b1", "")]);
    check("a1 b1", &[("a1", ""), ("a1", "-b"), ("a1", "")]);
    check("a1 b1 c1", &[("a2 c1 d1", ""), ("a2 c1 d1", "~a +d -b")]);
    check("", &[("a1", ""), ("a1", "+a"), ("", ""), ("", "-a"), ("a1", ""), ("a1", "+a")]);
}

#[test]
fn what_is_still_written_is_left_alone() {
    check("a1", &[("a2", ""), ("a3", ""), ("a4", ""), ("a4", "~a")]);
    check("", &[("a1", ""), ("a2", ""), ("a2", "+a")]);
    // Back to what it was, or moved away and back.
    check("a1", &[("a2", ""), ("a1", ""), ("a1", "")]);
    check("a1", &[("", ""), ("a1", ""), ("a1", "")]);
    check("a1", &[("", ""), ("a2", ""), ("a2", "~a")]);
    check("", &[("a1", ""), ("", ""), ("", "")]);
}

#[test]
fn what_cannot_be_looked_at_stays_as_it_is() {
    check("a1", &[("a!", "?a"), ("a!", ""), ("a1", ""), ("a1", "")]);
    check("a1", &[("a!", "?a"), ("a2", ""), ("a2", "~a"), ("a!", "?a")]);
    check("a1", &[("a!", "?a"), ("", ""), ("", "-a")]);
    check("a!", &[("a!", ""), ("a1", ""), ("a1", "~a")]);
    check("a!", &[("", ""), ("", "-a")]);
    check("", &[("a!", "?a"), ("a1", ""), ("a1", "+a")]);
}
