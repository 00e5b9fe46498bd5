//! A validated header over memory that somebody else owns, on the host or on a device.
//!
//! Parse once, then trust: a [`Tensor`] that exists is well formed. Nothing here copies.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::data_type::{DataType, Element};
use crate::device::{DeviceId, DeviceMemory};

/// Size of the length before each element of a BYTES tensor, a little-endian `u32`.
pub const PREFIX_BYTES: usize = size_of::<u32>();

/// Reference-counted memory; cloning shares it.
#[derive(Clone)]
pub enum Storage {
    /// Host memory, such as a view into a request's body.
    Host(Bytes),
    /// Memory of a device.
    Device(Arc<dyn DeviceMemory>),
}

impl Storage {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Host(bytes) => bytes.len(),
            Self::Device(memory) => memory.size_bytes(),
        }
    }

    /// Whether both are the same memory. Two that are alive and begin at one place are.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Host(one), Self::Host(two)) => {
                one.as_ptr() == two.as_ptr() && one.len() == two.len()
            }
            (Self::Device(one), Self::Device(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

/// A dense, row-major tensor: a type, a shape, and a range of some storage.
#[derive(Clone)]
pub struct Tensor {
    data_type: DataType,
    shape: Vec<usize>,
    storage: Storage,
    range: Range<usize>,
}

/// Why memory could not become a [`Tensor`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// The size does not fit a `usize`.
    #[error("shape overflows")]
    Overflow,
    /// The storage has another size than the shape asks for.
    #[error("shape asks for {expected} bytes, got {actual}")]
    Size {
        /// Bytes that shape and type need.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// The length prefixes of a BYTES tensor do not add up to its size.
    #[error("shape asks for {expected} byte strings, their lengths do not fit {actual} bytes")]
    Framing {
        /// Elements that the shape needs.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// Rows of several tensors are not alike.
    #[error("their rows differ in type or shape")]
    Rows,
    /// Byte strings are a host format.
    #[error("BYTES tensors cannot live on a device")]
    BytesOnDevice,
}

impl Tensor {
    /// Parses a header and its memory; shares `storage`, never copies it.
    ///
    /// # Errors
    /// See [`TensorError`].
    pub fn new(
        data_type: DataType,
        shape: Vec<usize>,
        storage: Storage,
    ) -> Result<Self, TensorError> {
        let all = 0..storage.size_bytes();
        Self::of_part(data_type, shape, storage, all)
    }

    /// As [`Tensor::new`], of the bytes `range` of the `storage`.
    ///
    /// # Errors
    /// See [`TensorError`]; [`TensorError::Size`] also if the storage has not so many bytes.
    pub fn of_part(
        data_type: DataType,
        shape: Vec<usize>,
        storage: Storage,
        range: Range<usize>,
    ) -> Result<Self, TensorError> {
        let count = elements(&shape).ok_or(TensorError::Overflow)?;
        check_size(data_type, count, (&storage, &range))?;
        Ok(Self { data_type, shape, storage, range })
    }

    /// Makes a tensor of `values` without copying them.
    ///
    /// # Errors
    /// [`TensorError::Size`] when there are not as many as the shape asks for.
    pub fn from_values<T: Element>(shape: Vec<usize>, values: Vec<T>) -> Result<Self, TensorError> {
        let storage = Storage::Host(Bytes::from_owner(Values(values)));
        Self::new(T::DATA_TYPE, shape, storage)
    }

    /// Makes a BYTES tensor of `strings`.
    ///
    /// # Errors
    /// [`TensorError::Framing`] when there are not as many as the shape asks for, and
    /// [`TensorError::Overflow`] when one is longer than a `u32` can say.
    pub fn from_strings<S: AsRef<[u8]>>(
        shape: Vec<usize>,
        strings: &[S],
    ) -> Result<Self, TensorError> {
        Self::new(DataType::Bytes, shape, Storage::Host(frame(strings)?.into()))
    }

    /// Element type.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Size of each axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements; it was checked to fit when the tensor was made.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Size of its part of the storage.
    pub fn size_bytes(&self) -> usize {
        self.range.len()
    }

    /// Where it lives.
    pub fn device(&self) -> DeviceId {
        match &self.storage {
            Storage::Host(_) => DeviceId::Cpu,
            Storage::Device(memory) => memory.device(),
        }
    }

    /// The storage, and which of its bytes are this tensor's.
    pub fn storage(&self) -> (&Storage, Range<usize>) {
        (&self.storage, self.range.clone())
    }

    /// The raw little-endian bytes, or `None` on a device.
    pub fn host(&self) -> Option<&[u8]> {
        match &self.storage {
            Storage::Host(bytes) => Some(&bytes[self.range.clone()]),
            Storage::Device(_) => None,
        }
    }

    /// The raw bytes as a share of the storage, or `None` on a device.
    pub fn host_bytes(&self) -> Option<Bytes> {
        match &self.storage {
            Storage::Host(bytes) => Some(bytes.slice(self.range.clone())),
            Storage::Device(_) => None,
        }
    }

    /// The elements, or `None` if they are of another type, on a device, or not aligned.
    pub fn values<T: Element>(&self) -> Option<&[T]> {
        if self.data_type != T::DATA_TYPE {
            return None;
        }
        bytemuck::try_cast_slice(self.host()?).ok()
    }

    /// The byte strings of a BYTES tensor, or `None` for other types.
    pub fn strings(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let bytes = (self.data_type == DataType::Bytes).then(|| self.host())??;
        Some(Strings(bytes))
    }

    /// Whether its elements may be read in place. A view into a request's body may start anywhere,
    /// and typed access to unaligned memory is undefined behaviour: copy it once instead.
    pub fn is_aligned(&self) -> bool {
        let size = self.data_type.size_bytes().unwrap_or(1);
        let start = self.host().map_or(self.range.start, |bytes| bytes.as_ptr().addr());
        start.is_multiple_of(size)
    }

    /// Some rows of the batch axis, sharing memory. `None` when there are not so many.
    pub fn rows(&self, rows: Range<usize>) -> Option<Self> {
        let all = *self.shape.first()?;
        if rows.start > rows.end || rows.end > all {
            return None;
        }
        let per_row = elements(&self.shape[1..])?;
        let first = self.offset_bytes(rows.start * per_row)?;
        let end = self.offset_bytes(rows.end * per_row)?;
        let mut part = self.clone();
        part.shape[0] = rows.len();
        part.range = self.range.start + first..self.range.start + end;
        Some(part)
    }

    /// The same elements under other axes, sharing memory. `None` when there are more or fewer.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Self> {
        (elements(&shape)? == self.elements()).then(|| Self { shape, ..self.clone() })
    }

    /// Both as one, if `next` begins where this one ends, in the same memory, with rows of the
    /// same shape. Undoes [`Tensor::rows`] without a copy.
    pub fn joined(&self, next: &Self) -> Option<Self> {
        let (rows, inner) = self.shape.split_first()?;
        let (next_rows, next_inner) = next.shape.split_first()?;
        let fits = self.data_type == next.data_type
            && inner == next_inner
            && self.range.end == next.range.start
            && self.storage.is_same(&next.storage);
        let mut whole = fits.then(|| self.clone())?;
        whole.shape[0] = rows + next_rows;
        whole.range.end = next.range.end;
        Some(whole)
    }

    /// Where element `index` starts, counted from the start of this tensor.
    fn offset_bytes(&self, index: usize) -> Option<usize> {
        match self.data_type.size_bytes() {
            Some(size) => Some(index * size),
            None => frames_size(self.host()?, index),
        }
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} on {}", self.data_type.name(), self.shape, self.device())
    }
}

/// Elements that live on as bytes.
struct Values<T>(Vec<T>);

impl<T: Element> AsRef<[u8]> for Values<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::must_cast_slice(&self.0)
    }
}

