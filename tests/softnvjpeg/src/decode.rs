//! What the library does with files: on the host, on the way to the device, and on the device.

use std::ffi::c_void;
use std::sync::Mutex;

use crate::cuda::{self, Memory, Rows};
use crate::objects::{Backend, Buffer, Decoded, File, Library, State, lock};
use crate::picture::{self, Header};
use crate::status::{Result, Status};

/// `NVJPEG_OUTPUT_RGB`: planes.
const RGB: i32 = 3;
/// `NVJPEG_OUTPUT_RGBI`: interleaved.
const RGBI: i32 = 5;

/// From so many pictures on, `NVJPEG_BACKEND_GPU_HYBRID` decodes batches on the device ("when batch size
/// is bigger than 50", `nvjpeg.h`).
const BATCH_ON_DEVICE: usize = 51;

/// `nvjpegImage_t`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Image {
    channel: [u64; 4],
    pitch: [usize; 4],
}

impl Library {
    /// # Errors
    /// `EXECUTION_FAILED` in another context than its own.
    pub(crate) fn check_context(&self) -> Result<()> {
        if cuda::context()? == self.context { Ok(()) } else { Err(Status::EXECUTION_FAILED) }
    }
}

impl Backend {
    /// Whether it decodes a file.
    pub(crate) fn takes(self, header: &Header) -> bool {
        match self {
            Self::Hardware => header.is_for_hardware(),
            Self::Hybrid | Self::GpuHybrid => header.is_for_hybrid(),
        }
    }
}

/// The format is one that is written here.
///
/// # Errors
/// `INVALID_PARAMETER` of those that only the real library writes.
pub(crate) fn check_format(format: i32) -> Result<()> {
    if matches!(format, RGB | RGBI) { Ok(()) } else { Err(Status::INVALID_PARAMETER) }
}

/// The first phase: to pinned memory.
pub(crate) fn on_host(
    backend: Backend,
    state: &mut State,
    bytes: &[u8],
    header: &Header,
) -> Result<()> {
    let pinned = state.pinned.clone().ok_or(Status::INVALID_PARAMETER)?;
    if !backend.takes(header) {
        return Err(Status::JPEG_NOT_SUPPORTED);
    }
    let decoded = decoded(bytes, header)?;
    let is_on_device = backend == Backend::GpuHybrid && header.is_baseline();
    let uploaded = uploaded(bytes, header, is_on_device);
    lock(&pinned).hold_pinned(&uploaded)?;
    (state.on_host, state.on_device) = (Some((decoded, uploaded.len())), None);
    Ok(())
}

/// The second phase: from pinned memory to the device's.
pub(crate) fn transfer(state: &mut State, stream: *mut c_void) -> Result<()> {
    let missing = Status::INVALID_PARAMETER;
    let (decoded, size_bytes) = state.on_host.take().ok_or(missing)?;
    let (device, pinned) = attached(state)?;
    let (mut device, pinned) = (lock(&device), lock(&pinned));
    device.grow_on_device(size_bytes)?;
    device.upload(&pinned, size_bytes, stream as usize)?;
    state.on_device = Some((decoded, size_bytes));
    Ok(())
}

/// The third phase: from the device's memory to the picture.
pub(crate) fn on_device(state: &mut State, image: &Image, stream: *mut c_void) -> Result<()> {
    let (decoded, size_bytes) = state.on_device.take().ok_or(Status::INVALID_PARAMETER)?;
    let (device, _) = attached(state)?;
    let device = lock(&device);
    write(&device, size_bytes, &decoded, (state.format, image), stream)
}

/// All phases of a batch. All files are looked at before anything is enqueued, so none is decoded if one
/// is bad.
pub(crate) fn batch(
    backend: Backend,
    state: &mut State,
    files: &[&[u8]],
    images: &[Image],
    stream: *mut c_void,
) -> Result<()> {
    let (count, format) = state.batch.ok_or(Status::NOT_INITIALIZED)?;
    if count != files.len() {
        return Err(Status::INVALID_PARAMETER);
    }
    let is_on_device = match backend {
        Backend::Hardware => true,
        Backend::GpuHybrid => count >= BATCH_ON_DEVICE,
        Backend::Hybrid => false,
    };
    let (mut pictures, mut uploads) = (Vec::new(), Vec::new());
    for file in files {
        let header = Header::read(file)?;
        if !backend.takes(&header) {
            return Err(Status::JPEG_NOT_SUPPORTED);
        }
        pictures.push(decoded(file, &header)?);
        uploads.extend(uploaded(file, &header, is_on_device && header.is_baseline()));
    }
    let (device, pinned) = &mut state.own;
    pinned.hold_pinned(&uploads)?;
    device.grow_on_device(uploads.len())?;
    device.upload(pinned, uploads.len(), stream as usize)?;
    for (picture, image) in pictures.iter().zip(images) {
        write(device, uploads.len(), picture, (format, image), stream)?;
    }
    Ok(())
}

/// A file that was parsed.
pub(crate) fn file(stream: &Mutex<Option<File>>) -> Result<File> {
    lock(stream).clone().ok_or(Status::INVALID_PARAMETER)
}

/// The memory of a state, of the device and pinned.
fn attached(state: &State) -> Result<(Buffer, Buffer)> {
    let both = state.device.clone().zip(state.pinned.clone());
    both.ok_or(Status::INVALID_PARAMETER)
}

fn decoded(bytes: &[u8], header: &Header) -> Result<Decoded> {
    let pixels = picture::pixels(bytes)?;
    let size = 3 * header.width as usize * header.height as usize;
    if pixels.len() != size {
        return Err(Status::BAD_JPEG);
    }
    Ok(Decoded { header: header.clone(), pixels: pixels.into() })
}

/// What the device needs: the file, or coefficients. Of those only the number is true; they differ from
/// picture to picture, so that memory that is overwritten too early is seen.
fn uploaded(bytes: &[u8], header: &Header, is_on_device: bool) -> Vec<u8> {
    if is_on_device {
        return bytes.to_vec();
    }
    bytes.iter().copied().cycle().take(header.coefficient_bytes()).collect()
}

fn write(
    device: &Memory,
    size_bytes: usize,
    decoded: &Decoded,
    (format, image): (i32, &Image),
    stream: *mut c_void,
) -> Result<()> {
    let (width, count) = (decoded.header.width as usize, decoded.header.height as usize);
    let rows = |channel: usize, row_bytes: usize| Rows {
        address: image.channel[channel],
        pitch: image.pitch[channel],
        row_bytes,
        count,
    };
    if image.pitch[0] < if format == RGBI { 3 * width } else { width } {
        return Err(Status::INVALID_PARAMETER);
    }
    if format == RGBI {
        return device.write_rows(size_bytes, &rows(0, 3 * width), &decoded.pixels, stream);
    }
    for channel in 0..3 {
        let plane: Vec<u8> = decoded.pixels.chunks_exact(3).map(|pixel| pixel[channel]).collect();
        device.write_rows(size_bytes, &rows(channel, width), &plane, stream)?;
    }
    Ok(())
}
