//! Regions of shared memory of CUDA devices: their status, registration, and end.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nereid_backend::error::InferError;
use nereid_kernels::device::SharedHandle;
use nereid_proto::http::cuda_region;

use crate::answers;
use crate::http::body::Received;
use crate::http::guarded::guarded;
use crate::http::{error, failure, json, not_found, read, repository};
use crate::security::group::Group;
use crate::security::guard::Guard;
use crate::server::Server;

pub(super) fn routes(guard: &Arc<Guard>) -> Router<Arc<Server>> {
    let of = |methods| guarded(guard, Group::SharedMemory, methods);
    ["/v2/cudasharedmemory", "/v2/cudasharedmemory/region/{region}"].into_iter().fold(
        Router::new(),
        |routes, path| {
            routes
                .route(&format!("{path}/status"), of(read(status)))
                .route(&format!("{path}/register"), of(post(register)))
                .route(&format!("{path}/unregister"), of(post(unregister)))
        },
    )
}

/// The region that the path names, or all of them.
struct Region(String);

impl<S: Send + Sync> FromRequestParts<S> for Region {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|wrong| error(wrong.status(), &wrong.body_text()))?;
        match params.iter().next() {
            None => Ok(Self(String::new())),
            // The router lets an empty name pass before a route that goes on; it is not all of them.
            Some((_, "")) => Err(not_found().await),
            Some((_, name)) => Ok(Self(name.to_owned())),
        }
    }
}

async fn status(State(server): State<Arc<Server>>, Region(name): Region) -> Response {
    match answers::cuda_regions(&server, &name) {
        Ok(regions) => json::cuda_regions(&regions),
        Err(failed) => failure(&failed),
    }
}

async fn register(
    State(server): State<Arc<Server>>,
    Region(name): Region,
    body: Received,
) -> Result<StatusCode, Response> {
    let refused = |failed: InferError| failure(&failed);
    let region = repository::read(body, cuda_region).await?;
    let handle = BASE64_STANDARD.decode(&region.handle).ok();
    let handle = handle.filter(|handle| handle.len() == size_of::<SharedHandle>());
    let handle = handle.ok_or_else(|| {
        let text = "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t";
        refused(InferError::Invalid(text.to_owned()))
    })?;
    let registered =
        server.regions.register(&name, &handle, region.device_id, region.byte_size).await;
    registered.map(|()| StatusCode::OK).map_err(refused)
}

async fn unregister(State(server): State<Arc<Server>>, Region(name): Region) -> StatusCode {
    server.regions.unregister(&name);
    StatusCode::OK
}
