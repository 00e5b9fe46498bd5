//! Uses of nvJPEG that err, each of which is found: the tests above would see it, if the binding did so.
#![allow(unsafe_code)]

use super::super::sys::{
    DecoderObject, DeviceBufferObject, Functions, Image, Library, NVJPEG_BACKEND_GPU_HYBRID,
    ParamsObject, ParserObject, PinnedBufferObject, StateObject,
};
use super::*;

const SIZE: (u16, u16) = (64, 48);
const WIDTH: usize = 64;
const BYTES: usize = 3 * 64 * 48;

/// The library's objects for one picture at a time, used as a test likes.
struct Phases {
    state: StateObject,
    parser: ParserObject,
    params: ParamsObject,
    decoder: DecoderObject,
    _buffers: (DeviceBufferObject, PinnedBufferObject),
}

impl Phases {
    fn new(device: &Device) -> Self {
        let functions = Arc::new(Functions::open().unwrap());
        let library = Library::create(&functions, device, NVJPEG_BACKEND_GPU_HYBRID, 0).unwrap();
        let library = Arc::new(library);
        let decoder = DecoderObject::create(&library, NVJPEG_BACKEND_GPU_HYBRID).unwrap();
        let device = DeviceBufferObject::create(&library).unwrap();
        let pinned = PinnedBufferObject::create(&library).unwrap();
        Self {
            state: StateObject::of_pictures(&decoder, &device, &pinned).unwrap(),
            parser: ParserObject::create(&library).unwrap(),
            params: ParamsObject::create(&library).unwrap(),
            decoder,
            _buffers: (device, pinned),
        }
    }

    /// Decodes to `address`, by `stream`.
    fn decode(&mut self, file: &[u8], address: u64, stream: &Stream) {
        let Self { state, parser, params, decoder, .. } = self;
        let file = parser.parse(file).unwrap();
        // SAFETY: that it is used too early, or with other memory, is the test; the device sees it.
        unsafe { state.decode_to_pinned(decoder, params, file) }.unwrap();
        state.decode_to_device(decoder, file, stream.handle()).unwrap();
        let image = Image::interleaved(address, WIDTH);
        // SAFETY: as above.
        let _refused_if_too_small =
            unsafe { state.decode_to_image(decoder, image, stream.handle()) };
    }
}

#[test]
fn the_right_use_is_clean_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().set("delay_us", 1000).run(|_| {
        let (device, file) = (device(), plain(SIZE));
        let (mut phases, stream) = (Phases::new(&device), stream(&device));
        for _ in 0..2 {
            let memory = stream.allocate(BYTES).unwrap();
            phases.decode(&file, memory.address(), &stream);
            assert!(download(&memory.ready().unwrap(), &device) == pixels(&file));
        }
    });
}

#[test]
fn a_wrong_stream_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().errs("race").run(|_| {
        let (device, file) = (device(), plain(SIZE));
        let (home, other) = (stream(&device), stream(&device));
        let memory = home.allocate(BYTES).unwrap();
        Phases::new(&device).decode(&file, memory.address(), &other);
        download(&memory.ready().unwrap(), &device);
    });
}

#[test]
fn a_missing_wait_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().errs("race").run(|_| {
        let (device, file) = (device(), plain(SIZE));
        let (home, other) = (stream(&device), stream(&device));
        let memory = home.allocate(BYTES).unwrap();
        let mut phases = Phases::new(&device);
        phases.decode(&file, memory.address(), &home);
        let keeper = Arc::new(());
        // SAFETY: that it is ready is not true, which is the test.
        let buffer =
            unsafe { DeviceBuffer::foreign(&device, (memory.address(), BYTES), None, keeper) };
        let bytes = device_to_host(&buffer, &(0..BYTES), &other, &CopyCounter::default());
        let _whatever_was_there = bytes.unwrap().bytes();
        home.synchronize().unwrap();
    });
}

#[test]
fn a_buffer_that_is_freed_early_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().errs("after it was freed").run(|_| {
        let (device, file) = (device(), plain(SIZE));
        let stream = stream(&device);
        let memory = stream.allocate(BYTES).unwrap();
        let address = memory.address();
        drop(memory);
        stream.synchronize().unwrap();
        Phases::new(&device).decode(&file, address, &stream);
    });
}

#[test]
fn a_buffer_that_is_too_small_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().errs("run over the end").run(|_| {
        let (device, file) = (device(), plain(SIZE));
        let stream = stream(&device);
        let memory = stream.allocate(BYTES - 1).unwrap();
        Phases::new(&device).decode(&file, memory.address(), &stream);
        stream.synchronize().unwrap();
    });
}

#[test]
fn a_state_that_is_used_too_early_is_caught_on_the_software_cuda_device() {
    SoftCuda::new()
        .with_nvjpeg()
        .set("run_when_awaited", 1)
        .errs("pinned host memory was changed")
        .run(|_| {
            let (device, stream_of) = (device(), stream);
            let (one, two) = (plain(SIZE), encode(SIZE, ColorType::Rgb, |_| {}));
            let stream = stream_of(&device);
            let memory = [stream.allocate(BYTES).unwrap(), stream.allocate(BYTES).unwrap()];
            let mut phases = Phases::new(&device);
            // The larger one first: memory that has to grow is waited for.
            let (one, two) = if one.len() > two.len() { (one, two) } else { (two, one) };
            phases.decode(&one, memory[0].address(), &stream);
            phases.decode(&two, memory[1].address(), &stream);
            stream.synchronize().unwrap();
        });
}
