//! Copies that ONNX Runtime asks for: of weights, and of what the CPU computes in between. None of them is the
//! program's own, so the device counts what the program does not.

use std::ptr::{null, null_mut};

use ort::sys::{OrtMemoryInfoDeviceType, OrtStatusPtr, OrtSyncStream, OrtValue};

use crate::abi::{OrtDataTransferImpl, OrtMemoryDevice, VERSION};
use crate::api::{Failure, call, ep, status};
use crate::cuda::{Address, Device};
use crate::stream;

#[repr(C)]
pub(crate) struct Transfer(OrtDataTransferImpl);

impl Transfer {
    pub(crate) fn create() -> *mut OrtDataTransferImpl {
        Box::into_raw(Box::new(Self(OrtDataTransferImpl {
            ort_version_supported: VERSION,
            Release: release,
            CanCopy: can_copy,
            CopyTensors: copy_tensors,
        })))
        .cast()
    }
}

unsafe extern "C" fn release(this: *mut OrtDataTransferImpl) {
    drop(unsafe { Box::from_raw(this.cast::<Transfer>()) });
}

/// The device, if it is one.
fn device(memory: *const OrtMemoryDevice) -> Option<Device> {
    let kind = unsafe { (ep().MemoryDevice_GetDeviceType)(memory) };
    let ordinal = unsafe { (ep().MemoryDevice_GetDeviceId)(memory) };
    (kind == OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_GPU)
        .then_some(Device(ordinal.cast_signed()))
}

unsafe extern "C" fn can_copy(
    _: *const OrtDataTransferImpl,
    from: *const OrtMemoryDevice,
    to: *const OrtMemoryDevice,
) -> bool {
    device(from).or(device(to)).is_some()
}

unsafe extern "C" fn copy_tensors(
    _: *mut OrtDataTransferImpl,
    from: *const *const OrtValue,
    to: *const *mut OrtValue,
    streams: *const *mut OrtSyncStream,
    count: usize,
) -> OrtStatusPtr {
    status("CopyTensors", || {
        for index in 0..count {
            let stream =
                if streams.is_null() { null_mut() } else { unsafe { *streams.add(index) } };
            unsafe { copy(*from.add(index), *to.add(index), stream) }?;
        }
        Ok(())
    })
}

/// By the stream; without one, it is done when this returns.
unsafe fn copy(
    from: *const OrtValue,
    to: *mut OrtValue,
    stream: *mut OrtSyncStream,
) -> Result<(), Failure> {
    let places = unsafe {
        [(ep().Value_GetMemoryDevice)(from), (ep().Value_GetMemoryDevice)(to)].map(device)
    };
    let (mut source, mut target, mut size_bytes) = (null(), null_mut(), 0);
    call!(ort.GetTensorData(from, &raw mut source))?;
    call!(ort.GetTensorMutableData(to, &raw mut target))?;
    call!(ort.GetTensorSizeInBytes(from, &raw mut size_bytes))?;
    let owner = places[0].or(places[1]).ok_or("no device takes part")?;
    let raw = if stream.is_null() { 0 } else { stream::raw(stream) };
    if stream.is_null() {
        owner.wait_for_all()?; // Allocations are in the order of streams that are not told here.
    }
    let how = (size_bytes, raw);
    match places {
        [None, Some(device)] => device.upload(target.addr() as Address, source, how)?,
        [Some(device), None] => device.download(target, source.addr() as Address, how)?,
        _ => owner.copy(target.addr() as Address, source.addr() as Address, how)?,
    }
    if stream.is_null() { owner.wait_for_all() } else { Ok(()) }
}
