//! nvJPEG's functions, by the names and types of `nvjpeg.h`, and the only unsafe code of this room.
//! `tools/nvjpeg.py` compares what is declared here with the headers of two versions.
//!
//! An object is made here, belongs to one owner, and ends with it. It is used by functions of its kind
//! alone, since each kind is a type.
#![allow(unsafe_code)]

mod objects;

use std::error::Error;
use std::ffi::c_void;
use std::ptr;

use super::status::{Failure, NvjpegError, Result};

pub(super) use objects::{
    DecoderObject, DeviceBufferObject, File, Library, ParamsObject, ParserObject,
    PinnedBufferObject, StateObject,
};

/// `nvjpegBackend_t`.
pub(super) const NVJPEG_BACKEND_DEFAULT: i32 = 0;
pub(super) const NVJPEG_BACKEND_GPU_HYBRID: i32 = 2;
pub(super) const NVJPEG_BACKEND_HARDWARE: i32 = 3;
/// `nvjpegOutputFormat_t`.
const NVJPEG_OUTPUT_RGBI: i32 = 5;
/// `nvjpegJpegEncoding_t`.
pub(super) const NVJPEG_ENCODING_BASELINE_DCT: i32 = 0xC0;
pub(super) const NVJPEG_ENCODING_PROGRESSIVE_DCT_HUFFMAN: i32 = 0xC2;
/// `nvjpegChromaSubsampling_t`.
pub(super) const NVJPEG_CSS_UNKNOWN: i32 = -1;
/// Flags of `nvjpegCreateEx`. Mistakes in a file are refused, and chroma is enlarged smoothly: both as by
/// the decoder on the CPU.
pub(super) const NVJPEG_FLAGS_BITSTREAM_STRICT: u32 = 1 << 2;
pub(super) const NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION: u32 = 1 << 5;

/// By which it is looked for, the newest first.
const NAMES: [&str; 3] = ["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so.11"];

/// The name of an object of the library's.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Raw(*mut c_void);

// SAFETY: objects are used by one thread at a time (nvJPEG, "Thread Safety"), and are bound to none.
unsafe impl Send for Raw {}

/// `cudaStream_t`, which is the driver's `CUstream`.
pub(super) type CudaStream = *mut c_void;

/// `nvjpegImage_t`: where each plane begins, and the bytes from a row to the next.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Image {
    channel: [u64; 4],
    pitch: [usize; 4],
}

impl Image {
    /// `width` interleaved pixels of RGB a row, without gaps.
    pub(super) fn interleaved(address: u64, width: usize) -> Self {
        Self { channel: [address, 0, 0, 0], pitch: [3 * width, 0, 0, 0] }
    }
}

/// Declares the functions: a field for each with its address, and a method that names it when it fails.
macro_rules! functions {
    ($($field:ident: $name:ident($($argument:ident: $type:ty),*);)*) => {
        /// Where the functions are; the library stays open until the process ends.
        pub(super) struct Functions {
            $($field: unsafe extern "C" fn($($type),*) -> i32,)*
        }

        impl Functions {
            fn look_up(library: &libloading::Library, file: &'static str) -> std::result::Result<Self, NvjpegError> {
                $(
                    let name = stringify!($name);
                    // SAFETY: the field has the type that `nvjpeg.h` gives the function of this name.
                    let found = unsafe { library.get(name) };
                    let $field = *found.map_err(|_| NvjpegError::Lacks { library: file, function: name })?;
                )*
                Ok(Self { $($field,)* })
            }

            $(
                /// # Safety
                /// As `nvjpeg.h` asks.
                #[allow(clippy::too_many_arguments)] // They are the library's.
                unsafe fn $field(&self, $($argument: $type),*) -> Result<()> {
                    // SAFETY: the caller's promise.
                    match unsafe { (self.$field)($($argument),*) } {
                        0 => Ok(()),
                        status => Err(Failure { call: stringify!($name), status }),
                    }
                }
            )*
        }
    };
}

