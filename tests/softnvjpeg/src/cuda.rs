//! The functions of the software CUDA device that are called here, by their types in `cuda.h`. Who calls
//! the library promises what the driver demands: a stream that is alive, and destinations as large as
//! they are said to be.

use std::ffi::c_void;
use std::sync::OnceLock;

use crate::status::{Result, Status};

type Code = i32;

/// Rows to be written, as the device's function takes them.
#[repr(C)]
pub(crate) struct Rows {
    pub(crate) address: u64,
    pub(crate) pitch: usize,
    pub(crate) row_bytes: usize,
    pub(crate) count: usize,
}

/// Memory that grows, of the device or pinned.
#[derive(Default)]
pub(crate) struct Memory {
    address: u64,
    size_bytes: usize,
}

struct Functions {
    current: unsafe extern "C" fn(*mut usize) -> Code,
    allocate: unsafe extern "C" fn(*mut u64, usize) -> Code,
    free: unsafe extern "C" fn(u64) -> Code,
    pin: unsafe extern "C" fn(*mut u64, usize, u32) -> Code,
    unpin: unsafe extern "C" fn(u64) -> Code,
    upload: unsafe extern "C" fn(u64, u64, usize, usize) -> Code,
    kernel: unsafe extern "C" fn(u64, usize, *const Rows, *const u8, usize) -> Code,
}

static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();

fn find() -> Option<Functions> {
    // SAFETY: the program has loaded it before, and its initialisers have no demands.
    let library = unsafe { libloading::Library::new("libcuda.so.1") }.ok()?;
    macro_rules! function {
        ($name:literal) => {
            // SAFETY: the field has the type that `cuda.h`, or the device, gives the function.
            *unsafe { library.get($name) }.ok()?
        };
    }
    let functions = Functions {
        current: function!("cuCtxGetCurrent"),
        allocate: function!("cuMemAlloc_v2"),
        free: function!("cuMemFree_v2"),
        pin: function!("cuMemHostAlloc"),
        unpin: function!("cuMemFreeHost"),
        upload: function!("cuMemcpyHtoDAsync_v2"),
        kernel: function!("softcuda_library_kernel"),
    };
    std::mem::forget(library); // The functions are called until the process ends.
    Some(functions)
}

/// # Errors
/// `EXECUTION_FAILED` where the driver is not the software CUDA device.
fn functions() -> Result<&'static Functions> {
    FUNCTIONS.get_or_init(find).as_ref().ok_or(Status::EXECUTION_FAILED)
}

fn checked(code: Code) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Status::EXECUTION_FAILED) }
}

/// The context of this thread.
///
/// # Errors
/// `EXECUTION_FAILED` without one: a program has to make one current.
pub(crate) fn context() -> Result<usize> {
    let mut context = 0;
    // SAFETY: the result goes to a number of ours.
    checked(unsafe { (functions()?.current)(&raw mut context) })?;
    if context == 0 { Err(Status::EXECUTION_FAILED) } else { Ok(context) }
}

impl Memory {
    /// Lets device memory have this size at least. What it held may be lost.
    ///
    /// # Errors
    /// `ALLOCATOR_FAILURE`.
    pub(crate) fn grow_on_device(&mut self, size_bytes: usize) -> Result<()> {
        if size_bytes <= self.size_bytes {
            return Ok(());
        }
        self.free_on_device()?;
        let mut address = 0;
        // SAFETY: the address goes to a number of ours.
        let code = unsafe { (functions()?.allocate)(&raw mut address, size_bytes) };
        checked(code).map_err(|_| Status::ALLOCATOR_FAILURE)?;
        *self = Self { address, size_bytes };
        Ok(())
    }

    pub(crate) fn free_on_device(&mut self) -> Result<()> {
        let Self { address, .. } = std::mem::take(self);
        // SAFETY: the memory is ours, and nobody else has its address.
        if address == 0 { Ok(()) } else { checked(unsafe { (functions()?.free)(address) }) }
    }

    /// Holds these bytes in pinned memory, whatever may still be copied from it: to wait for that is
    /// the program's part.
    ///
    /// # Errors
    /// `ALLOCATOR_FAILURE`.
    pub(crate) fn hold_pinned(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.size_bytes {
            self.free_pinned()?;
            let mut address = 0;
            // SAFETY: the address goes to a number of ours.
            let code = unsafe { (functions()?.pin)(&raw mut address, bytes.len(), 0) };
            checked(code).map_err(|_| Status::ALLOCATOR_FAILURE)?;
            *self = Self { address, size_bytes: bytes.len() };
        }
        let place = self.address as *mut u8;
        // SAFETY: the memory is ours, and as large.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(())
    }

    pub(crate) fn free_pinned(&mut self) -> Result<()> {
        let Self { address, .. } = std::mem::take(self);
        // SAFETY: the memory is ours, and nobody else has its address.
        if address == 0 { Ok(()) } else { checked(unsafe { (functions()?.unpin)(address) }) }
    }

    /// Copies the first bytes of pinned memory to those of the device's, by `stream`.
    ///
    /// # Errors
    /// `EXECUTION_FAILED`.
    pub(crate) fn upload(&self, pinned: &Self, size_bytes: usize, stream: usize) -> Result<()> {
        // SAFETY: both have so many bytes, by `grow_on_device` and `hold_pinned`.
        checked(unsafe { (functions()?.upload)(self.address, pinned.address, size_bytes, stream) })
    }

    /// Lets `stream` read the first bytes of the device's memory, and write `bytes` to `rows`.
    ///
    /// # Errors
    /// `EXECUTION_FAILED`.
    pub(crate) fn write_rows(
        &self,
        size_bytes: usize,
        rows: &Rows,
        bytes: &[u8],
        stream: *mut c_void,
    ) -> Result<()> {
        let kernel = functions()?.kernel;
        // SAFETY: there are as many bytes as rows say, and the device checks all addresses.
        checked(unsafe { kernel(self.address, size_bytes, rows, bytes.as_ptr(), stream as usize) })
    }
}
