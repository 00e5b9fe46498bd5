//! Loading and unloading of models, where the control mode lets clients do it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::http::error;
use crate::http::models::Path;
use crate::lifecycle::{self, Control, Overrides};
use crate::server::Server;
use crate::status;

pub(super) async fn load(State(server): State<Arc<Server>>, path: Path, body: Bytes) -> Response {
    let Path(target) = path;
    let control = match control(&server) {
        Ok(control) => control,
        Err(refused) => return refused,
    };
    let parameters = match parameters(&body) {
        Ok(parameters) => parameters,
        Err(refused) => return refused,
    };
    let overrides = match overrides(&parameters) {
        Ok(overrides) => overrides,
        Err(text) => return error(StatusCode::BAD_REQUEST, &text),
    };
    match control.load(&target.model, overrides).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failed) => error(status::of(failed.kind()).0, &failed.to_string()),
    }
}

pub(super) async fn unload(State(server): State<Arc<Server>>, path: Path, body: Bytes) -> Response {
    let Path(target) = path;
    let control = match control(&server) {
        Ok(control) => control,
        Err(refused) => return refused,
    };
    match parameters(&body) {
        Err(refused) => refused,
        Ok(parameters) => {
            let with_steps = parameters.get("unload_dependents").and_then(Value::as_bool);
            control.unload(&target.model, with_steps.unwrap_or(false));
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

/// `config` is the configuration as JSON in a string, `file:<path>` a file in base64.
fn overrides(parameters: &Value) -> Result<Overrides, String> {
    let mut overrides = Overrides::default();
    for (name, value) in parameters.as_object().into_iter().flatten() {
        let text = value.as_str().ok_or("attempt to access JSON non-string as string")?;
        match name.strip_prefix("file:") {
            Some(path) => {
                let content = BASE64_STANDARD.decode(text);
                let content = content
                    .map_err(|error| format!("load parameter '{name}' is not base64: {error}"))?;
                overrides.files.push((path.to_owned(), content.into()));
            }
            None if name == "config" => overrides.config = Some(text.to_owned()),
            None => return Err(format!("unrecognized load parameter '{name}'.")),
        }
    }
    Ok(overrides)
}

/// The member `parameters` of a body, which may be empty.
fn parameters(body: &[u8]) -> Result<Value, Response> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut asked) => Ok(asked.get_mut("parameters").map_or(Value::Null, Value::take)),
        Err(wrong) => {
            let text = format!("failed to parse the request JSON buffer: {wrong}");
            Err(error(StatusCode::BAD_REQUEST, &text))
        }
    }
}
