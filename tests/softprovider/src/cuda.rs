//! The driver, in the context of a device that is made current as CUDA's runtime does: at every call.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CString, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;

use crate::api::Failure;

/// Memory of a device.
pub(crate) type Address = u64;
/// `CUstream`; 0 is the one that waits for all.
pub(crate) type Stream = usize;

/// A device of the driver's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Device(pub(crate) i32);

/// An event that is destroyed with this.
pub(crate) struct Event(Device, usize);

/// A kernel, and the module that it is unloaded with.
pub(crate) struct Kernel {
    device: Device,
    module: *mut c_void,
    function: *mut c_void,
}

// SAFETY: handles of the driver, which any thread may use that has their context.
unsafe impl Send for Kernel {}
// SAFETY: as above.
unsafe impl Sync for Kernel {}

fn library() -> Result<&'static Library, Failure> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| unsafe { Library::new("libcuda.so.1") }.ok());
    library.as_ref().ok_or_else(|| "libcuda.so.1 cannot be opened".to_owned())
}

macro_rules! call {
    ($name:literal ($($type:ty = $value:expr),*)) => {
        (|| {
            let function = unsafe {
                library()?.get::<unsafe extern "C" fn($($type),*) -> i32>($name)
            };
            let function = function.map_err(|error| error.to_string())?;
            match unsafe { function($($value),*) } {
                0 => Ok(()),
                code => Err(format!("{}: CUDA error {code}", $name)),
            }
        })()
    };
}

/// How many devices there are.
pub(crate) fn device_count() -> Result<i32, Failure> {
    let mut count = 0;
    call!("cuInit"(u32 = 0))?;
    call!("cuDeviceGetCount"(*mut i32 = &raw mut count))?;
    Ok(count)
}

impl Device {
    /// Makes its primary context this thread's. It is kept until the process ends.
    fn enter(self) -> Result<(), Failure> {
        static CONTEXTS: Mutex<Option<HashMap<i32, usize>>> = Mutex::new(None);
        let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        let contexts = contexts.get_or_insert_with(HashMap::new);
        let context = match contexts.entry(self.0) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                let mut context = 0;
                call!("cuDevicePrimaryCtxRetain"(*mut usize = &raw mut context, i32 = self.0))?;
                *unknown.insert(context)
            }
        };
        call!("cuCtxSetCurrent"(usize = context))
    }

    /// In the order of `stream`.
    pub(crate) fn allocate(self, size_bytes: usize, stream: Stream) -> Result<Address, Failure> {
        let mut address = 0;
        self.enter()?;
        call!("cuMemAllocAsync"(
            *mut Address = &raw mut address, usize = size_bytes, usize = stream
        ))?;
        Ok(address)
    }

    /// In the order of `stream`.
    pub(crate) fn free(self, address: Address, stream: Stream) -> Result<(), Failure> {
        self.enter()?;
        call!("cuMemFreeAsync"(Address = address, usize = stream))
    }

    pub(crate) fn wait(self, stream: Stream) -> Result<(), Failure> {
        self.enter()?;
        call!("cuStreamSynchronize"(usize = stream))
    }

    /// Waits for all that the device has to do.
    pub(crate) fn wait_for_all(self) -> Result<(), Failure> {
        self.enter()?;
        call!("cuCtxSynchronize"())
    }

    pub(crate) fn upload(
        self,
        to: Address,
        from: *const c_void,
        (size_bytes, stream): (usize, Stream),
    ) -> Result<(), Failure> {
        self.enter()?;
        call!("cuMemcpyHtoDAsync_v2"(
            Address = to, *const c_void = from, usize = size_bytes, usize = stream
        ))
    }

    pub(crate) fn download(
        self,
        to: *mut c_void,
        from: Address,
        (size_bytes, stream): (usize, Stream),
    ) -> Result<(), Failure> {
        self.enter()?;
        call!("cuMemcpyDtoHAsync_v2"(
            *mut c_void = to, Address = from, usize = size_bytes, usize = stream
        ))
    }

    pub(crate) fn copy(
        self,
        to: Address,
        from: Address,
        (size_bytes, stream): (usize, Stream),
    ) -> Result<(), Failure> {
        self.enter()?;
        call!("cuMemcpyDtoDAsync_v2"(
            Address = to,
            Address = from,
            usize = size_bytes,
            usize = stream
        ))
    }
}

impl Event {
    pub(crate) fn new(device: Device) -> Result<Self, Failure> {
        const DISABLE_TIMING: u32 = 2;
        let mut event = Self(device, 0);
        device.enter()?;
        call!("cuEventCreate"(*mut usize = &raw mut event.1, u32 = DISABLE_TIMING))?;
        Ok(event)
    }

    pub(crate) fn record(&self, stream: Stream) -> Result<(), Failure> {
        self.0.enter()?;
        call!("cuEventRecord"(usize = self.1, usize = stream))
    }

    /// Lets the stream wait.
    pub(crate) fn hold(&self, stream: Stream) -> Result<(), Failure> {
        self.0.enter()?;
        call!("cuStreamWaitEvent"(usize = stream, usize = self.1, u32 = 0))
    }

    /// Lets the host wait.
    pub(crate) fn wait(&self) -> Result<(), Failure> {
        self.0.enter()?;
        call!("cuEventSynchronize"(usize = self.1))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let _best_effort = self.0.enter();
        let _best_effort: Result<(), Failure> = call!("cuEventDestroy_v2"(usize = self.1));
    }
}

impl Kernel {
    /// Compiles `ptx` for a device and finds a kernel in it.
    pub(crate) fn load(device: Device, ptx: &str, name: &str) -> Result<Self, Failure> {
        let text = |text: &str| CString::new(text).map_err(|error| error.to_string());
        let (ptx, name) = (text(ptx)?, text(name)?);
        device.enter()?;
        let mut kernel = Self { device, module: null_mut(), function: null_mut() };
        call!("cuModuleLoadData"(
            *mut *mut c_void = &raw mut kernel.module, *const c_void = ptx.as_ptr().cast()
        ))?;
        call!("cuModuleGetFunction"(
            *mut *mut c_void = &raw mut kernel.function,
            *mut c_void = kernel.module,
            *const c_void = name.as_ptr().cast()
        ))?;
        Ok(kernel)
    }

    /// Enqueues it with a thread for each of `count` elements. Its one argument is `words`.
    pub(crate) fn launch(&self, stream: Stream, count: u32, words: &[u64]) -> Result<(), Failure> {
        const THREADS: u32 = 64;
        let mut parameters = [words.as_ptr().cast_mut().cast::<c_void>()];
        self.device.enter()?;
        call!("cuLaunchKernel"(
            *mut c_void = self.function,
            u32 = count.div_ceil(THREADS).max(1), u32 = 1, u32 = 1,
            u32 = THREADS, u32 = 1, u32 = 1,
            u32 = 0, usize = stream,
            *mut *mut c_void = parameters.as_mut_ptr(), *mut *mut c_void = null_mut()
        ))
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _best_effort = self.device.enter();
        if !self.module.is_null() {
            let _best_effort: Result<(), Failure> =
                call!("cuModuleUnload"(*mut c_void = self.module));
        }
    }
}
