//! Modules of kernels in the current context, and launches.

use std::ffi::{CStr, c_void};

use cudarc::driver::sys::{CUfunction, CUfunction_attribute, CUjit_option, CUmodule};
use cudarc::driver::{result, sys};

use super::stream::Stream;
use super::{Result, checked, named};

/// More than this of the compiler's log is cut off.
const LOG_BYTES_MAX: usize = 8 << 10;

/// A loaded module.
pub(in super::super) struct Module(CUmodule);

/// A kernel of a module, alive as long as that.
#[derive(Clone, Copy)]
pub(in super::super) struct Function(CUfunction);

// SAFETY: any thread that has the context current may use a module.
unsafe impl Send for Module {}
// SAFETY: as above; nothing changes it.
unsafe impl Sync for Module {}
// SAFETY: as of modules.
unsafe impl Send for Function {}
// SAFETY: as of modules.
unsafe impl Sync for Function {}

impl Module {
    /// Compiles PTX for the current context's device. What the compiler says of errors goes to `log`.
    pub(in super::super) fn load(ptx: &CStr, log: &mut String) -> Result<Self> {
        let (mut raw, mut text) = (std::ptr::null_mut(), vec![0_u8; LOG_BYTES_MAX]);
        let mut options = [
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        // Numbers are given as pointers here.
        let mut values =
            [text.as_mut_ptr().cast(), std::ptr::without_provenance_mut(LOG_BYTES_MAX)];
        let (options, values) = (options.as_mut_ptr(), values.as_mut_ptr());
        // SAFETY: the PTX is text that ends with a 0; there are two options and as many values, one
        // of them a buffer of the size that the other tells.
        let code = unsafe {
            sys::cuModuleLoadDataEx(&raw mut raw, ptx.as_ptr().cast(), 2, options, values)
        };
        let told = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        told.to_string_lossy().trim().clone_into(log);
        checked("cuModuleLoadDataEx", code).map(|()| Self(raw))
    }

    pub(in super::super) fn function(&self, name: &CStr) -> Result<Function> {
        // SAFETY: the module is loaded.
        let found = unsafe { result::module::get_function(self.0, name.to_owned()) };
        named("cuModuleGetFunction", found).map(Function)
    }

    pub(in super::super) fn unload(self) -> Result<()> {
        // SAFETY: it is loaded, and this consumes it.
        named("cuModuleUnload", unsafe { result::module::unload(self.0) })
    }
}

impl Function {
    /// The most threads of a block that its registers allow.
    ///
    /// # Safety
    /// Its module is loaded.
    pub(in super::super) unsafe fn block_threads_max(self) -> Result<i32> {
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
        // SAFETY: the caller's promise.
        let value = unsafe { result::function::get_function_attribute(self.0, attribute) };
        named("cuFuncGetAttribute", value)
    }

    /// Enqueues a launch with one argument; its bytes are taken at the call.
    ///
    /// # Safety
    /// Its module is loaded. The kernel takes one such argument, and touches no memory but what is
    /// there until the stream has done it.
    pub(in super::super) unsafe fn launch(
        self,
        (grid, block, shared_bytes): ([u32; 3], [u32; 3], u32),
        stream: &Stream,
        argument: &[u8],
    ) -> Result<()> {
        let (grid, block) = (grid.into(), block.into());
        let mut arguments = [argument.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: the caller's promise; the driver reads the argument and does not write to it.
        let launched = unsafe {
            result::launch_kernel(self.0, grid, block, shared_bytes, stream.raw(), &mut arguments)
        };
        named("cuLaunchKernel", launched)
    }
}
