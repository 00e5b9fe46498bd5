//! The JSON form of a configuration, which a client may send with a load.

use prost_reflect::DynamicMessage;

use super::{TEXT_BYTES_MAX, model_config, too_long};
use crate::inference::ModelConfig;

/// Reads the JSON form; fields that are absent get their defaults.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn from_json(text: &str) -> Result<ModelConfig, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(model_config()?, &mut deserializer)
        .map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    message.transcode_to().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
