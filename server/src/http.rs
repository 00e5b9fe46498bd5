//! `KServe` v2 over HTTP/1.1: the routes, and what their errors look like.

pub mod body;
pub mod coding;
mod guarded;
mod infer;
mod json;
mod missing;
mod models;
mod parts;
mod regions;
mod repository;

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use nereid_backend::error::InferError;

use crate::http::guarded::guarded;
use crate::http::repository::of_named_repository as named_repository;
use crate::security::group::Group;
use crate::security::guard::Guard;
use crate::server::Server;
use crate::status;

/// [`nereid_proto::http::HEADER_LENGTH`], which is not parsed anew for each request.
const HEADER_LENGTH: HeaderName = HeaderName::from_static(nereid_proto::http::HEADER_LENGTH);

/// Answers KServe v2 for `server`, what `guard` lets pass.
pub fn router(server: Arc<Server>, guard: &Arc<Guard>) -> Router {
    let of = |group, methods| guarded(guard, group, methods);
    let control = |methods| of(Group::ModelRepository, methods);
    Router::new()
        .route("/v2", of(Group::Metadata, read(models::server_metadata)))
        .route("/v2/health/live", of(Group::Health, read(models::live)))
        .route("/v2/health/ready", of(Group::Health, read(models::ready)))
        .route("/v2/models/stats", of(Group::Statistics, read(models::all_statistics)))
        .merge(model_routes("/v2/models/{model}", guard))
        .merge(model_routes("/v2/models/{model}/versions/{version}", guard))
        .route("/v2/repository/index", control(post(repository::index)))
        .route("/v2/repository/models/{model}/load", control(post(repository::load)))
        .route("/v2/repository/models/{model}/unload", control(post(repository::unload)))
        .route("/v2/repository/{repository}/index", control(post(repository::index)))
        .route("/v2/repository/{repository}/models/{model}/load", control(post(named_repository)))
        .route("/v2/repository/{repository}/models/{model}/unload", control(post(named_repository)))
        .merge(regions::routes(guard))
        .merge(missing::routes(guard))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(server)
}

/// What can be asked of the model, and perhaps the version, in `path`. Each is a route of its
/// own: to nest them would make every request a new path.
fn model_routes(path: &str, guard: &Arc<Guard>) -> Router<Arc<Server>> {
    let of = |group, methods| guarded(guard, group, methods);
    Router::new()
        .route(path, of(Group::Metadata, read(models::metadata)))
        .route(&format!("{path}/ready"), of(Group::Health, read(models::model_ready)))
        .route(&format!("{path}/config"), of(Group::ModelConfig, read(models::config)))
        .route(&format!("{path}/stats"), of(Group::Statistics, read(models::statistics)))
        .route(&format!("{path}/infer"), of(Group::Inference, post(infer::infer)))
}

/// Whether the server lives and is ready, and nothing else: for a port of another kind, where probes
/// need neither certificates nor headers.
pub fn health_router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/v2/health/live", read(models::live))
        .route("/v2/health/ready", read(models::ready))
        .with_state(server)
}

/// A route to be read. HEAD is none of its methods, as in Triton.
fn read<H, T>(handler: H) -> MethodRouter<Arc<Server>>
where
    H: Handler<T, Arc<Server>>,
    T: 'static,
{
    get(handler).head(only_read).fallback(only_read)
}

async fn only_read() -> Response {
    let allowed = [(header::ALLOW, "GET")];
    (allowed, method_not_allowed().await).into_response()
}

async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "Not Found")
}

async fn method_not_allowed() -> Response {
    error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// An error as clients know it: `{"error":"..."}`.
fn error(status: StatusCode, text: &str) -> Response {
    let body = json::error(text);
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The answer to a request that failed.
fn failure(failed: &InferError) -> Response {
    let (status, _) = status::of(failed.kind());
    let mut response = error(status, &status::text(failed));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}
