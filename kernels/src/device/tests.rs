//! The device layer on the software CUDA device.

use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceMemory;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::tensor::{Storage, Tensor};
use nereid_softcuda_harness::{AnyCuda, SoftCuda};

use super::*;

mod faults;
mod handing_on;
mod launches;
mod memory;
mod order;
mod peers;
mod probes;
mod shared;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

#[repr(C)]
#[derive(Clone, Copy, bytemuck::NoUninit)]
struct AddOne {
    from: u64,
    to: u64,
    count: u64,
}

/// Each byte and one more.
const PTX: &str = "
.version 8.0
.target sm_75
.address_size 64
.visible .entry add_one(.param .align 8 .b8 argument[24])
{
    .reg .pred %p<2>;
    .reg .b16 %h<3>;
    .reg .b32 %r<5>;
    .reg .b64 %d<7>;
    ld.param.u64 %d1, [argument];
    ld.param.u64 %d2, [argument+8];
    ld.param.u64 %d3, [argument+16];
    mov.u32 %r1, %ctaid.x;
    mov.u32 %r2, %ntid.x;
    mov.u32 %r3, %tid.x;
    mad.lo.s32 %r4, %r1, %r2, %r3;
    cvt.u64.u32 %d4, %r4;
    setp.ge.u64 %p1, %d4, %d3;
    @%p1 bra done;
    cvta.to.global.u64 %d1, %d1;
    cvta.to.global.u64 %d2, %d2;
    add.s64 %d5, %d1, %d4;
    add.s64 %d6, %d2, %d4;
    ld.global.u8 %h1, [%d5];
    add.s16 %h2, %h1, 1;
    st.global.u8 [%d6], %h2;
done:
    ret;
}
";

/// The first device.
fn device() -> Device {
    probe(LIMITS).unwrap().get(0).unwrap().clone()
}

fn add_one(device: &Device) -> Function {
    Module::load(device, PTX).unwrap().function("add_one").unwrap()
}

/// What `function` makes of `buffer`, by `stream`.
fn added(function: &Function, stream: &Stream, buffer: &DeviceBuffer) -> Arc<DeviceBuffer> {
    let reading = buffer.read(stream).unwrap();
    let to = stream.allocate(reading.size_bytes()).unwrap();
    launch(function, stream, reading.address(), &to).unwrap();
    drop(reading);
    to.ready().unwrap()
}

/// Lets `stream` write to all of `to` what is one more than what is at `from`.
#[allow(unsafe_code)]
fn launch(
    function: &Function,
    stream: &Stream,
    from: u64,
    to: &Allocation,
) -> Result<(), DeviceError> {
    let count = to.size_bytes() as u64;
    let argument = AddOne { from, to: to.address(), count };
    let blocks = u32::try_from(count.div_ceil(64)).unwrap();
    let grid = Grid { blocks: [blocks, 1, 1], threads: [64, 1, 1], shared_bytes: 0 };
    // SAFETY: the argument is the kernel's, and the software device bears the tests that err.
    unsafe { function.launch(stream, grid, &argument) }
}

fn stream(device: &Device, owner: &str) -> Stream {
    device.stream(owner, Priority::Least).unwrap()
}

fn upload(stream: &Stream, bytes: &[u8], copies: &CopyCounter) -> Arc<DeviceBuffer> {
    let mut pinned = stream.pinned(bytes.len()).unwrap();
    pinned.as_mut().copy_from_slice(bytes);
    let mut to = stream.allocate(bytes.len()).unwrap();
    host_to_device(&mut to, 0, Source::Pinned(pinned), copies).unwrap();
    to.ready().unwrap()
}

fn download(stream: &Stream, buffer: &DeviceBuffer, copies: &CopyCounter) -> bytes::Bytes {
    let all = 0..buffer.size_bytes();
    device_to_host(buffer, &all, stream, copies).unwrap().bytes().unwrap()
}

#[test]
fn bytes_go_up_through_a_kernel_and_down_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let bytes: Vec<u8> = (0..=255).collect();
        let up = upload(&stream, &bytes, &copies);
        let down = download(&stream, &added(&add_one(&device), &stream, &up), &copies);
        assert!(down.iter().zip(&bytes).all(|(after, before)| *after == before.wrapping_add(1)));
        assert_eq!((copies.get(Copy::HostToDevice), cuda.count("h2d_bytes")), (256, 256));
        assert_eq!((copies.get(Copy::DeviceToHost), cuda.count("d2h_bytes")), (256, 256));
        assert_eq!((copies.get(Copy::DeviceToDevice), cuda.count("d2d_bytes")), (0, 0));
        assert_eq!(device.memory().in_use(), 256, "the upload");
    });
}

#[test]
fn a_device_tells_what_it_is_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).set("memory_bytes", 1 << 20).run(|_| {
        let devices = probe(LIMITS).unwrap();
        assert_eq!((devices.all().len(), devices.refused().len()), (2, 0));
        let device = devices.get(1).unwrap();
        assert_eq!((device.id(), device.memory_bytes()), (DeviceId::Cuda(1), 1 << 20));
        assert_eq!(device.uuid(), "GPU-736f6674-7761-7265-2d64-657669636501");
        assert_eq!(device.compute_capability(), (7, 5));
        assert_eq!(device.memory().bytes_max(), 1 << 20);
        assert_eq!(format!("{device:?}"), "cuda:1 (Software CUDA device (tests))");
        assert!(devices.get(2).is_none() && !device.is_lost());
    });
}

#[test]
fn tensors_on_a_device_share_their_buffer() {
    AnyCuda::new().run(|| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let buffer = upload(&stream, &[0, 1, 2, 3, 4, 5], &copies);
        let storage = Storage::Device(buffer.clone());
        let tensor = Tensor::new(DataType::Uint8, vec![3, 2], storage).unwrap();
        let rows = tensor.rows(1..3).unwrap();
        let (found, range) = DeviceBuffer::of(&rows).unwrap();
        assert!(std::ptr::eq(found, &raw const *buffer) && range == (2..6));
        let down = device_to_host(found, &range, &stream, &copies).unwrap().bytes().unwrap();
        assert_eq!(&*down, [2, 3, 4, 5]);
        let host = Tensor::from_values(vec![1], vec![1_u8]).unwrap();
        assert!(DeviceBuffer::of(&host).is_none());
    });
}
