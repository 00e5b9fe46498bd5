//! `OrtValue`s: made over a tensor's memory, and turned into tensors over theirs.

use std::any::Any;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::tensor::{Storage, Tensor, elements};
use nereid_kernels::cuda::Region;
use ort::memory::{Allocator, MemoryInfo};
use ort::sys::OrtValue;
use ort::{AsPointer, Error, Result, ortsys};

use super::places::{Place, SessionMemory, Told};
use crate::element_type;
use crate::input::Input;

/// An `OrtValue` that is ours to release.
pub(crate) struct Value(NonNull<OrtValue>);

// SAFETY: a value belongs to no thread: it is plain memory and an allocator, which has a lock.
unsafe impl Send for Value {}
// SAFETY: what is asked of a value that is shared does not change it.
unsafe impl Sync for Value {}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody can use it any more.
        ortsys![unsafe ReleaseValue(self.0.as_ptr())];
    }
}

impl Value {
    /// Takes what a function of the API made.
    ///
    /// # Errors
    /// When it made nothing.
    pub(crate) fn own(made: *mut OrtValue) -> Result<Self> {
        NonNull::new(made).map(Self).ok_or_else(|| Error::new("ONNX Runtime made no value"))
    }

    /// The pointer that functions of the API take.
    pub(crate) fn as_ptr(&self) -> *const OrtValue {
        self.0.as_ptr()
    }

    /// A value over the memory of `input`, which must outlive it; only strings are copied, since
    /// ONNX Runtime keeps them as C++ objects.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn view(input: &Input, host: &MemoryInfo<'_>) -> Result<Self> {
        let shape = shape_to_onnx(input.tensor().shape())?;
        if let Some(strings) = input.tensor().strings() {
            return Self::of_strings(&shape, strings);
        }
        let bytes = input.bytes();
        let mut made = ptr::null_mut();
        // SAFETY: the pointer and the length are those of a slice in host memory, aligned for the
        // type, see `Input`; a tensor has as many bytes as its shape and type ask for. ONNX Runtime
        // does not write to a run's inputs, so they need not be mutable: it never reuses their
        // memory for what it computes.
        ortsys![
            unsafe CreateTensorWithDataAsOrtValue(
                host.ptr(),
                bytes.as_ptr().cast_mut().cast(),
                bytes.len(),
                shape.as_ptr(),
                shape.len(),
                element_type::to_onnx(input.tensor().data_type()),
                &raw mut made,
            )?
        ];
        Self::own(made)
    }

    /// A value over memory of a session's device, which is that of `tensor`, and must outlive it.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn on_device(tensor: &Tensor, at: Region, memory: SessionMemory) -> Result<Self> {
        let shape = shape_to_onnx(tensor.shape())?;
        let address = usize::try_from(at.address()).map_err(Error::wrap)?;
        let mut made = ptr::null_mut();
        // SAFETY: the host does not follow the pointer: the memory's description says that it is of the
        // device. The length is the tensor's; ONNX Runtime does not write to a run's inputs.
        ortsys![
            unsafe CreateTensorWithDataAsOrtValue(
                memory.as_ptr(),
                ptr::without_provenance_mut(address),
                at.size_bytes(),
                shape.as_ptr(),
                shape.len(),
                element_type::to_onnx(tensor.data_type()),
                &raw mut made,
            )?
        ];
        Self::own(made)
    }

    /// Where its elements are, which may be on `device`.
    ///
    /// # Errors
    /// If they are on another one.
    pub(super) fn place(&self, device: DeviceId) -> Result<Place> {
        let mut memory = ptr::null();
        // SAFETY: the value is alive, and a tensor; what is told is the value's.
        ortsys![unsafe GetTensorMemoryInfo(self.as_ptr(), &raw mut memory)?];
        SessionMemory::told(memory, device).map(Told::place)
    }

    fn of_strings<'a>(shape: &[i64], strings: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        let allocator = Allocator::default();
        let mut made = ptr::null_mut();
        // SAFETY: the allocator is the default one, which lives as long as the library, and the
        // shape has the length that is told.
        ortsys![
            unsafe CreateTensorAsOrtValue(
                allocator.ptr().cast_mut(),
                shape.as_ptr(),
                shape.len(),
                element_type::to_onnx(DataType::Bytes),
                &raw mut made,
            )?
        ];
        let value = Self::own(made)?;
        for (index, string) in strings.enumerate() {
            let mut buffer = ptr::null_mut();
            // SAFETY: the value is a tensor of strings; the API checks the index.
            ortsys![
                unsafe GetResizedStringTensorElementBuffer(
                    value.0.as_ptr(),
                    index,
                    string.len(),
                    &raw mut buffer,
                )?
            ];
            // SAFETY: the buffer was just made as long as the string, and belongs to the value.
            unsafe { ptr::copy_nonoverlapping(string.as_ptr(), buffer.cast(), string.len()) };
        }
        Ok(value)
    }

    /// The type of its elements, and its shape.
    ///
    /// # Errors
    /// When it is of a type that cannot be served.
    pub(super) fn header(&self) -> Result<(DataType, Vec<usize>)> {
        let (mut number, mut dims, mut rank) = (0i32, ptr::null(), 0);
        // SAFETY: the value is alive. The type is written to an `i32`, which it is in C, since the
        // enum in Rust may lack the variant of a newer library.
        ortsys![
            unsafe GetTensorElementTypeAndShapeDataReference(
                self.as_ptr(),
                (&raw mut number).cast(),
                &raw mut dims,
                &raw mut rank,
            )?
        ];
        let dims = match rank {
            0 => &[],
            // SAFETY: the shape has this many axes, and the value, which owns it, is alive.
            _ => unsafe { slice::from_raw_parts(dims, rank) },
        };
        let shape = dims.iter().map(|&size| usize::try_from(size).map_err(Error::wrap));
        let data_type = element_type::from_onnx(number).map_err(|name| {
            Error::new(format!("an output has element type {name}, which is not supported"))
        })?;
        Ok((data_type, shape.collect::<Result<_>>()?))
    }

    /// Where its elements are, unless they are strings, and how many bytes they have.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn memory(&self) -> Result<(*const u8, usize)> {
        let (mut start, mut size): (*mut c_void, usize) = (ptr::null_mut(), 0);
        // SAFETY: the value is alive, and a tensor.
        ortsys![unsafe GetTensorMutableData(self.0.as_ptr(), &raw mut start)?];
        // SAFETY: the same.
        ortsys![unsafe GetTensorSizeInBytes(self.as_ptr(), &raw mut size)?];
        Ok((start.cast_const().cast(), size))
    }

    fn strings(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        let mut size = 0;
        // SAFETY: the value is alive, and a tensor of strings.
        ortsys![unsafe GetStringTensorDataLength(self.as_ptr(), &raw mut size)?];
        let (mut content, mut starts) = (vec![0u8; size], vec![0usize; count]);
        // SAFETY: the buffers have the lengths that are told, and the API checks that both suffice.
        ortsys![
            unsafe GetStringTensorContent(
                self.as_ptr(),
                content.as_mut_ptr().cast(),
                size,
                starts.as_mut_ptr(),
                count,
            )?
        ];
        let ends = starts.iter().skip(1).chain([&size]);
        let part = |(&start, &end)| content.get(start..end).unwrap_or_default().to_vec();
        Ok(starts.iter().zip(ends).map(part).collect())
    }
}

