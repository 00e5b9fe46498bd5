//! What the command line states of the engine: `--backend-config=tensorrt,<key>=<value>`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the server states, for all models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `library`: the path of `libnvinfer`; what the loader finds by its names, unless stated.
    pub library: Option<PathBuf>,
    /// `plugins`: libraries of plug-ins, separated by semicolons, as in Triton.
    pub plugins: Vec<PathBuf>,
}

impl Settings {
    /// Reads what is stated; the keys that are not known come with it.
    pub fn parse(stated: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let (mut settings, mut unknown) = (Self::default(), Vec::new());
        for (key, value) in stated {
            match key.as_str() {
                "library" => settings.library = Some(value.into()),
                "plugins" => {
                    let paths = value.split(';').filter(|path| !path.is_empty());
                    settings.plugins = paths.map(PathBuf::from).collect();
                }
                _ => unknown.push(key.clone()),
            }
        }
        (settings, unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let stated = [("library", "/a/libnvinfer.so.10"), ("plugins", "b.so;c.so;"), ("x", "1")];
        let stated = stated.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let (settings, unknown) = Settings::parse(&stated);
        assert_eq!(settings.library, Some("/a/libnvinfer.so.10".into()));
        assert_eq!(settings.plugins, [PathBuf::from("b.so"), PathBuf::from("c.so")]);
        assert_eq!(unknown, ["x"]);
    }
}
