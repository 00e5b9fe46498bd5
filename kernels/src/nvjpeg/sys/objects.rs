//! The library's objects. Each keeps the library that it is of, and ends by a thread that may call the
//! driver, in the order in which they are dropped; if the device is lost, they are nobody's any more.

use std::ptr;
use std::sync::Arc;

use super::{CudaStream, Functions, Image, NVJPEG_OUTPUT_RGBI, Raw, made, told};
use crate::device::Device;
use crate::nvjpeg::status::Result;

/// `nvjpegHandle_t`: the library on one device.
pub(in crate::nvjpeg) struct Library {
    functions: Arc<Functions>,
    raw: Raw,
    device: Device,
}

// SAFETY: several threads may use a handle at the same time (nvJPEG, "Thread Safety").
unsafe impl Sync for Library {}

impl Library {
    /// With a backend, on a device.
    ///
    /// # Errors
    /// What the library says.
    pub(in crate::nvjpeg) fn create(
        functions: &Arc<Functions>,
        device: &Device,
        backend: i32,
        flags: u32,
    ) -> Result<Self> {
        let none = ptr::null();
        // SAFETY: without allocators the library takes CUDA's; the handle goes to a place of ours.
        let raw = made(|raw| unsafe { functions.create(backend, none, none, flags, raw) })?;
        Ok(Self { functions: functions.clone(), raw, device: device.clone() })
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let (functions, raw) = (self.functions.clone(), self.raw);
        // SAFETY: all objects of it keep it, so it is the last.
        release(&self.device, raw, move |raw| unsafe { functions.destroy(raw) });
    }
}

fn release(device: &Device, raw: Raw, destroy: impl FnOnce(Raw) -> Result<()> + Send + 'static) {
    device.release_foreign(move || {
        let _nobody_is_left_to_be_told = destroy(raw);
    });
}

/// Declares kinds of objects, each with the function that ends it.
macro_rules! objects {
    ($($(#[$meta:meta])* $name:ident, $destroy:ident;)*) => {$(
        $(#[$meta])*
        pub(in crate::nvjpeg) struct $name {
            library: Arc<Library>,
            raw: Raw,
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let (library, raw) = (self.library.clone(), self.raw);
                // SAFETY: it is ours, and this is its end.
                release(&self.library.device, raw, move |raw| unsafe { library.functions.$destroy(raw) });
            }
        }
    )*};
}

objects! {
    /// `nvjpegJpegState_t`.
    StateObject, state_destroy;
    /// `nvjpegJpegDecoder_t`.
    DecoderObject, decoder_destroy;
    /// `nvjpegJpegStream_t`: room for what a file says of itself.
    ParserObject, file_destroy;
    /// `nvjpegDecodeParams_t`.
    ParamsObject, params_destroy;
    /// `nvjpegBufferDevice_t`.
    DeviceBufferObject, device_buffer_destroy;
    /// `nvjpegBufferPinned_t`.
    PinnedBufferObject, pinned_buffer_destroy;
}

/// A file that was parsed. The library has the address of its bytes, which are there as long as this is.
#[derive(Clone, Copy)]
pub(in crate::nvjpeg) struct File<'a> {
    parser: &'a ParserObject,
    bytes: &'a [u8],
}

impl ParamsObject {
    /// Pixels as interleaved RGB.
    pub(in crate::nvjpeg) fn create(library: &Arc<Library>) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.params_create(handle, raw) })?;
        let params = Self { library: library.clone(), raw };
        // SAFETY: they are alive.
        unsafe { functions.params_format(raw, NVJPEG_OUTPUT_RGBI) }?;
        Ok(params)
    }
}

impl DeviceBufferObject {
    pub(in crate::nvjpeg) fn create(library: &Arc<Library>) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: without an allocator it is CUDA's; the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.device_buffer_create(handle, ptr::null(), raw) })?;
        Ok(Self { library: library.clone(), raw })
    }
}

impl PinnedBufferObject {
    pub(in crate::nvjpeg) fn create(library: &Arc<Library>) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: as of memory of the device.
        let raw = made(|raw| unsafe { functions.pinned_buffer_create(handle, ptr::null(), raw) })?;
        Ok(Self { library: library.clone(), raw })
    }
}

