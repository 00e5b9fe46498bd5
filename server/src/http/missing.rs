//! Extensions that Triton has and this server has not: who asks is told so, where an unknown path would
//! leave the client to guess. gRPC has a status of its own for it, UNIMPLEMENTED.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::any;
use nereid_backend::error::InferError;

use crate::http::failure;
use crate::http::guarded::guarded;
use crate::security::group::Group;
use crate::security::guard::Guard;
use crate::server::Server;

/// Path, group, and extension by the name that Triton's metadata has for it.
const MISSING: [(&str, Group, &str); 4] = [
    ("/v2/trace/setting", Group::Trace, "trace"),
    ("/v2/models/{model}/trace/setting", Group::Trace, "trace"),
    ("/v2/logging", Group::Logging, "logging"),
    ("/v2/systemsharedmemory/{*call}", Group::SharedMemory, "system_shared_memory"),
];

pub(super) fn routes(guard: &Arc<Guard>) -> Router<Arc<Server>> {
    MISSING.into_iter().fold(Router::new(), |routes, (path, group, extension)| {
        routes.route(path, guarded(guard, group, any(async move || missing(extension))))
    })
}

fn missing(extension: &str) -> Response {
    let text = format!("the extension '{extension}' is not supported by this version of Nereid");
    failure(&InferError::Unsupported(text))
}
