//! How bodies are compressed, as `Content-Encoding` and `Accept-Encoding` name it.

use axum::http::{HeaderMap, header};

/// The codings that a client may use, as `Accept-Encoding` lists them.
pub(super) const ACCEPTED: &str = "gzip, deflate";

/// One coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// What HTTP calls so: the zlib format, RFC 1950.
    Deflate,
}

impl Coding {
    /// The coding of a request's body; `None` if it is none of ours, or more than one.
    pub(super) fn of_request(headers: &HeaderMap) -> Option<Self> {
        let mut stated = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = stated.next() else { return Some(Self::Identity) };
        let value = value.to_str().ok().filter(|_| stated.next().is_none())?;
        Self::from_name(value.trim())
    }

    /// The coding in which the client would like the answer best: that of the highest weight, the
    /// first of equal ones. As in Triton, `*` names none.
    pub(super) fn of_response(headers: &HeaderMap) -> Self {
        let mut best = (Self::Identity, 0.0);
        for (coding, weight) in accepted(headers) {
            if weight > best.1 {
                best = (coding, weight);
            }
        }
        best.0
    }

    /// Its name in headers; what is as it is has none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let known =
            [("identity", Self::Identity), ("gzip", Self::Gzip), ("deflate", Self::Deflate)];
        let found = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, coding)| coding)
    }
}

/// The known codings of `Accept-Encoding`, each with its weight: RFC 9110, 12.5.3.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (Coding, f32)> {
    let values = headers
        .get_all(header::ACCEPT_ENCODING)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse().ok());
        Some((Coding::from_name(name.trim())?, weight?))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let value = |value: &&'static str| (name.clone(), value.parse().unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_request_has_one_known_coding_or_none() {
        let check = |values: &[&'static str], expected: Option<Coding>| {
            let headers = headers(&header::CONTENT_ENCODING, values);
            assert_eq!(Coding::of_request(&headers), expected, "{values:?}");
        };
        check(&[], Some(Coding::Identity));
        check(&["identity"], Some(Coding::Identity));
        check(&["gzip"], Some(Coding::Gzip));
        check(&[" GZip "], Some(Coding::Gzip));
        check(&["deflate"], Some(Coding::Deflate));
        check(&["br"], None);
        check(&[""], None);
        check(&["gzip, deflate"], None);
        check(&["gzip", "gzip"], None);
    }

    #[test]
    fn the_highest_weight_wins() {
        let check = |values: &[&'static str], expected: Coding| {
            let headers = headers(&header::ACCEPT_ENCODING, values);
            assert_eq!(Coding::of_response(&headers), expected, "{values:?}");
        };
        check(&[], Coding::Identity);
        check(&["gzip"], Coding::Gzip);
        check(&["gzip, deflate"], Coding::Gzip);
        check(&["deflate, gzip"], Coding::Deflate);
        check(&["br", "deflate;q=0.2"], Coding::Deflate);
        check(&["gzip;q=0.5, deflate;q=0.9"], Coding::Deflate);
        check(&["gzip;q=0,deflate"], Coding::Deflate);
        check(&["gzip;q=0, deflate; q=0.0"], Coding::Identity);
        check(&["gzip;q=0.5, identity"], Coding::Identity);
        check(&["*"], Coding::Identity);
        check(&["br;q=1.0, gzip;q=nonsense"], Coding::Identity);
        check(&["gzip;q=NaN"], Coding::Identity);
    }
}
