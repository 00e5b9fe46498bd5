//! CORS: which web pages may read answers of the HTTP port, by the browser's leave.

use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser need not ask again.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Whose pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Everybody's.
    Any,
    /// This one's, as browsers write it.
    Exactly(HeaderValue),
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let wrong = || format!("'{text}' is no origin, expected one as https://example.com, or *");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        // Browsers compare texts: a path, or a slash, would never match.
        let is_whole = uri.scheme_str().zip(uri.authority()).is_some_and(|(scheme, authority)| {
            text == format!("{scheme}://{authority}").to_ascii_lowercase()
        });
        if !is_whole {
            return Err(wrong());
        }
        text.parse().map(Self::Exactly).map_err(|_| wrong())
    }
}

/// Answers what browsers ask before a page's request, and says in each answer who may read it. `None`
/// if no page may.
pub fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let exact = origins.iter().filter_map(|origin| match origin {
        Origin::Any => None,
        Origin::Exactly(value) => Some(value.clone()),
    });
    let allowed =
        if origins.contains(&Origin::Any) { AllowOrigin::any() } else { AllowOrigin::list(exact) };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        // Restrictions have headers of any name.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([HeaderName::from_static(nereid_proto::http::HEADER_LENGTH)])
        .max_age(MAX_AGE);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        assert_eq!("*".parse(), Ok(Origin::Any));
        for sound in ["https://a.example", "http://localhost:8080", "http://[::1]:80"] {
            let expected = Origin::Exactly(HeaderValue::from_static(sound));
            assert_eq!(sound.parse(), Ok(expected));
        }
        for wrong in
            ["", "a.example", "https://a.example/", "https://A.example", "https://a/b", "null"]
        {
            let error = wrong.parse::<Origin>().unwrap_err();
            assert!(error.contains("is no origin, expected one as https://"), "{error}");
        }
    }
}
