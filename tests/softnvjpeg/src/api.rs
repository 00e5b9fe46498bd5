//! The functions of nvJPEG that Nereid calls, by the names and signatures of NVIDIA's `nvjpeg.h`, and a
//! few more for tests. What their pointers point to is promised by whoever calls them, and that is the
//! reason of every unsafe block here.

use std::ffi::{CStr, c_char, c_void};
use std::slice;

use crate::cuda;
use crate::decode::{self, Image};
use crate::objects::{self, Backend, File, Library, Object, State, lock};
use crate::picture::Header;
use crate::settings::{self, Setting};
use crate::status::{Result, Status};

/// All flags of `nvjpeg.h`, of which version 11 is taken to lack the last one.
const FLAGS: u32 = 0x3F;
const FLAGS_OF_11: u32 = 0x1F;

/// Where a result goes.
#[repr(transparent)]
struct Out<T>(*mut T);

/// Where so many values are as another argument says.
#[repr(transparent)]
struct In<T>(*const T);

/// Text that ends with a 0.
#[repr(transparent)]
struct Text(*const c_char);

impl<T> Out<T> {
    fn put(&self, value: T) -> Result<()> {
        if self.0.is_null() {
            return Err(Status::INVALID_PARAMETER);
        }
        // SAFETY: the caller gives the address of a `T`.
        unsafe { self.0.write(value) };
        Ok(())
    }
}

impl<T> In<T> {
    fn read(&self, count: usize) -> Result<&[T]> {
        if self.0.is_null() || count == 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        // SAFETY: the caller gives as many, and keeps them until the call is over.
        Ok(unsafe { slice::from_raw_parts(self.0, count) })
    }
}

impl Text {
    fn read(&self) -> Result<&str> {
        if self.0.is_null() {
            return Err(Status::INVALID_PARAMETER);
        }
        // SAFETY: the caller gives text that ends with a 0, and keeps it until the call is over.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map_err(|_| Status::INVALID_PARAMETER)
    }
}

/// Exports functions whose bodies give a `Result`, and which fail when a test wants it.
macro_rules! export {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        // SAFETY: nothing else in this library has the name; a program loads one nvJPEG.
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> i32 {
            let body = move || -> Result<()> { $body };
            let entered = settings::enter(stringify!($name));
            // An end that fails is one all the same, so that nothing is left of it.
            let is_end = stringify!($name).ends_with("Destroy");
            let done = if is_end || entered.is_ok() { body() } else { Ok(()) };
            entered.and(done).map_or_else(|Status(number)| number, |()| 0)
        }
    )*};
}

/// `nvjpegBackend_t`, if this device has it.
fn backend(number: i32) -> Result<Backend> {
    match number {
        0 | 1 => Ok(Backend::Hybrid),
        2 if settings::get(Setting::GpuHybrid) > 0 => Ok(Backend::GpuHybrid),
        3 if settings::get(Setting::HardwareEngines) > 0 => Ok(Backend::Hardware),
        2..=6 => Err(Status::ARCH_MISMATCH),
        _ => Err(Status::INVALID_PARAMETER),
    }
}

fn create(handle: &Out<usize>, object: Object) -> Result<()> {
    handle.put(objects::insert(object))
}

/// 0 if it is supported, as the library has it.
fn put_supported(supported: &Out<i32>, is_supported: bool) -> Result<()> {
    supported.put(i32::from(!is_supported))
}

/// The bytes of a file that was parsed.
fn bytes_of(file: &File) -> Result<&[u8]> {
    In(file.address as *const u8).read(file.size_bytes).map(|bytes| {
        // SAFETY: the caller keeps the bytes of a stream that it parsed without saving them.
        unsafe { slice::from_raw_parts(bytes.as_ptr(), bytes.len()) }
    })
}

