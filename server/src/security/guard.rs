//! Stands before the calls of a port: which of them it answers, and to whom.

use std::sync::Arc;

use axum::http::HeaderMap;

use super::api_keys::{self, ApiKeys};
use super::group::{Callers, Group};
use super::live::Live;
use super::refusal::Refusal;
use super::restriction::Restrictions;

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// All calls.
    All,
    /// All but those that change what others get, which another port is for.
    WithoutControl,
}

/// The conditions of a port.
pub struct Guard {
    /// What it is for.
    pub surface: Surface,
    /// Headers that groups need.
    pub restrictions: Restrictions,
    /// Keys that callers need, if they do.
    pub keys: Option<Arc<Live<ApiKeys>>>,
}

impl Guard {
    /// Lets all calls pass.
    pub fn open() -> Self {
        Self { surface: Surface::All, restrictions: Restrictions::none(), keys: None }
    }

    /// Whether anybody may make calls of `group`, so that nothing has to be checked.
    pub fn lets_all(&self, group: Group) -> bool {
        let is_here = self.surface == Surface::All || !group.is_control();
        let needs_key = self.keys.is_some() && group.callers() != Callers::Everybody;
        is_here && !needs_key && !self.restrictions.restricts(group)
    }

    /// Whether a call of `group` with these headers is answered.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, group: Group, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.surface == Surface::WithoutControl && group.is_control() {
            return Err(Refusal::Elsewhere);
        }
        self.restrictions.check(group, headers)?;
        match &self.keys {
            Some(keys) => check_key(&keys.get(), group.callers(), headers),
            None => Ok(()),
        }
    }
}

fn check_key(keys: &ApiKeys, callers: Callers, headers: &HeaderMap) -> Result<(), Refusal> {
    if callers == Callers::Everybody {
        return Ok(());
    }
    let sent = api_keys::sent(headers).ok_or(Refusal::NoKey)?;
    let roles = keys.roles(sent).ok_or(Refusal::UnknownKey)?;
    match callers {
        Callers::Only(role) if !roles.has(role) => Err(Refusal::LacksRole(role)),
        Callers::Only(_) | Callers::AnyKey | Callers::Everybody => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;
    use crate::security::group::Role;

    const INFER: &str = "infer-0123456789";
    const CONTROL: &str = "control-01234567";
    const ADMIN: &str = "admin-0123456789";

    fn keys() -> Arc<Live<ApiKeys>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("infer {INFER}\ncontrol {CONTROL}\nadmin {ADMIN}");
        std::fs::write(file.path(), text).unwrap();
        Live::new("test", Vec::new(), move || ApiKeys::read(file.path())).unwrap()
    }

    fn guard(surface: Surface, restricted: &[&str]) -> Guard {
        let options: Vec<_> = restricted.iter().map(|text| text.parse().unwrap()).collect();
        let restrictions = Restrictions::of_http(&options).unwrap();
        Guard { surface, restrictions, keys: Some(keys()) }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn without_conditions_all_may() {
        let guard = Guard::open();
        for group in Group::all() {
            assert!(guard.lets_all(group));
            assert_eq!(guard.check(group, &HeaderMap::new()), Ok(()));
        }
    }

    #[test]
    fn roles_open_their_groups() {
        let guard = guard(Surface::All, &[]);
        let allowed = |key: &str| {
            let headers = headers("x-api-key", key);
            let may = |group: &Group| guard.check(*group, &headers).is_ok();
            Group::all().filter(may).collect::<Vec<_>>()
        };
        let groups = |names: &str| {
            names.split(' ').map(|name| name.parse::<Group>().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(allowed(INFER), groups("health metadata inference shared-memory model-config"));
        assert_eq!(allowed(CONTROL), groups("health metadata model-config model-repository"));
        assert_eq!(allowed(ADMIN), groups("health metadata model-config statistics trace logging"));
        assert_eq!(allowed("unknown-01234567"), [Group::Health]);
        let open: Vec<_> = Group::all().filter(|group| guard.lets_all(*group)).collect();
        assert_eq!(open, [Group::Health]);
        let refusal = |headers| guard.check(Group::Inference, &headers).unwrap_err();
        assert_eq!(refusal(HeaderMap::new()), Refusal::NoKey);
        assert_eq!(refusal(headers("x-api-key", "unknown")), Refusal::UnknownKey);
        let lacks = refusal(headers("authorization", &format!("Bearer {ADMIN}")));
        assert_eq!(lacks, Refusal::LacksRole(Role::Infer));
        assert_eq!(lacks.to_string(), "the API key lacks the role 'infer'");
    }

    #[test]
    fn a_restriction_holds_for_holders_of_keys_too() {
        let guard = guard(Surface::All, &["inference,health:secret=x"]);
        assert!(!guard.lets_all(Group::Health));
        let mut sent = headers("x-api-key", INFER);
        let secret = HeaderName::from_static("secret");
        let refused = guard.check(Group::Inference, &sent).unwrap_err();
        assert!(matches!(refused, Refusal::Restricted { .. }), "{refused}");
        sent.insert(secret, "x".parse().unwrap());
        assert_eq!(guard.check(Group::Inference, &sent), Ok(()));
        sent.remove("x-api-key");
        assert_eq!(guard.check(Group::Health, &sent), Ok(()));
    }

    #[test]
    fn control_is_answered_elsewhere_where_it_has_a_port() {
        let guard = guard(Surface::WithoutControl, &[]);
        for group in Group::all().filter(|group| group.is_control()) {
            assert!(!guard.lets_all(group));
            let refused = guard.check(group, &headers("x-api-key", CONTROL));
            assert_eq!(refused, Err(Refusal::Elsewhere));
        }
        assert_eq!(guard.check(Group::Inference, &headers("x-api-key", INFER)), Ok(()));
    }
}
