//! The text form of a model's configuration, `config.pbtxt`, and its JSON form.
//!
//! Reads text into the generated [`ModelConfig`] and remembers where each field stood. It knows
//! the names and types of fields, not what they mean: whether a configuration makes sense is for
//! the model repository to say, which can point at the line through [`Spans`].
//!
//! The grammar is that of protobuf's text format
//! (<https://protobuf.dev/reference/protobuf/textformat-spec/>), driven by the descriptors.

mod diagnostic;
mod json;
mod lexer;
mod nearest;
mod parser;
mod spans;
mod value;

pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Position};
pub use json::from_json;
pub use parser::DEPTH_MAX;
pub use spans::Spans;

use prost::Name;
use prost_reflect::MessageDescriptor;

use crate::inference::ModelConfig;
use crate::schema;

/// The longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A configuration that was read from text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What the text says; fields that it does not name have protobuf's defaults.
    pub config: ModelConfig,
    /// Where it says so.
    pub spans: Spans,
}

/// Reads the text of a `config.pbtxt`.
///
/// # Errors
/// Everything that is wrong with the text, in its order, up to [`DIAGNOSTICS_MAX`] faults.
pub fn parse(text: &[u8]) -> Result<Parsed, Vec<Diagnostic>> {
    let start = Position { line: 1, column: 1 };
    if text.len() > TEXT_BYTES_MAX {
        return Err(vec![Diagnostic::new(start, too_long())]);
    }
    let text = utf8(text).map_err(|diagnostic| vec![diagnostic])?;
    let schema = model_config().map_err(|error| vec![Diagnostic::new(start, error)])?;
    let (message, spans) = parser::parse(text, &schema)?;
    let config = message
        .transcode_to::<ModelConfig>()
        .map_err(|error| vec![Diagnostic::new(start, error.to_string())])?;
    Ok(Parsed { config, spans })
}

fn too_long() -> String {
    format!("the text has more than {TEXT_BYTES_MAX} bytes, the most that is read")
}

/// The descriptor that drives the readers.
///
/// # Errors
/// Never in a program that was built whole.
fn model_config() -> Result<MessageDescriptor, &'static str> {
    schema::message(&ModelConfig::full_name()).ok_or("this program's descriptors are broken")
}

/// The text without the byte order mark that some editors put before it.
fn utf8(bytes: &[u8]) -> Result<&str, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let position = Position::after(&String::from_utf8_lossy(good));
        Diagnostic::new(position, "the text is not UTF-8").hint("save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests;
