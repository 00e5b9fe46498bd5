//! The one copy that an input may need before the engine may read it in place.

use bytes::Bytes;

use nereid_backend::data_type::DataType;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::tensor::{Storage, Tensor};

/// A tensor in host memory, aligned for its type, whose BOOLs are 0 or 1.
///
/// Each of these is a promise to C++ code: a device's pointer, an unaligned `float` or a `bool` of 2
/// would be undefined behaviour there, and all three can come from a client.
pub(crate) struct Input(Tensor);

impl Input {
    /// Takes a tensor as it is, or copies it once and counts that. `None` for one on a device.
    pub(crate) fn new(tensor: Tensor, copies: &CopyCounter) -> Option<Self> {
        let bytes = tensor.host()?;
        let is_bool = tensor.data_type() == DataType::Bool;
        let has_odd_bools = is_bool && bytes.iter().fold(0, |all, &byte| all | byte) > 1;
        if tensor.is_aligned() && !has_odd_bools {
            return Some(Self(tensor));
        }
        let mut copy = Aligned::copy_of(bytes);
        if has_odd_bools {
            copy.bytes_mut().iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
        }
        copies.add(Copy::Realign, bytes.len());
        let storage = Storage::Host(Bytes::from_owner(copy));
        Tensor::new(tensor.data_type(), tensor.shape().to_vec(), storage).ok().map(Self)
    }

    /// The tensor.
    pub(crate) fn tensor(&self) -> &Tensor {
        &self.0
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.host().unwrap_or_default()
    }
}

/// Bytes at an address that suits every element type.
struct Aligned {
    words: Vec<u64>,
    size_bytes: usize,
}

impl Aligned {
    /// Written once: to zero the words first would cost as much as the copy.
    fn copy_of(bytes: &[u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        let mut last = [0; size_of::<u64>()];
        last[..rest.len()].copy_from_slice(rest);
        let mut words = Vec::with_capacity(whole.len() + 1);
        words.extend(whole.iter().map(|word| u64::from_ne_bytes(*word)));
        words.push(u64::from_ne_bytes(last));
        Self { words, size_bytes: bytes.len() }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::must_cast_slice_mut(&mut self.words)[..self.size_bytes]
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::must_cast_slice(&self.words)[..self.size_bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data_type: DataType, bytes: Bytes, expected: &[u8], copied_bytes: u64) {
        let elements = bytes.len() / data_type.size_bytes().unwrap();
        let start = bytes.as_ptr();
        let tensor = Tensor::new(data_type, vec![elements], Storage::Host(bytes)).unwrap();
        let counter = CopyCounter::default();
        let input = Input::new(tensor, &counter).unwrap();
        assert_eq!((input.bytes(), counter.get(Copy::Realign)), (expected, copied_bytes));
        assert_eq!(input.bytes().as_ptr() == start, copied_bytes == 0);
        assert!(input.tensor().is_aligned());
    }

    #[test]
    fn only_what_needs_it_is_copied() {
        let aligned = Bytes::from_owner(Aligned::copy_of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
        check(DataType::Int32, aligned.slice(..8), &[1, 2, 3, 4, 5, 6, 7, 8], 0);
        check(DataType::Int32, aligned.slice(3..11), &[4, 5, 6, 7, 8, 9, 10, 11], 8);
        check(DataType::Uint8, aligned.slice(3..5), &[4, 5], 0);
        check(DataType::Fp64, aligned.slice(4..12), &[5, 6, 7, 8, 9, 10, 11, 12], 8);
    }

    #[test]
    fn a_bool_is_0_or_1() {
        check(DataType::Bool, Bytes::from_static(&[0, 1, 1]), &[0, 1, 1], 0);
        check(DataType::Bool, Bytes::from_static(&[0, 2, 255]), &[0, 1, 1], 3);
    }
}
