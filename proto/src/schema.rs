//! The descriptors of our messages, decoded once from those embedded in the program.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::generated::DESCRIPTORS;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).ok());

/// The descriptor of the message of this full name; `None` only in a program that is broken.
pub(crate) fn message(full_name: &str) -> Option<MessageDescriptor> {
    POOL.as_ref()?.get_message_by_name(full_name)
}

#[cfg(test)]
mod tests {
    use prost::Name;

    use super::*;
    use crate::inference::ModelConfig;

    #[test]
    fn the_embedded_descriptors_are_whole() {
        assert!(message(&ModelConfig::full_name()).is_some());
        assert!(message("inference.Nothing").is_none());
    }
}
