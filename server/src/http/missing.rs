//! Extensions that Triton has and this server has not: who asks is told so, where an unknown path would
//! leave the client to guess. gRPC has a status of its own for it, UNIMPLEMENTED.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use nereid_backend::error::InferError;

use crate::http::failure;
use crate::server::Server;

/// Path and extension, by the name that Triton's metadata has for it.
const MISSING: [(&str, &str); 5] = [
    ("/v2/trace/setting", "trace"),
    ("/v2/models/{model}/trace/setting", "trace"),
    ("/v2/logging", "logging"),
    ("/v2/systemsharedmemory/{*call}", "system_shared_memory"),
    ("/v2/cudasharedmemory/{*call}", "cuda_shared_memory"),
];

pub(super) fn routes() -> Router<Arc<Server>> {
    MISSING.into_iter().fold(Router::new(), |routes, (path, extension)| {
        routes.route(path, any(async move || missing(extension)))
    })
}

fn missing(extension: &str) -> Response {
    let text = format!("the extension '{extension}' is not supported by this version of Nereid");
    failure(&InferError::Unsupported(text))
}