functions! {
    get_property: nvjpegGetProperty(property: i32, value: *mut i32);
    create: nvjpegCreateEx(backend: i32, device: *const c_void, pinned: *const c_void, flags: u32, handle: *mut Raw);
    destroy: nvjpegDestroy(handle: Raw);
    state_create: nvjpegJpegStateCreate(handle: Raw, state: *mut Raw);
    state_destroy: nvjpegJpegStateDestroy(state: Raw);
    batch_initialize: nvjpegDecodeBatchedInitialize(handle: Raw, state: Raw, pictures: i32, threads: i32, format: i32);
    batch_decode: nvjpegDecodeBatched(
        handle: Raw, state: Raw, data: *const *const u8, lengths: *const usize, images: *mut Image, stream: CudaStream
    );
    batch_supported: nvjpegDecodeBatchedSupported(handle: Raw, file: Raw, supported: *mut i32);
    decoder_create: nvjpegDecoderCreate(handle: Raw, backend: i32, decoder: *mut Raw);
    decoder_destroy: nvjpegDecoderDestroy(decoder: Raw);
    decoder_supported: nvjpegDecoderJpegSupported(decoder: Raw, file: Raw, params: Raw, supported: *mut i32);
    decoder_state_create: nvjpegDecoderStateCreate(handle: Raw, decoder: Raw, state: *mut Raw);
    file_create: nvjpegJpegStreamCreate(handle: Raw, file: *mut Raw);
    file_destroy: nvjpegJpegStreamDestroy(file: Raw);
    file_parse: nvjpegJpegStreamParse(
        handle: Raw, data: *const u8, length: usize, save_metadata: i32, save_stream: i32, file: Raw
    );
    file_size: nvjpegJpegStreamGetFrameDimensions(file: Raw, width: *mut u32, height: *mut u32);
    file_components: nvjpegJpegStreamGetComponentsNum(file: Raw, count: *mut u32);
    file_component_size: nvjpegJpegStreamGetComponentDimensions(
        file: Raw, component: u32, width: *mut u32, height: *mut u32
    );
    file_encoding: nvjpegJpegStreamGetJpegEncoding(file: Raw, encoding: *mut i32);
    file_subsampling: nvjpegJpegStreamGetChromaSubsampling(file: Raw, subsampling: *mut i32);
    params_create: nvjpegDecodeParamsCreate(handle: Raw, params: *mut Raw);
    params_destroy: nvjpegDecodeParamsDestroy(params: Raw);
    params_format: nvjpegDecodeParamsSetOutputFormat(params: Raw, format: i32);
    device_buffer_create: nvjpegBufferDeviceCreate(handle: Raw, allocator: *const c_void, buffer: *mut Raw);
    device_buffer_destroy: nvjpegBufferDeviceDestroy(buffer: Raw);
    pinned_buffer_create: nvjpegBufferPinnedCreate(handle: Raw, allocator: *const c_void, buffer: *mut Raw);
    pinned_buffer_destroy: nvjpegBufferPinnedDestroy(buffer: Raw);
    attach_device: nvjpegStateAttachDeviceBuffer(state: Raw, buffer: Raw);
    attach_pinned: nvjpegStateAttachPinnedBuffer(state: Raw, buffer: Raw);
    decode_host: nvjpegDecodeJpegHost(handle: Raw, decoder: Raw, state: Raw, params: Raw, file: Raw);
    decode_transfer: nvjpegDecodeJpegTransferToDevice(
        handle: Raw, decoder: Raw, state: Raw, file: Raw, stream: CudaStream
    );
    decode_device: nvjpegDecodeJpegDevice(
        handle: Raw, decoder: Raw, state: Raw, image: *mut Image, stream: CudaStream
    );
}

impl Functions {
    /// Opens the newest library that there is.
    ///
    /// # Errors
    /// [`NvjpegError::NoLibrary`] or [`NvjpegError::Lacks`].
    pub(super) fn open() -> std::result::Result<Self, NvjpegError> {
        let mut reasons = Vec::new();
        for name in NAMES {
            // SAFETY: initialisers of nvJPEG have no demands.
            match unsafe { libloading::Library::new(name) } {
                Ok(library) => {
                    let functions = Self::look_up(&library, name)?;
                    // What it has of CUDA is not made to be unloaded.
                    std::mem::forget(library);
                    return Ok(functions);
                }
                // Its source is what the loader says, with the name.
                Err(error) => reasons.push(error.source().unwrap_or(&error).to_string()),
            }
        }
        Err(NvjpegError::NoLibrary(reasons.join("; ")))
    }

    /// Its own version, major and minor.
    pub(super) fn version(&self) -> Result<(i32, i32)> {
        let number = |property| {
            let mut value = 0;
            // SAFETY: the value goes to a number of ours.
            unsafe { self.get_property(property, &raw mut value) }.map(|()| value)
        };
        Ok((number(0)?, number(1)?)) // MAJOR_VERSION and MINOR_VERSION of `library_types.h`.
    }
}

/// What a function makes.
fn made(make: impl FnOnce(*mut Raw) -> Result<()>) -> Result<Raw> {
    let mut raw = Raw(ptr::null_mut());
    make(&raw mut raw).map(|()| raw)
}

/// What a function tells.
fn told<T: Default>(tell: impl FnOnce(*mut T) -> Result<()>) -> Result<T> {
    let mut value = T::default();
    tell(&raw mut value).map(|()| value)
}
