//! The descriptor of `ModelConfig`, decoded once from the descriptors embedded in the program.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::DESCRIPTORS;

static POOL: LazyLock<Result<DescriptorPool, String>> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).map_err(|error| error.to_string()));

/// The descriptor that drives parser and JSON.
///
/// # Errors
/// Never in a program that was built whole; the text tells a developer what is broken.
pub(super) fn model_config() -> Result<MessageDescriptor, String> {
    let pool = POOL.as_ref().map_err(|error| format!("embedded descriptors: {error}"))?;
    let missing = || "embedded descriptors: inference.ModelConfig is missing".to_owned();
    pool.get_message_by_name("inference.ModelConfig").ok_or_else(missing)
}