impl ParserObject {
    pub(in crate::nvjpeg) fn create(library: &Arc<Library>) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.file_create(handle, raw) })?;
        Ok(Self { library: library.clone(), raw })
    }

    /// Reads a file's header.
    pub(in crate::nvjpeg) fn parse<'a>(&'a mut self, bytes: &'a [u8]) -> Result<File<'a>> {
        let Library { functions, raw, .. } = &*self.library;
        // SAFETY: there are so many bytes, and the file that comes back keeps them.
        unsafe { functions.file_parse(*raw, bytes.as_ptr(), bytes.len(), 0, 0, self.raw) }?;
        Ok(File { parser: self, bytes })
    }
}

impl<'a> File<'a> {
    pub(in crate::nvjpeg) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Columns and rows.
    pub(in crate::nvjpeg) fn size(self) -> Result<(u32, u32)> {
        let (mut width, mut height) = (0, 0);
        let (functions, raw) = self.functions();
        // SAFETY: the results go to numbers of ours.
        unsafe { functions.file_size(raw, &raw mut width, &raw mut height) }?;
        Ok((width, height))
    }

    pub(in crate::nvjpeg) fn components(self) -> Result<u32> {
        let (functions, raw) = self.functions();
        // SAFETY: the result goes to a number of ours.
        told(|count| unsafe { functions.file_components(raw, count) })
    }

    /// Columns and rows of a component's samples.
    pub(in crate::nvjpeg) fn component_size(self, component: u32) -> Result<(u32, u32)> {
        let (mut width, mut height) = (0, 0);
        let (functions, raw) = self.functions();
        // SAFETY: the results go to numbers of ours.
        unsafe { functions.file_component_size(raw, component, &raw mut width, &raw mut height) }?;
        Ok((width, height))
    }

    /// `nvjpegJpegEncoding_t`.
    pub(in crate::nvjpeg) fn encoding(self) -> Result<i32> {
        let (functions, raw) = self.functions();
        // SAFETY: the result goes to a number of ours.
        told(|encoding| unsafe { functions.file_encoding(raw, encoding) })
    }

    /// `nvjpegChromaSubsampling_t`.
    pub(in crate::nvjpeg) fn subsampling(self) -> Result<i32> {
        let (functions, raw) = self.functions();
        // SAFETY: the result goes to a number of ours.
        told(|subsampling| unsafe { functions.file_subsampling(raw, subsampling) })
    }

    /// Whether batches may have it.
    pub(in crate::nvjpeg) fn is_for_batches(self) -> Result<bool> {
        let (functions, raw) = self.functions();
        let handle = self.parser.library.raw;
        // SAFETY: the result goes to a number of ours.
        let answer = told(|answer| unsafe { functions.batch_supported(handle, raw, answer) })?;
        Ok(answer == 0)
    }

    fn functions(self) -> (&'a Functions, Raw) {
        (&self.parser.library.functions, self.parser.raw)
    }
}

impl DecoderObject {
    pub(in crate::nvjpeg) fn create(library: &Arc<Library>, backend: i32) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.decoder_create(handle, backend, raw) })?;
        Ok(Self { library: library.clone(), raw })
    }

    /// Whether it decodes a file.
    pub(in crate::nvjpeg) fn takes(&self, file: File<'_>, params: &ParamsObject) -> Result<bool> {
        let (functions, parsed) = file.functions();
        let (raw, params) = (self.raw, params.raw);
        // SAFETY: all are alive; the result goes to a number of ours.
        let answer =
            told(|answer| unsafe { functions.decoder_supported(raw, parsed, params, answer) })?;
        Ok(answer == 0)
    }
}

impl StateObject {
    /// For batches.
    pub(in crate::nvjpeg) fn of_batches(library: &Arc<Library>) -> Result<Self> {
        let (functions, handle) = (&library.functions, library.raw);
        // SAFETY: the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.state_create(handle, raw) })?;
        Ok(Self { library: library.clone(), raw })
    }

