//! The one table that gives an error its status in HTTP and in gRPC. The codes are Triton's.

use axum::http::StatusCode;
use nereid_backend::error::Kind;
use tonic::Code;

use crate::security::refusal::Refusal;

/// Longest error. Over gRPC it travels as a header, in which other bytes than ASCII take three each,
/// and stock clients admit 16 KiB of headers; beyond, they report that instead of the error.
pub const TEXT_BYTES_MAX: usize = 4 << 10;

/// What both protocols call an error of this kind.
pub fn of(kind: Kind) -> (StatusCode, Code) {
    match kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, Code::NotFound),
        Kind::AlreadyExists => (StatusCode::BAD_REQUEST, Code::AlreadyExists),
        Kind::InvalidArg => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::OutOfRange),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        Kind::Cancelled => (StatusCode::BAD_REQUEST, Code::Cancelled),
        Kind::Unsupported => (StatusCode::NOT_IMPLEMENTED, Code::Unimplemented),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
    }
}

/// What both protocols call a call that is refused.
pub fn of_refusal(refused: &Refusal) -> (StatusCode, Code) {
    match refused {
        Refusal::Restricted { .. } => (StatusCode::FORBIDDEN, Code::Unavailable),
        Refusal::Elsewhere | Refusal::LacksRole(_) => {
            (StatusCode::FORBIDDEN, Code::PermissionDenied)
        }
        Refusal::NoKey | Refusal::UnknownKey => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
    }
}

/// What a client is told of an error: a text that echoes what it has sent is cut.
pub fn text(failed: &impl ToString) -> String {
    let mut text = failed.to_string();
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push_str(" ... (cut)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let text = |text: &str| super::text(&text);
        let fits = "x".repeat(TEXT_BYTES_MAX);
        assert_eq!(text(&fits), fits);
        let long = format!("{}{}", "x".repeat(TEXT_BYTES_MAX - 1), "\u{e9}".repeat(1_000_000));
        assert_eq!(text(&long), format!("{} ... (cut)", &fits[1..]));
    }

    /// Triton's map from its classes of errors, and one line of our own: what is too large.
    #[test]
    fn every_kind_has_triton_s_status() {
        for (kind, http, grpc) in [
            (Kind::Internal, 500, Code::Internal),
            (Kind::NotFound, 404, Code::NotFound),
            (Kind::AlreadyExists, 400, Code::AlreadyExists),
            (Kind::InvalidArg, 400, Code::InvalidArgument),
            (Kind::Unavailable, 503, Code::Unavailable),
            (Kind::Unsupported, 501, Code::Unimplemented),
            (Kind::Cancelled, 400, Code::Cancelled),
            (Kind::TooLarge, 413, Code::OutOfRange),
        ] {
            let (status, code) = of(kind);
            assert_eq!((status.as_u16(), code), (http, grpc), "{kind:?}");
        }
    }
}