export! {
    fn nvjpegGetProperty(property: i32, value: Out<i32>) {
        let version = settings::get(Setting::Version);
        let number = match property {
            0 => version / 1000,
            1 => version % 1000 / 10,
            2 => 0,
            _ => return Err(Status::INVALID_PARAMETER),
        };
        value.put(i32::try_from(number).unwrap_or(0))
    }

    fn nvjpegCreateEx(number: i32, _device: *const c_void, _pinned: *const c_void, flags: u32, handle: Out<usize>) {
        let known = if settings::get(Setting::Version) < 12_000 { FLAGS_OF_11 } else { FLAGS };
        if flags & !known != 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        let backend = backend(number)?;
        let library = Library { backend, context: cuda::context()? };
        create(&handle, Object::Library(library.into()))
    }

    fn nvjpegDestroy(handle: usize) {
        objects::library(handle)?;
        objects::remove(handle).map(drop)
    }

    fn nvjpegJpegStateCreate(handle: usize, state: Out<usize>) {
        objects::library(handle)?;
        create(&state, Object::State(std::sync::Arc::default()))
    }

    fn nvjpegJpegStateDestroy(state: usize) {
        let object = objects::state(state)?;
        objects::remove(state)?;
        let State { own: (device, pinned), .. } = &mut *lock(&object);
        device.free_on_device()?;
        pinned.free_pinned()
    }

    fn nvjpegDecodeBatchedInitialize(handle: usize, state: usize, batch_size: i32, max_cpu_threads: i32, format: i32) {
        objects::library(handle)?;
        decode::check_format(format)?;
        let count = usize::try_from(batch_size).unwrap_or(0);
        if count == 0 || max_cpu_threads < 1 {
            return Err(Status::INVALID_PARAMETER);
        }
        lock(&*objects::state(state)?).batch = Some((count, format));
        Ok(())
    }

    fn nvjpegDecodeBatched(
        handle: usize,
        state: usize,
        data: In<In<u8>>,
        lengths: In<usize>,
        destinations: In<Image>,
        stream: *mut c_void,
    ) {
        let (library, state) = (objects::library(handle)?, objects::state(state)?);
        library.check_context()?;
        let mut state = lock(&state);
        let (count, _) = state.batch.ok_or(Status::NOT_INITIALIZED)?;
        let files = data.read(count)?.iter().zip(lengths.read(count)?);
        let files = files.map(|(bytes, length)| bytes.read(*length)).collect::<Result<Vec<_>>>()?;
        decode::batch(library.backend, &mut state, &files, destinations.read(count)?, stream)
    }

    fn nvjpegDecodeBatchedSupported(handle: usize, jpeg_stream: usize, supported: Out<i32>) {
        let file = decode::file(&*objects::stream(jpeg_stream)?)?;
        put_supported(&supported, objects::library(handle)?.backend.takes(&file.header))
    }

    fn nvjpegDecoderCreate(handle: usize, number: i32, decoder: Out<usize>) {
        objects::library(handle)?;
        match backend(number)? {
            Backend::Hardware => Err(Status::IMPLEMENTATION_NOT_SUPPORTED),
            backend => create(&decoder, Object::Decoder(backend)),
        }
    }

    fn nvjpegDecoderDestroy(decoder: usize) {
        objects::decoder(decoder)?;
        objects::remove(decoder).map(drop)
    }

    fn nvjpegDecoderJpegSupported(decoder: usize, jpeg_stream: usize, params: usize, supported: Out<i32>) {
        objects::params(params)?;
        let file = decode::file(&*objects::stream(jpeg_stream)?)?;
        put_supported(&supported, objects::decoder(decoder)?.takes(&file.header))
    }

    fn nvjpegDecoderStateCreate(handle: usize, decoder: usize, state: Out<usize>) {
        objects::library(handle)?;
        objects::decoder(decoder)?;
        create(&state, Object::State(std::sync::Arc::default()))
    }

    fn nvjpegJpegStreamCreate(handle: usize, jpeg_stream: Out<usize>) {
        objects::library(handle)?;
        create(&jpeg_stream, Object::Stream(std::sync::Arc::default()))
    }

    fn nvjpegJpegStreamDestroy(jpeg_stream: usize) {
        objects::stream(jpeg_stream)?;
        objects::remove(jpeg_stream).map(drop)
    }

    fn nvjpegJpegStreamParse(
        handle: usize,
        data: In<u8>,
        length: usize,
        _save_metadata: i32,
        save_stream: i32,
        jpeg_stream: usize,
    ) {
        objects::library(handle)?;
        let stream = objects::stream(jpeg_stream)?;
        if save_stream != 0 {
            return Err(Status::IMPLEMENTATION_NOT_SUPPORTED); // Nereid keeps the bytes itself.
        }
        *lock(&stream) = None;
        let header = Header::read(data.read(length)?)?;
        let (address, size_bytes) = (data.0 as usize, length);
        *lock(&stream) = Some(File { header, address, size_bytes });
        Ok(())
    }

    fn nvjpegJpegStreamGetFrameDimensions(jpeg_stream: usize, width: Out<u32>, height: Out<u32>) {
        let file = decode::file(&*objects::stream(jpeg_stream)?)?;
        width.put(file.header.width)?;
        height.put(file.header.height)
    }

    fn nvjpegJpegStreamGetComponentsNum(jpeg_stream: usize, count: Out<u32>) {
        count.put(decode::file(&*objects::stream(jpeg_stream)?)?.header.components())
    }

    fn nvjpegJpegStreamGetComponentDimensions(jpeg_stream: usize, component: u32, width: Out<u32>, height: Out<u32>) {
        let file = decode::file(&*objects::stream(jpeg_stream)?)?;
        let (columns, rows) = file.header.dimensions(component)?;
        width.put(columns)?;
        height.put(rows)
    }

    fn nvjpegJpegStreamGetJpegEncoding(jpeg_stream: usize, encoding: Out<i32>) {
        encoding.put(decode::file(&*objects::stream(jpeg_stream)?)?.header.encoding.into())
    }

    fn nvjpegJpegStreamGetChromaSubsampling(jpeg_stream: usize, subsampling: Out<i32>) {
        subsampling.put(decode::file(&*objects::stream(jpeg_stream)?)?.header.subsampling())
    }

    fn nvjpegDecodeParamsCreate(handle: usize, params: Out<usize>) {
        objects::library(handle)?;
        create(&params, Object::Params(std::sync::Arc::default()))
    }

    fn nvjpegDecodeParamsDestroy(params: usize) {
        objects::params(params)?;
        objects::remove(params).map(drop)
    }

    fn nvjpegDecodeParamsSetOutputFormat(params: usize, format: i32) {
        decode::check_format(format)?;
        *lock(&*objects::params(params)?) = format;
        Ok(())
    }

    fn nvjpegBufferDeviceCreate(handle: usize, _allocator: *const c_void, buffer: Out<usize>) {
        objects::library(handle)?;
        create(&buffer, Object::Device(std::sync::Arc::default()))
    }

    fn nvjpegBufferDeviceDestroy(buffer: usize) {
        let memory = objects::device(buffer)?;
        objects::remove(buffer)?;
        lock(&memory).free_on_device()
    }

    fn nvjpegBufferPinnedCreate(handle: usize, _allocator: *const c_void, buffer: Out<usize>) {
        objects::library(handle)?;
        create(&buffer, Object::Pinned(std::sync::Arc::default()))
    }

    fn nvjpegBufferPinnedDestroy(buffer: usize) {
        let memory = objects::pinned(buffer)?;
        objects::remove(buffer)?;
        lock(&memory).free_pinned()
    }

    fn nvjpegStateAttachDeviceBuffer(state: usize, buffer: usize) {
        lock(&*objects::state(state)?).device = Some(objects::device(buffer)?);
        Ok(())
    }

    fn nvjpegStateAttachPinnedBuffer(state: usize, buffer: usize) {
        lock(&*objects::state(state)?).pinned = Some(objects::pinned(buffer)?);
        Ok(())
    }

    fn nvjpegDecodeJpegHost(handle: usize, decoder: usize, state: usize, params: usize, jpeg_stream: usize) {
        objects::library(handle)?.check_context()?;
        let (backend, state) = (objects::decoder(decoder)?, objects::state(state)?);
        let file = decode::file(&*objects::stream(jpeg_stream)?)?;
        let mut state = lock(&state);
        state.format = *lock(&*objects::params(params)?);
        decode::check_format(state.format)?;
        decode::on_host(backend, &mut state, bytes_of(&file)?, &file.header)
    }

    fn nvjpegDecodeJpegTransferToDevice(handle: usize, decoder: usize, state: usize, jpeg_stream: usize, stream: *mut c_void) {
        objects::library(handle)?.check_context()?;
        objects::decoder(decoder)?;
        decode::file(&*objects::stream(jpeg_stream)?)?;
        decode::transfer(&mut lock(&*objects::state(state)?), stream)
    }

    fn nvjpegDecodeJpegDevice(handle: usize, decoder: usize, state: usize, destination: In<Image>, stream: *mut c_void) {
        objects::library(handle)?.check_context()?;
        objects::decoder(decoder)?;
        let [image] = destination.read(1)? else { return Err(Status::INVALID_PARAMETER) };
        decode::on_device(&mut lock(&*objects::state(state)?), image, stream)
    }

    /// Sets an option (`settings.rs`) by its name.
    fn softnvjpeg_set(name: Text, value: u64) {
        settings::set(name.read()?, value)
    }

    /// The n-th call of a function from now gives this status, once, and does nothing.
    fn softnvjpeg_fail(function: Text, nth: u64, status: i32) {
        settings::fail(function.read()?, nth, status);
        Ok(())
    }

    /// How many times a function was called.
    fn softnvjpeg_calls(function: Text, count: Out<u64>) {
        count.put(settings::count(function.read()?))
    }

    /// How many objects were created and not destroyed.
    fn softnvjpeg_objects(count: Out<u64>) {
        count.put(objects::count() as u64)
    }
}
