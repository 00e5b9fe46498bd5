//! Bodies of requests to the model repository, the configuration as JSON that a load may have, and
//! registrations of shared memory.

use nereid_backend::error::InferError;
use nereid_model_repository::layout::ModelFolder;
use nereid_model_repository::stated::Stated;
use nereid_proto::config::from_json;
use nereid_proto::http::{cuda_region, load_parameters, wants_dependents, wants_only_ready};
use nereid_proto::infer::LIST_LENGTH_MAX;
use nereid_proto::inference::ModelConfig;
use nereid_proto::json::to_json;

use super::http_request::check_error;
use crate::memory::bounded;

pub(super) fn run(data: &[u8]) {
    fn check<T>(data: &[u8], read: impl FnOnce(&[u8]) -> Result<T, InferError>) -> Option<T> {
        let read = bounded(64 * data.len() + 4096, || read(data));
        read.inspect_err(|error| check_error(&error.to_string(), data)).ok()
    }
    check(data, wants_only_ready);
    check(data, wants_dependents);
    if let Some(region) = check(data, cuda_region) {
        assert!(region.handle.len() <= data.len());
    }
    let Some(parameters) = check(data, load_parameters) else { return };
    assert!(parameters.len() <= LIST_LENGTH_MAX);
    if let Some(json) = parameters.get("config") {
        check_config(json);
    }
}

fn check_config(json: &str) {
    // The descriptors are read once.
    to_json(&ModelConfig::default());
    let config = match bounded(200 * json.len() + (64 << 10), || from_json(json)) {
        Ok(config) => config,
        Err(text) => return assert!(text.len() <= 4 * json.len() + 10_000, "{text}"),
    };
    let shown = to_json(&config);
    let again = from_json(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert_eq!(to_json(&again), shown);
    let folder = ModelFolder {
        name: "m".into(),
        path: "/no/such/folder".into(),
        config: Some(json.to_owned()),
    };
    let stated = Stated::read(&folder).expect("it was read before");
    assert_eq!(to_json(&stated.config).is_empty(), shown.is_empty());
}