    /// For pictures one by one, with memory that is dropped after it.
    pub(in crate::nvjpeg) fn of_pictures(
        decoder: &DecoderObject,
        device: &DeviceBufferObject,
        pinned: &PinnedBufferObject,
    ) -> Result<Self> {
        let library = &decoder.library;
        let (functions, handle, decoder) = (&library.functions, library.raw, decoder.raw);
        // SAFETY: the result goes to a place of ours.
        let raw = made(|raw| unsafe { functions.decoder_state_create(handle, decoder, raw) })?;
        let state = Self { library: library.clone(), raw };
        // SAFETY: both are alive.
        unsafe { functions.attach_device(raw, device.raw) }?;
        // SAFETY: both are alive.
        unsafe { functions.attach_pinned(raw, pinned.raw) }?;
        Ok(state)
    }

    /// Prepares for batches of so many pictures, also after one that failed.
    pub(in crate::nvjpeg) fn initialize(&mut self, pictures: usize) -> Result<()> {
        const THREADS: i32 = 1; // Of the host: the instance's own.
        let Library { functions, raw, .. } = &*self.library;
        let pictures = i32::try_from(pictures).unwrap_or(i32::MAX);
        // SAFETY: the state is alive.
        unsafe { functions.batch_initialize(*raw, self.raw, pictures, THREADS, NVJPEG_OUTPUT_RGBI) }
    }

    /// Decodes as many files as were prepared for.
    ///
    /// # Safety
    /// There are as many files and images as `initialize` was told. Each image has memory for its file's
    /// pixels, which work of `stream` may write. All work of this state is done.
    pub(in crate::nvjpeg) unsafe fn decode_batch(
        &mut self,
        files: &[&[u8]],
        images: &mut [Image],
        stream: CudaStream,
    ) -> Result<()> {
        let addresses: Vec<_> = files.iter().map(|file| file.as_ptr()).collect();
        let lengths: Vec<_> = files.iter().map(|file| file.len()).collect();
        let (files, lengths) = (addresses.as_ptr(), lengths.as_ptr());
        let Library { functions, raw, .. } = &*self.library;
        // SAFETY: pageable bytes are taken before the call returns (CUDA, "API synchronization behavior");
        // the rest is the caller's promise.
        unsafe {
            functions.batch_decode(*raw, self.raw, files, lengths, images.as_mut_ptr(), stream)
        }
    }

    /// The first phase of a picture, to the state's pinned memory.
    ///
    /// # Safety
    /// All work of this state is done.
    pub(in crate::nvjpeg) unsafe fn decode_to_pinned(
        &mut self,
        decoder: &DecoderObject,
        params: &ParamsObject,
        file: File<'_>,
    ) -> Result<()> {
        let (functions, parsed) = file.functions();
        let handle = self.library.raw;
        // SAFETY: all are alive; the rest is the caller's promise.
        unsafe { functions.decode_host(handle, decoder.raw, self.raw, params.raw, parsed) }
    }

    /// The second one, from there to the state's memory on the device, by `stream`.
    pub(in crate::nvjpeg) fn decode_to_device(
        &mut self,
        decoder: &DecoderObject,
        file: File<'_>,
        stream: CudaStream,
    ) -> Result<()> {
        let (functions, parsed) = file.functions();
        let handle = self.library.raw;
        // SAFETY: all are alive.
        unsafe { functions.decode_transfer(handle, decoder.raw, self.raw, parsed, stream) }
    }

    /// The last one, from there to `image`, by the same stream.
    ///
    /// # Safety
    /// The image has memory for the picture's pixels, which work of `stream` may write.
    pub(in crate::nvjpeg) unsafe fn decode_to_image(
        &mut self,
        decoder: &DecoderObject,
        mut image: Image,
        stream: CudaStream,
    ) -> Result<()> {
        let Library { functions, raw, .. } = &*self.library;
        // SAFETY: all are alive; the rest is the caller's promise.
        unsafe { functions.decode_device(*raw, decoder.raw, self.raw, &raw mut image, stream) }
    }
}
