//! How much memory CUDA devices and their copies may take: Triton's flags.

use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use nereid_kernels::device::Limits;

/// CUDA devices.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "GPUs")]
pub struct DeviceOptions {
    /// Pinned memory of the host for each GPU, by which bytes travel to and from it
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    pub pinned_memory_pool_byte_size: usize,

    /// Most memory of a GPU for tensors and intermediate results, as in 0:1073741824; may be given
    /// several times [default: all of it]
    #[arg(long, value_name = "GPU:BYTES")]
    pub cuda_memory_pool_byte_size: Vec<MemoryOfGpu>,

    /// Let clients register shared memory of GPUs, and use what is registered
    #[arg(long, value_parser = BoolishValueParser::new(), action = ArgAction::Set, default_value_t = true)]
    pub allow_client_shm: bool,
}

/// Bytes of one GPU: `<ordinal>:<bytes>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOfGpu {
    /// Which GPU.
    pub ordinal: u32,
    /// How much of its memory.
    pub size_bytes: usize,
}

impl FromStr for MemoryOfGpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':');
        let parts = parts.and_then(|(gpu, bytes)| Some((gpu.parse().ok()?, bytes.parse().ok()?)));
        let (ordinal, size_bytes) =
            parts.ok_or("expected <gpu>:<bytes>, such as 0:1073741824 for 1 GiB of the first")?;
        Ok(Self { ordinal, size_bytes })
    }
}

impl DeviceOptions {
    /// What may be in use of the GPU `ordinal`. Of a GPU that is stated twice the last one holds.
    pub fn limits(&self, ordinal: u32) -> Limits {
        let stated = self.cuda_memory_pool_byte_size.iter().rev();
        let mut stated = stated.filter(|stated| stated.ordinal == ordinal);
        Limits {
            memory_bytes: stated.next().map(|stated| stated.size_bytes),
            pinned_bytes: self.pinned_memory_pool_byte_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_gpu() {
        let of = |ordinal, size_bytes| MemoryOfGpu { ordinal, size_bytes };
        let options = DeviceOptions {
            allow_client_shm: true,
            pinned_memory_pool_byte_size: 5,
            cuda_memory_pool_byte_size: vec![of(0, 1), of(1, 2), of(0, 3)],
        };
        for (ordinal, expected) in [(0, Some(3)), (1, Some(2)), (2, None)] {
            let limits = options.limits(ordinal);
            assert_eq!((limits.memory_bytes, limits.pinned_bytes), (expected, 5), "{ordinal}");
        }
    }

    #[test]
    fn spellings() {
        for (text, expected) in [
            ("0:64", Some(MemoryOfGpu { ordinal: 0, size_bytes: 64 })),
            ("64", None),
            ("0:", None),
            ("-1:64", None),
            ("0:64:1", None),
        ] {
            assert_eq!(text.parse::<MemoryOfGpu>().ok(), expected, "{text}");
        }
    }
}
