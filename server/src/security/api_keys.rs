//! API keys, and what their holders may do, from a file of lines such as `infer,control KEY`.
//!
//! The process keeps only the keys' SHA-256, and compares all of them in a time that does not depend
//! on where a difference is.

use std::collections::HashSet;
use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use nereid_backend::error::LoadError;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use subtle::ConstantTimeEq;

use super::group::Role;
use super::secret_file;

/// Keys of a file: each costs a comparison with each call.
const KEYS_MAX: usize = 1_024;

/// Bytes of a key. Shorter ones can be guessed.
const KEY_BYTES_MIN: usize = 16;
const KEY_BYTES_MAX: usize = 256;

/// How `Authorization` begins before a key (RFC 6750); the word is the same in any case (RFC 9110).
const BEARER: &str = "bearer ";

/// Where a key may stand instead.
const API_KEY: &str = "x-api-key";

const EXPECTED: &str =
    "a line for each API key: its roles (infer, control, admin), a space, the key";

/// The keys of a file.
pub struct ApiKeys(Vec<Known>);

struct Known {
    digest: [u8; SHA256_OUTPUT_LEN],
    roles: Roles,
}

/// What the holder of a key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles([bool; Role::ALL.len()]);

impl Roles {
    /// Whether `role` is one of them.
    pub fn has(self, role: Role) -> bool {
        self.0[role as usize]
    }

    fn parse(text: &str) -> Option<Self> {
        let mut roles = Self::default();
        for name in text.split(',') {
            let role = Role::ALL.into_iter().find(|role| role.name() == name)?;
            roles.0[role as usize] = true;
        }
        Some(roles)
    }
}

impl ApiKeys {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it cannot be understood: the line's number, never its text.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let content = secret_file::read_secret(path, EXPECTED)?;
        Self::parse(&content).map_err(|wrong| {
            LoadError::new(format!("{}{wrong}, expected {EXPECTED}", path.display()))
        })
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let mut keys = Vec::new();
        let mut seen = HashSet::new();
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let known = known(line).map_err(|wrong| format!(":{}: {wrong}", index + 1))?;
            if !seen.insert(known.digest) {
                return Err(format!(":{}: a key that stands above, too", index + 1));
            }
            keys.push(known);
        }
        match keys.len() {
            0 => Err(" has no key, and nobody could ask for anything".to_owned()),
            1..=KEYS_MAX => Ok(Self(keys)),
            count => Err(format!(" has {count} keys, {KEYS_MAX} are admitted")),
        }
    }

    /// What the holder of `key` may do; `None` if nobody has this key.
    pub fn roles(&self, key: &[u8]) -> Option<Roles> {
        let sent = sha256(key);
        let mut found = None;
        // Of all of them: to stop at the right one would tell where it stands.
        for known in &self.0 {
            if known.digest.ct_eq(&sent).into() {
                found = Some(known.roles);
            }
        }
        found
    }
}

/// The key that a client has sent, if it has.
pub(super) fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(BEARER.len())?;
        scheme.eq_ignore_ascii_case(BEARER.as_bytes()).then(|| key.trim_ascii())
    });
    bearer.or_else(|| headers.get(API_KEY).map(|value| value.as_bytes().trim_ascii()))
}

fn known(line: &[u8]) -> Result<Known, &'static str> {
    let line = str::from_utf8(line).map_err(|_| "bytes that are no UTF-8")?;
    let mut words = line.split_ascii_whitespace();
    let (Some(roles), Some(key), None) = (words.next(), words.next(), words.next()) else {
        return Err("not two words");
    };
    let roles = Roles::parse(roles).ok_or("an unknown role")?;
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a key with other characters than those of ASCII");
    }
    match key.len() {
        0..KEY_BYTES_MIN => Err("a key of less than 16 characters, which can be guessed"),
        KEY_BYTES_MIN..=KEY_BYTES_MAX => Ok(Known { digest: sha256(key.as_bytes()), roles }),
        _ => Err("a key of more than 256 characters"),
    }
}

fn sha256(key: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut bytes = [0; SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest(&SHA256, key).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";

    #[test]
    fn a_file_of_keys() {
        let other = "f".repeat(KEY_BYTES_MAX);
        let text = format!("# Ours\n\ninfer {KEY}\r\n\tcontrol,admin   {other}");
        let keys = ApiKeys::parse(text.as_bytes()).unwrap();
        let has =
            |key: &str| keys.roles(key.as_bytes()).map(|of| Role::ALL.map(|role| of.has(role)));
        assert_eq!(has(KEY), Some([true, false, false]));
        assert_eq!(has(&other), Some([false, true, true]));
        for unknown in ["", "0123456789abcde", "0123456789abcdeg", "infer", "# Ours"] {
            assert_eq!(has(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_by_its_line_and_no_key_is() {
        let long = format!("infer {}", "f".repeat(KEY_BYTES_MAX + 1));
        let many: Vec<_> = (0..=KEYS_MAX).map(|index| format!("infer {index:016}")).collect();
        let many = many.join("\n");
        for (text, expected) in [
            ("", " has no key"),
            ("# only a remark", " has no key"),
            ("\n\n0123456789abcdef", ":3: not two words"),
            ("infer, 0123456789abcdef", ":1: an unknown role"),
            ("root 0123456789abcdef", ":1: an unknown role"),
            ("infer 0123456789abcdef mine", ":1: not two words"),
            ("infer 0123456789abcde", ":1: a key of less than 16"),
            ("infer 0123456789abcdef\u{e9}", ":1: a key with other characters"),
            (&long, ":1: a key of more than 256"),
            ("infer 0123456789abcdef\nadmin 0123456789abcdef", ":2: a key that stands above"),
            (&many, " has 1025 keys, 1024 are admitted"),
        ] {
            let error = ApiKeys::parse(text.as_bytes()).err().unwrap();
            assert!(error.starts_with(expected) && !error.contains("abcde"), "{text}: {error}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"infer \xff").unwrap();
        let error = ApiKeys::read(file.path()).err().unwrap().to_string();
        let path = file.path().display();
        assert_eq!(error, format!("{path}:1: bytes that are no UTF-8, expected {EXPECTED}"));
    }

    #[test]
    fn where_a_key_stands() {
        #[track_caller]
        fn check(headers: &[(&'static str, &'static str)], expected: Option<&str>) {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(sent(&map), expected.map(str::as_bytes));
        }
        check(&[("authorization", "Bearer k")], Some("k"));
        check(&[("authorization", "bearer  k ")], Some("k"));
        check(&[("x-api-key", "k")], Some("k"));
        check(&[("authorization", "Bearer a"), ("x-api-key", "b")], Some("a"));
        check(&[("authorization", "Basic a"), ("x-api-key", "b")], Some("b"));
        check(&[("authorization", "Basic a")], None);
        check(&[("authorization", "k")], None);
        check(&[], None);
    }
}
