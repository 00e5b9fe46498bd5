//! The repository's index, and loading and unloading of models, where the control mode lets
//! clients do it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use nereid_backend::error::InferError;
use nereid_proto::http::{load_parameters, wants_dependents, wants_only_ready};

use crate::answers;
use crate::http::body::Received;
use crate::http::models::Path;
use crate::http::{error, failure, json};
use crate::lifecycle::{self, Control, Overrides};
use crate::off_worker::off_worker;
use crate::server::Server;
use crate::status;

pub(super) async fn index(
    State(server): State<Arc<Server>>,
    body: Received,
) -> Result<Response, Response> {
    let only_ready = read(body, wants_only_ready).await?;
    Ok(json::index(&answers::index(&server.models.snapshot(), only_ready)))
}

pub(super) async fn load(
    State(server): State<Arc<Server>>,
    Path(target): Path,
    body: Received,
) -> Result<StatusCode, Response> {
    let control = control(&server)?;
    let overrides = read(body, overrides).await?;
    match control.load(&target.model, overrides).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(failed) => Err(error(status::of(failed.kind()).0, &failed.to_string())),
    }
}

pub(super) async fn unload(
    State(server): State<Arc<Server>>,
    Path(target): Path,
    body: Received,
) -> Result<StatusCode, Response> {
    let control = control(&server)?;
    let with_steps = read(body, wants_dependents).await?;
    control.unload(&target.model, with_steps);
    Ok(StatusCode::OK)
}

pub(super) async fn of_named_repository() -> Response {
    error(StatusCode::NOT_IMPLEMENTED, lifecycle::NO_NAMED_REPOSITORY)
}

fn control(server: &Server) -> Result<&Control, Response> {
    let refused = || error(StatusCode::SERVICE_UNAVAILABLE, lifecycle::NOT_ALLOWED);
    server.control.as_ref().ok_or_else(refused)
}

/// What `decode` reads of a body, or the answer to one that it cannot read.
pub(super) async fn read<T: Send + 'static>(
    body: Received,
    decode: fn(&[u8]) -> Result<T, InferError>,
) -> Result<T, Response> {
    let read = off_worker(body.bytes().len(), move || decode(&body.bytes())).await;
    read.map_err(|failed| failure(&failed))
}

/// `config` is the configuration as JSON in a string, `file:<path>` a file in base64.
fn overrides(body: &[u8]) -> Result<Overrides, InferError> {
    let mut overrides = Overrides::default();
    for (name, text) in load_parameters(body)? {
        match name.strip_prefix("file:") {
            Some(path) => {
                let content = BASE64_STANDARD.decode(text).map_err(|error| {
                    InferError::Invalid(format!("load parameter '{name}' is not base64: {error}"))
                })?;
                overrides.files.push((path.to_owned(), content.into()));
            }
            None if name == "config" => overrides.config = Some(text),
            None => {
                let text = format!("unrecognized load parameter '{name}'.");
                return Err(InferError::Invalid(text));
            }
        }
    }
    Ok(overrides)
}
