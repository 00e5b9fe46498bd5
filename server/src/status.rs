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
