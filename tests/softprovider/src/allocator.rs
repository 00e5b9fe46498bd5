//! Memory for a session: of the driver's pool, in the order of the session's stream, as its arena would have it.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::{Mutex, PoisonError};

use ort::sys::{OrtKeyValuePairs, OrtMemoryInfo, OrtStatusPtr};

use crate::abi::{OrtAllocator, VERSION};
use crate::api::{ort, status};
use crate::control::{self, Count};
use crate::cuda::{Address, Device, Stream};

/// An allocator of one session.
#[repr(C)]
pub(crate) struct Allocator {
    table: OrtAllocator,
    device: Device,
    stream: Stream,
    memory: *const OrtMemoryInfo,
    /// What is given out, and its sizes.
    live: Mutex<HashMap<Address, usize>>,
}

impl Allocator {
    pub(crate) fn create(
        device: Device,
        stream: Stream,
        memory: *const OrtMemoryInfo,
    ) -> *mut OrtAllocator {
        let table = OrtAllocator {
            version: VERSION,
            Alloc: allocate,
            Free: free,
            Info: info,
            Reserve: allocate,
            GetStats: statistics,
            AllocOnStream: None,
        };
        let live = Mutex::default();
        Box::into_raw(Box::new(Self { table, device, stream, memory, live })).cast()
    }

    pub(crate) unsafe fn release(this: *mut OrtAllocator) {
        drop(unsafe { Box::from_raw(this.cast::<Self>()) });
    }
}

fn of<'a>(this: *const OrtAllocator) -> &'a Allocator {
    unsafe { &*this.cast::<Allocator>() }
}

/// A null pointer if there is no memory, which ONNX Runtime tells.
unsafe extern "C" fn allocate(this: *mut OrtAllocator, size_bytes: usize) -> *mut c_void {
    let this = of(this);
    let allocated = control::check("Alloc").and_then(|()| {
        let address = this.device.allocate(size_bytes.max(1), this.stream)?;
        control::add(Count::Bytes, size_bytes.cast_signed() as i64);
        this.live.lock().unwrap_or_else(PoisonError::into_inner).insert(address, size_bytes);
        Ok(address)
    });
    let address = allocated.ok().and_then(|address| usize::try_from(address).ok());
    address.map_or(null_mut(), without_provenance_mut)
}

unsafe extern "C" fn free(this: *mut OrtAllocator, memory: *mut c_void) {
    if memory.is_null() {
        return;
    }
    let (this, address) = (of(this), memory.addr() as Address);
    let size = this.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    let Some(size_bytes) = size else { std::process::abort() };
    control::add(Count::Bytes, -(size_bytes.cast_signed() as i64));
    let _gone_with_a_lost_device = this.device.free(address, this.stream);
}

unsafe extern "C" fn info(this: *const OrtAllocator) -> *const OrtMemoryInfo {
    of(this).memory
}

/// ONNX Runtime believes statistics only of an allocator that has been used.
unsafe extern "C" fn statistics(
    this: *const OrtAllocator,
    to: *mut *mut OrtKeyValuePairs,
) -> OrtStatusPtr {
    status("GetStats", || {
        let live = of(this).live.lock().unwrap_or_else(PoisonError::into_inner);
        let told = [(c"TotalAllocated", live.values().sum()), (c"NumAllocs", live.len().max(1))];
        unsafe { (ort().CreateKeyValuePairs)(to) };
        for (key, number) in told {
            let number = CString::new(number.to_string()).map_err(|error| error.to_string())?;
            unsafe { (ort().AddKeyValuePair)(*to, key.as_ptr(), number.as_ptr()) };
        }
        Ok(())
    })
}