/// Walks over length-prefixed strings; their framing was checked when the tensor was made.
struct Strings<'a>(&'a [u8]);

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (prefix, rest) = self.0.split_first_chunk::<PREFIX_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*prefix)).ok()?;
        let (string, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

/// The bytes of a BYTES tensor: `strings`, each after its length.
///
/// # Errors
/// [`TensorError::Overflow`] when one is longer than a `u32` can say.
pub fn frame<S: AsRef<[u8]>>(strings: &[S]) -> Result<Vec<u8>, TensorError> {
    let size = strings.iter().map(|string| string.as_ref().len() + PREFIX_BYTES).sum();
    let mut framed = Vec::with_capacity(size);
    for string in strings {
        let string = string.as_ref();
        let length = u32::try_from(string.len()).map_err(|_| TensorError::Overflow)?;
        framed.extend_from_slice(&length.to_le_bytes());
        framed.extend_from_slice(string);
    }
    Ok(framed)
}

/// The number of elements of a shape, or `None` when it overflows.
pub fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size))
}

fn check_size(
    data_type: DataType,
    count: usize,
    (storage, range): (&Storage, &Range<usize>),
) -> Result<(), TensorError> {
    let (actual, all) = (range.len(), storage.size_bytes());
    if range.start > range.end || range.end > all {
        return Err(TensorError::Size { expected: range.end, actual: all });
    }
    match (data_type.size_bytes(), storage) {
        (Some(size), _) => match count.checked_mul(size) {
            Some(expected) if expected == actual => Ok(()),
            Some(expected) => Err(TensorError::Size { expected, actual }),
            None => Err(TensorError::Overflow),
        },
        (None, Storage::Host(bytes))
            if frames_size(&bytes[range.clone()], count) == Some(actual) =>
        {
            Ok(())
        }
        (None, Storage::Host(_)) => Err(TensorError::Framing { expected: count, actual }),
        (None, Storage::Device(_)) => Err(TensorError::BytesOnDevice),
    }
}

/// Bytes that the first `count` length-prefixed strings take, or `None` when they do not fit.
fn frames_size(bytes: &[u8], count: usize) -> Option<usize> {
    let mut start = 0usize;
    for _ in 0..count {
        let prefix = bytes.get(start..)?.first_chunk::<PREFIX_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*prefix)).ok()?;
        start = (start + PREFIX_BYTES).checked_add(length)?;
        if start > bytes.len() {
            return None;
        }
    }
    Some(start)
}

#[cfg(test)]
mod tests;
