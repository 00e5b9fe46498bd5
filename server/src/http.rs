//! `KServe` v2 over HTTP/1.1: the routes, and what their errors look like.

pub mod body;
pub mod coding;
mod infer;
mod json;
mod missing;
mod models;
mod parts;
mod repository;

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use nereid_backend::error::InferError;

use crate::http::repository::of_named_repository as named_repository;
use crate::server::Server;
use crate::status;

/// [`nereid_proto::http::HEADER_LENGTH`], which is not parsed anew for each request.
const HEADER_LENGTH: HeaderName = HeaderName::from_static(nereid_proto::http::HEADER_LENGTH);

/// Answers KServe v2 for `server`.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/v2", read(models::server_metadata))
        .route("/v2/health/live", read(models::live))
        .route("/v2/health/ready", read(models::ready))
        .route("/v2/models/stats", read(models::all_statistics))
        .merge(model_routes("/v2/models/{model}"))
        .merge(model_routes("/v2/models/{model}/versions/{version}"))
        .route("/v2/repository/index", post(repository::index))
        .route("/v2/repository/models/{model}/load", post(repository::load))
        .route("/v2/repository/models/{model}/unload", post(repository::unload))
        .route("/v2/repository/{repository}/index", post(repository::index))
        .route("/v2/repository/{repository}/models/{model}/load", post(named_repository))
        .route("/v2/repository/{repository}/models/{model}/unload", post(named_repository))
        .merge(missing::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(server)
}

/// What can be asked of the model, and perhaps the version, in the path `of`. Each is a route of its
/// own: to nest them would make every request a new path.
fn model_routes(of: &str) -> Router<Arc<Server>> {
    Router::new()
        .route(of, read(models::metadata))
        .route(&format!("{of}/ready"), read(models::model_ready))
        .route(&format!("{of}/config"), read(models::config))
        .route(&format!("{of}/stats"), read(models::statistics))
        .route(&format!("{of}/infer"), post(infer::infer))
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
