//! The elements of an input.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use nereid_backend::data_type::DataType;
use nereid_backend::tensor::{PREFIX_BYTES, Storage, Tensor, elements};

/// What the elements are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// 0, false, or the empty string.
    Zero,
    /// The same each time.
    Random,
    /// The bytes of a file, as a binary request would have them.
    File(PathBuf),
}

/// The field of a file's name.
pub(super) const FILE: &str = ".input_data_file";

impl Content {
    /// The field that tells how much there is.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Zero | Self::Random => ".dims",
            Self::File(_) => FILE,
        }
    }
}

/// A tensor of at most `bytes_max`.
///
/// # Errors
/// When it would be larger, or the file does not have as many elements.
pub(super) fn tensor(
    content: &Content,
    data_type: DataType,
    shape: &[usize],
    bytes_max: usize,
) -> Result<Tensor, String> {
    let size = size_bytes(data_type, shape, bytes_max)?;
    let bytes = match content {
        // The lengths of empty strings are zeros, too.
        Content::Zero => vec![0; size],
        Content::Random => random(data_type, size),
        Content::File(file) if data_type == DataType::Bytes => read(file, bytes_max)?,
        Content::File(file) => read(file, size)?,
    };
    let tensor = Tensor::new(data_type, shape.to_vec(), Storage::Host(bytes.into()));
    tensor.map_err(|error| format!("the data do not fit dims: {error}"))
}

/// Bytes of a tensor, of which there may be `bytes_max`; of strings, if they are empty.
///
/// # Errors
/// When it would have more.
pub(super) fn size_bytes(
    data_type: DataType,
    shape: &[usize],
    bytes_max: usize,
) -> Result<usize, String> {
    let each = data_type.size_bytes().unwrap_or(PREFIX_BYTES);
    let size = elements(shape).and_then(|count| count.checked_mul(each));
    size.filter(|&size| size <= bytes_max).ok_or_else(|| {
        format!("each of the batch's requests may have at most {bytes_max} bytes of it")
    })
}

fn read(file: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
    let failed = |what: &str| format!("input_data_file {}: {what}", file.display());
    let io = |error: io::Error| failed(&error.to_string());
    let opened = File::open(file).map_err(io)?;
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let size = opened.metadata().map_err(io)?.len();
    if size > limit {
        return Err(failed(&format!("at most {limit} bytes are expected, but it has {size}")));
    }
    let mut bytes = Vec::new();
    opened.take(limit).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Values that models can take for what they expect: numbers from 0 to 1 where they may have
/// fractions; else from 0 to 127, which are indices more often than not; and truth values. Strings
/// are empty, as in Triton.
fn random(data_type: DataType, size: usize) -> Vec<u8> {
    let mut numbers = SplitMix(SEED);
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let [low, high, third, ..] = numbers.next().to_le_bytes();
        let unit = f32::from(u16::from_le_bytes([low, high])) / 65536.0;
        match data_type {
            DataType::Bool => bytes.push(third & 1),
            DataType::Fp16 => bytes.extend(f16::from_f32(unit).to_le_bytes()),
            DataType::Bf16 => bytes.extend(bf16::from_f32(unit).to_le_bytes()),
            DataType::Fp32 => bytes.extend(unit.to_le_bytes()),
            DataType::Fp64 => bytes.extend(f64::from(unit).to_le_bytes()),
            DataType::Bytes => bytes.extend([0; PREFIX_BYTES]),
            _ => {
                bytes.push(third & 0x7f);
                // The least significant byte comes first.
                bytes.resize(bytes.len() + data_type.size_bytes().unwrap_or(1) - 1, 0);
            }
        }
    }
    bytes
}

/// Any number will do; a fixed one makes every warm-up the same.
const SEED: u64 = 0x6e65_7265_6964;

/// The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
