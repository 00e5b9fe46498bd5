//! The JSON bodies of everything but inference.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use nereid_proto::inference::{CudaSharedMemoryStatusResponse, RepositoryIndexResponse};
use nereid_proto::json;
pub(super) use nereid_proto::json::Message;
use serde_json::{Map, Value};

/// A successful answer of this text.
pub(super) fn ok(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A successful answer that gRPC would send as this message.
pub(super) fn message(message: &impl Message) -> Response {
    ok(json::to_json(message))
}

/// `{"error":"..."}`.
pub(super) fn error(text: &str) -> String {
    object([("error", Value::from(text))]).to_string()
}

/// The health of one model, as the Open Inference Protocol has it.
pub(super) fn model_ready(model: &str) -> String {
    object([("name", Value::from(model)), ("ready", Value::from(true))]).to_string()
}

/// The repository index: a bare list, in which what is unknown is left out.
pub(super) fn index(index: &RepositoryIndexResponse) -> Response {
    let entry = |entry: &nereid_proto::inference::repository_index_response::ModelIndex| {
        let members = [
            ("name", &entry.name),
            ("version", &entry.version),
            ("state", &entry.state),
            ("reason", &entry.reason),
        ];
        let known = members.into_iter().filter(|(_, value)| !value.is_empty());
        object(known.map(|(name, value)| (name, Value::from(value.as_str()))))
    };
    ok(index.models.iter().map(entry).collect::<Value>().to_string())
}

/// Registered regions of device memory: a bare list.
pub(super) fn cuda_regions(regions: &CudaSharedMemoryStatusResponse) -> Response {
    let regions: Vec<_> = regions.regions.values().map(json::to_json).collect();
    ok(format!("[{}]", regions.join(",")))
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}
