//! A driver, and what tests ask it again and again.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;

use libloading::Library;

use crate::IpcHandle;
use crate::code::SUCCESS;

/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: u32 = 1;

/// A driver's library, with a context current in this thread.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    /// Never unloaded: a driver has threads that run to the end of the process.
    library: &'static Library,
}

impl Driver {
    /// The driver that the loader finds, with the context of device 0.
    pub fn open() -> Self {
        let driver = Self::load("libcuda.so.1".as_ref());
        assert_eq!(driver.cuInit(0), SUCCESS);
        driver.make_current(0);
        driver
    }

    /// The driver in a file, of which nothing is called yet.
    pub fn load(file: &Path) -> Self {
        // SAFETY: initialisers of a driver's library have no demands.
        let library = unsafe { Library::new(file) }.unwrap();
        Self { library: Box::leak(Box::new(library)) }
    }

    /// Where functions are looked up.
    pub fn library(&self) -> &'static Library {
        self.library
    }

    /// Whether there is a function of that name.
    pub fn has(&self, name: &str) -> bool {
        // SAFETY: the function is only looked up.
        unsafe { self.library.get::<extern "C" fn()>(name) }.is_ok()
    }

    /// Where the function of that name is.
    pub fn address_of(&self, name: &str) -> usize {
        // SAFETY: the function is only looked up.
        let function = unsafe { self.library.get::<extern "C" fn()>(name) }.unwrap();
        *function as usize
    }

    /// Makes the primary context of a device this thread's.
    pub fn make_current(&self, ordinal: i32) {
        assert_eq!(self.cuCtxSetCurrent(self.context(ordinal)), SUCCESS);
    }

    /// The primary context of a device.
    pub fn context(&self, ordinal: i32) -> usize {
        let mut context = 0;
        assert_eq!(self.cuDevicePrimaryCtxRetain(&raw mut context, ordinal), SUCCESS);
        context
    }

    /// The number that a device says of itself (`CUdevice_attribute`).
    pub fn attribute(&self, attribute: i32, ordinal: i32) -> i32 {
        let mut value = 0;
        let result = self.cuDeviceGetAttribute(&raw mut value, attribute, ordinal);
        assert_eq!(result, SUCCESS, "attribute {attribute}");
        value
    }

    /// The name of a device.
    pub fn device_name(&self, ordinal: i32) -> String {
        let mut name: [c_char; 256] = [0; 256];
        assert_eq!(self.cuDeviceGetName(name.as_mut_ptr(), 256, ordinal), SUCCESS);
        // SAFETY: the driver ends it with a 0.
        unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned()
    }

    /// A non-blocking stream.
    pub fn stream(&self) -> usize {
        let mut stream = 0;
        assert_eq!(self.cuStreamCreate(&raw mut stream, NON_BLOCKING), SUCCESS);
        stream
    }

    /// An event that was recorded behind all that is in the stream.
    pub fn recorded(&self, stream: usize) -> usize {
        let mut event = 0;
        assert_eq!(self.cuEventCreate(&raw mut event, 0), SUCCESS);
        assert_eq!(self.cuEventRecord(event, stream), SUCCESS);
        event
    }

    /// New memory of the device.
    pub fn alloc(&self, size: usize) -> u64 {
        let mut address = 0;
        assert_eq!(self.cuMemAlloc_v2(&raw mut address, size), SUCCESS);
        address
    }

    /// New pinned memory of the host.
    pub fn pinned(&self, size: usize) -> *mut u8 {
        let mut address = std::ptr::null_mut();
        assert_eq!(self.cuMemHostAlloc(&raw mut address, size, 0), SUCCESS);
        address
    }

    /// Frees memory of the device.
    pub fn free(&self, address: u64) {
        assert_eq!(self.cuMemFree_v2(address), SUCCESS);
    }

    /// Frees pinned memory of the host.
    pub fn free_pinned(&self, address: *mut u8) {
        assert_eq!(self.cuMemFreeHost(address), SUCCESS);
    }

    /// Waits for all that is in a stream.
    pub fn synchronize(&self, stream: usize) {
        assert_eq!(self.cuStreamSynchronize(stream), SUCCESS);
    }

    /// Lets `two` wait for what is in `one`.
    pub fn order(&self, one: usize, two: usize) {
        assert_eq!(self.cuStreamWaitEvent(two, self.recorded(one), 0), SUCCESS);
    }

    /// New memory with these bytes.
    pub fn upload(&self, bytes: &[u8]) -> u64 {
        let address = self.alloc(bytes.len());
        assert_eq!(self.cuMemcpyHtoD_v2(address, bytes.as_ptr(), bytes.len()), SUCCESS);
        address
    }

    /// The bytes of memory of the device.
    pub fn download(&self, address: u64, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        assert_eq!(self.cuMemcpyDtoH_v2(bytes.as_mut_ptr(), address, size), SUCCESS);
        bytes
    }

    /// A module of this PTX.
    pub fn module(&self, ptx: &str) -> usize {
        let (ptx, mut module) = (CString::new(ptx).unwrap(), 0);
        assert_eq!(self.cuModuleLoadData(&raw mut module, ptx.as_ptr()), SUCCESS);
        module
    }

    /// A kernel of a module.
    pub fn function(&self, module: usize, name: &str) -> usize {
        let (text, mut function) = (CString::new(name).unwrap(), 0);
        let result = self.cuModuleGetFunction(&raw mut function, module, text.as_ptr());
        assert_eq!(result, SUCCESS, "{name}");
        function
    }

    /// What `cuLaunchKernel` says of a launch without dynamic shared memory.
    pub fn launch(
        &self,
        function: usize,
        (grid, block): ([u32; 3], [u32; 3]),
        stream: usize,
        arguments: &[*const c_void],
    ) -> i32 {
        let (arguments, none) = (arguments.as_ptr(), std::ptr::null());
        self.cuLaunchKernel(
            function, grid[0], grid[1], grid[2], block[0], block[1], block[2], 0, stream,
            arguments, none,
        )
    }

    /// What another process opens this memory by.
    pub fn export(&self, address: u64) -> IpcHandle {
        let mut handle = IpcHandle { bytes: [0; 64] };
        assert_eq!(self.cuIpcGetMemHandle(&raw mut handle, address), SUCCESS);
        handle
    }
}
