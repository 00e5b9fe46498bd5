//! The one table that gives an error its status in HTTP and in gRPC. The codes are Triton's.

use axum::http::StatusCode;
use nereid_backend::error::Kind;
use tonic::Code;

/// What both protocols call an error of this kind.
pub fn of(kind: Kind) -> (StatusCode, Code) {
    match kind {
        Kind::NotFound => (StatusCode::NOT_FOUND, Code::NotFound),
        Kind::InvalidArg => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::OutOfRange),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        Kind::Cancelled => (StatusCode::BAD_REQUEST, Code::Cancelled),
        Kind::Unsupported => (StatusCode::NOT_IMPLEMENTED, Code::Unimplemented),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Triton's map from its classes of errors, and one line of our own: what is too large.
    #[test]
    fn every_kind_has_triton_s_status() {
        for (kind, http, grpc) in [
            (Kind::Internal, 500, Code::Internal),
            (Kind::NotFound, 404, Code::NotFound),
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