/// A run's output on the host as a tensor over the memory that ONNX Runtime allocated for it, in the run
/// of `session` over `inputs`.
///
/// # Errors
/// When it is of a type that cannot be served.
pub(super) fn over_host<'i>(
    value: Value,
    session: Arc<dyn Any + Send + Sync>,
    mut inputs: impl Iterator<Item = &'i Input>,
) -> Result<Tensor> {
    let (data_type, shape) = value.header()?;
    if data_type == DataType::Bytes {
        let count = elements(&shape).ok_or_else(|| Error::new("the shape overflows"))?;
        return Tensor::from_strings(shape, &value.strings(count)?).map_err(Error::wrap);
    }
    let (start, size) = value.memory()?;
    let input = inputs.find(|input| input.bytes().as_ptr_range().contains(&start));
    let input = input.map(|input| input.tensor().clone());
    let memory = Memory { start, size, _owners: Owners::new(value, input, session) };
    Tensor::new(data_type, shape, Storage::Host(Bytes::from_owner(memory))).map_err(Error::wrap)
}

/// An output's elements on the host.
struct Memory {
    start: *const u8,
    size: usize,
    _owners: Owners,
}

/// What an output's memory lives as long as. Fields are dropped in this order.
pub(super) struct Owners {
    _value: Value,
    /// A model may hand an input through as an output; then the memory is the input's.
    _input: Option<Tensor>,
    /// It may also hand out a weight, which is the session's.
    _session: Arc<dyn Any + Send + Sync>,
}

impl Owners {
    /// Of a value that `session` made.
    pub(super) fn new(
        value: Value,
        input: Option<Tensor>,
        session: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        Self { _value: value, _input: input, _session: session }
    }
}

// SAFETY: the pointer is into what the owners own, which may all go to other threads.
unsafe impl Send for Memory {}

impl AsRef<[u8]> for Memory {
    fn as_ref(&self) -> &[u8] {
        if self.size == 0 {
            return &[]; // Its pointer may be null.
        }
        // SAFETY: the value has this many bytes there, which live as long as it and its owners do.
        // Nobody writes to them after the run.
        unsafe { slice::from_raw_parts(self.start, self.size) }
    }
}

fn shape_to_onnx(shape: &[usize]) -> Result<Vec<i64>> {
    shape.iter().map(|&size| i64::try_from(size).map_err(Error::wrap)).collect()
}
