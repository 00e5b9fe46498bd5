//! Health, metadata, configuration and statistics.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use nereid_backend::error::InferError;

use crate::answers;
use crate::http::{error, failure, json, not_found};
use crate::registry::Target;
use crate::server::Server;

/// The model, and perhaps the version, that the path names.
pub(super) struct Path(pub(super) Target);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|wrong| error(wrong.status(), &wrong.body_text()))?;
        let mut target = Target { model: String::new(), version: None };
        for (name, value) in &params {
            match name {
                // The router lets an empty name pass before a route that goes on.
                "model" if value.is_empty() => return Err(not_found().await),
                "model" => value.clone_into(&mut target.model),
                _ => match value.parse() {
                    Ok(version) if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                        target.version = Some(version);
                    }
                    // To Triton, a version that is no number is no route.
                    _ => return Err(not_found().await),
                },
            }
        }
        Ok(Self(target))
    }
}

pub(super) async fn live(State(server): State<Arc<Server>>) -> Response {
    health("live", server.is_live())
}

pub(super) async fn ready(State(server): State<Arc<Server>>) -> Response {
    health("ready", server.is_ready())
}

pub(super) async fn model_ready(State(server): State<Arc<Server>>, Path(target): Path) -> Response {
    if server.is_model_ready(&target) {
        json::ok(json::model_ready(&target.model))
    } else {
        error(StatusCode::BAD_REQUEST, "Model version not ready")
    }
}

pub(super) async fn server_metadata(State(server): State<Arc<Server>>) -> Response {
    json::message(&answers::server_metadata(&server))
}

pub(super) async fn metadata(State(server): State<Arc<Server>>, Path(target): Path) -> Response {
    answer(answers::model_metadata(&server.models.snapshot(), &target))
}

pub(super) async fn config(State(server): State<Arc<Server>>, Path(target): Path) -> Response {
    match server.models.find(&target) {
        Ok(found) => json::message(&found.served.definition.config),
        Err(failed) => failure(&failed),
    }
}

pub(super) async fn statistics(
    State(server): State<Arc<Server>>,
    Path(Target { model, version }): Path,
) -> Response {
    answer(answers::statistics(&server.models.snapshot(), Some(&model), version))
}

pub(super) async fn all_statistics(State(server): State<Arc<Server>>) -> Response {
    answer(answers::statistics(&server.models.snapshot(), None, None))
}

fn health(name: &str, is_so: bool) -> Response {
    let status = if is_so { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = format!("{{\"{name}\":{is_so}}}");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn answer<M: json::Message>(answered: Result<M, InferError>) -> Response {
    match answered {
        Ok(message) => json::message(&message),
        Err(failed) => failure(&failed),
    }
}
