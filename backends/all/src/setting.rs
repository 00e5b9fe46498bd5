//! What `--backend-config` states of an engine.

use std::collections::BTreeMap;
use std::str::FromStr;

/// One option of one engine, or of all: `<backend>,<key>=<value>` or `<key>=<value>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendSetting {
    /// The engine's name; `None` for all.
    pub backend: Option<String>,
    /// The option.
    pub key: String,
    /// Its value, which the engine understands; may be empty.
    pub value: String,
}

impl FromStr for BackendSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "expected <backend>,<key>=<value>, such as onnxruntime,intra_op_thread_count=4, or \
             <key>=<value> for all backends"
                .to_owned()
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (backend, key) = match name.split_once(',') {
            Some((backend, key)) => (Some(backend.to_owned()), key),
            None => (None, name),
        };
        if key.is_empty() || backend.as_ref().is_some_and(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { backend, key: key.to_owned(), value: value.to_owned() })
    }
}

/// What is stated of `backend`: by its name, or else of all. Whatever is stated later wins.
pub(crate) fn of(backend: &str, settings: &[BackendSetting]) -> BTreeMap<String, String> {
    let of_all = settings.iter().filter(|setting| setting.backend.is_none());
    let of_one = settings.iter().filter(|setting| setting.backend.as_deref() == Some(backend));
    of_all.chain(of_one).map(|setting| (setting.key.clone(), setting.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let check = |text: &str, expected: Option<(Option<&str>, &str, &str)>| {
            let parsed = text.parse::<BackendSetting>().ok();
            let parts = parsed.as_ref().map(|setting| {
                (setting.backend.as_deref(), setting.key.as_str(), setting.value.as_str())
            });
            assert_eq!(parts, expected, "{text}");
        };
        check("onnxruntime,a=1", Some((Some("onnxruntime"), "a", "1")));
        check("a=1", Some((None, "a", "1")));
        check("python,a=b,c=d", Some((Some("python"), "a", "b,c=d")));
        check("a=", Some((None, "a", "")));
        check("onnxruntime,a", None);
        check("onnxruntime,=1", None);
        check(",a=1", None);
        check("=1", None);
        check("", None);
    }

    #[test]
    fn the_engines_own_and_the_last_win() {
        let settings: Vec<BackendSetting> = ["x,a=1", "a=2", "x,b=3", "x,b=4", "y,c=5", "d=6"]
            .into_iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let check = |backend, expected: &[(&str, &str)]| {
            let expected = expected.iter().map(|(key, value)| ((*key).into(), (*value).into()));
            assert_eq!(of(backend, &settings), expected.collect::<BTreeMap<_, _>>(), "{backend}");
        };
        check("x", &[("a", "1"), ("b", "4"), ("d", "6")]);
        check("y", &[("a", "2"), ("c", "5"), ("d", "6")]);
        check("z", &[("a", "2"), ("d", "6")]);
    }
}
