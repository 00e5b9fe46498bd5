//! Modules of kernels in the current context, and launches.

use std::ffi::{CStr, c_void};

use cudarc::driver::result;
use cudarc::driver::sys::{CUfunction, CUfunction_attribute, CUmodule};

use super::stream::Stream;
use super::{Result, named};

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
    /// Compiles PTX for the current context's device.
    pub(in super::super) fn load(ptx: &CStr) -> Result<Self> {
        // SAFETY: it is text that ends with a 0.
        let loaded = unsafe { result::module::load_data(ptx.as_ptr().cast()) };
        named("cuModuleLoadData", loaded).map(Self)
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
        grid: [u32; 3],
        block: [u32; 3],
        shared_bytes: u32,
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
