//! The repository's index, and loading and unloading of models, where the control mode lets
//! clients do it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
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

pub(super) async fn index(State(server): State<Arc<Server>>, body: Received) -> Response {
    match read(body, wants_only_ready).await {
        Ok(only_ready) => json::index(&answers::index(&server.models.snapshot(), only_ready)),
        Err(failed) => failure(&failed),
    }
}

pub(super) async fn load(
    State(server): State<Arc<Server>>,
    Path(target): Path,
    body: Received,
) -> Response {
    let control = match control(&server) {
        Ok(control) => control,
        Err(refused) => return refused,
    };
    let overrides = match read(body, overrides).await {
        Ok(overrides) => overrides,
        Err(failed) => return failure(&failed),
    };
    match control.load(&target.model, overrides).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failed) => error(status::of(failed.kind()).0, &failed.to_string()),
    }
}

pub(super) async fn unload(
    State(server): State<Arc<Server>>,
    Path(target): Path,
    body: Received,
) -> Response {
    let control = match control(&server) {
        Ok(control) => control,
        Err(refused) => return refused,
    };
    match read(body, wants_dependents).await {
        Err(failed) => failure(&failed),
        Ok(with_steps) => {
            control.unload(&target.model, with_steps);
            StatusCode::OK.into_response()
        }
    }
}

pub(super) async fn of_named_repository() -> Response {
    let text = "'repository_name' specification is not supported";
    error(StatusCode::NOT_IMPLEMENTED, text)
}

fn control(server: &Server) -> Result<&Control, Response> {
    let refused = || error(StatusCode::SERVICE_UNAVAILABLE, lifecycle::NOT_ALLOWED);
    server.control.as_ref().ok_or_else(refused)
}

/// What `decode` reads of a body.
async fn read<T: Send + 'static>(
    body: Received,
    decode: fn(&[u8]) -> Result<T, InferError>,
) -> Result<T, InferError> {
    off_worker(body.bytes().len(), move || decode(&body.bytes())).await
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
