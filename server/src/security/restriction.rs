//! Triton's restricted APIs: groups of calls that need a header of a certain value.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use nereid_backend::error::LoadError;
use subtle::ConstantTimeEq;

use super::group::Group;
use super::refusal::Refusal;

/// What is expected of a restriction's text.
const FORM: &str = "expected <group>,<group>,...:<header>=<value>";

/// What stands before a restriction's header in gRPC.
const GRPC_PREFIX: &str = "triton-grpc-protocol-";

/// One of the options: `<group>,<group>,...:<header>=<value>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Restriction {
    groups: Vec<Group>,
    header: String,
    value: String,
}

impl FromStr for Restriction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (groups, header) = text.split_once(':').ok_or(FORM)?;
        let (header, value) = header.split_once('=').ok_or(FORM)?;
        let groups = groups.split(',').map(str::parse).collect::<Result<_, _>>()?;
        if header.parse::<HeaderName>().is_err() {
            return Err(format!("'{header}' cannot be a header, {FORM}"));
        }
        if value.is_empty() {
            return Err(format!("the value is empty, {FORM}"));
        }
        Ok(Self { groups, header: header.to_owned(), value: value.to_owned() })
    }
}

/// Without the value: it is a secret.
impl fmt::Debug for Restriction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}:{}", self.groups, self.header)
    }
}

/// The restrictions of a port.
pub struct Restrictions {
    what: &'static str,
    of: [Option<Wanted>; Group::COUNT],
}

#[derive(Clone)]
struct Wanted {
    header: HeaderName,
    value: String,
}

impl Restrictions {
    /// None at all.
    pub fn none() -> Self {
        Self { what: "", of: [const { None }; Group::COUNT] }
    }

    /// Those of HTTP.
    ///
    /// # Errors
    /// When a group has several, which Triton refuses, too.
    pub fn of_http(options: &[Restriction]) -> Result<Self, LoadError> {
        Self::new(options, "API", "")
    }

    /// Those of gRPC, whose headers have a prefix.
    ///
    /// # Errors
    /// As [`Self::of_http`].
    pub fn of_grpc(options: &[Restriction]) -> Result<Self, LoadError> {
        Self::new(options, "protocol", GRPC_PREFIX)
    }

    fn new(options: &[Restriction], what: &'static str, prefix: &str) -> Result<Self, LoadError> {
        let mut restrictions = Self { what, ..Self::none() };
        for Restriction { groups, header, value } in options {
            let name = format!("{prefix}{header}");
            let header: HeaderName =
                name.parse().map_err(|_| LoadError::new(format!("'{name}' cannot be a header")))?;
            for group in groups {
                let wanted = Wanted { header: header.clone(), value: value.clone() };
                if restrictions.of[*group as usize].replace(wanted).is_some() {
                    let name = group.name();
                    let text = format!("'{name}' is restricted twice: a group has one header");
                    return Err(LoadError::new(text));
                }
            }
        }
        Ok(restrictions)
    }

    /// Whether the calls of `group` need a header.
    pub(super) fn restricts(&self, group: Group) -> bool {
        self.of[group as usize].is_some()
    }

    /// Whether a call of `group` may be made with these headers.
    ///
    /// # Errors
    /// [`Refusal::Restricted`], with the header that must be there.
    pub(super) fn check(&self, group: Group, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(Wanted { header, value }) = &self.of[group as usize] else { return Ok(()) };
        let sent = headers.get(header).map_or(&b""[..], |sent| sent.as_bytes());
        let is_right: bool = sent.ct_eq(value.as_bytes()).into();
        if is_right {
            return Ok(());
        }
        Err(Refusal::Restricted { what: self.what, header: header.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let parsed: Restriction = "health,model-config:Key=a=b:c".parse().unwrap();
        let groups = vec![Group::Health, Group::ModelConfig];
        assert_eq!(parsed.groups, groups);
        assert_eq!((parsed.header.as_str(), parsed.value.as_str()), ("Key", "a=b:c"));
        assert!(!format!("{parsed:?}").contains("a=b:c"));
        for (text, expected) in [
            ("", FORM),
            ("health", FORM),
            ("health:key", FORM),
            ("health:=value", "'' cannot be a header"),
            ("health:a b=value", "'a b' cannot be a header"),
            ("health:key=", "the value is empty"),
            ("heart:key=value", "unknown group of calls 'heart', expected one of health,"),
            ("health,:key=value", "unknown group of calls ''"),
        ] {
            let error = text.parse::<Restriction>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_group_has_one_header() {
        let options = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Restriction>>()
        };
        let twice = options(&["health,trace:a=b", "logging,trace:a=b"]);
        let error = Restrictions::of_http(&twice).err().unwrap();
        assert!(error.to_string().contains("'trace' is restricted twice"), "{error}");
        assert!(Restrictions::of_http(&options(&["health:a=b", "trace:a=c"])).is_ok());
    }

    #[test]
    fn only_the_right_value_passes() {
        let option: Restriction = "inference:Secret=value".parse().unwrap();
        let options = [option];
        for (restrictions, what, header) in [
            (Restrictions::of_http(&options).unwrap(), "API", "secret"),
            (Restrictions::of_grpc(&options).unwrap(), "protocol", "triton-grpc-protocol-secret"),
        ] {
            let check = |sent: Option<&'static str>| {
                let mut headers = HeaderMap::new();
                if let Some(sent) = sent {
                    headers.insert(HeaderName::from_static(header), sent.parse().unwrap());
                }
                assert_eq!(restrictions.check(Group::Health, &headers), Ok(()));
                restrictions
                    .check(Group::Inference, &headers)
                    .map_err(|refused| refused.to_string())
            };
            assert_eq!(check(Some("value")), Ok(()));
            let refused = format!("This {what} is restricted, expecting header '{header}'");
            for wrong in [None, Some(""), Some("valu"), Some("values"), Some("VALUE")] {
                assert_eq!(check(wrong), Err(refused.clone()), "{wrong:?}");
            }
        }
    }
}
