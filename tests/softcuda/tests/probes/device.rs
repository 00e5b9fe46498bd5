//! The library, loaded as a program loads its driver: by the names of its functions.

use std::ffi::{CString, c_char, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::{Library, Symbol};

pub(crate) const NON_BLOCKING: u32 = 1;
pub(crate) const OUT_OF_MEMORY: i32 = 2;
pub(crate) const INVALID_VALUE: i32 = 1;
pub(crate) const INVALID_HANDLE: i32 = 400;
pub(crate) const NOT_READY: i32 = 600;

/// `CUipcMemHandle`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Handle {
    pub(crate) bytes: [u8; 64],
}

/// A driver of its own, with the context of device 0 current in this thread.
pub(crate) struct Device {
    /// Never unloaded: its streams' threads run to the end of the process.
    library: &'static Library,
}

macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        #[allow(non_snake_case, dead_code)]
        impl Device {
            $(pub(crate) fn $name(&self, $($argument: $type),*) -> i32 {
                type Function = unsafe extern "C" fn($($type),*) -> i32;
                let name = stringify!($name);
                // SAFETY: the types are those of the function.
                let function: Symbol<'_, Function> = unsafe { self.library.get(name) }.unwrap();
                // SAFETY: pointers are to what tests own, but where an error is the test.
                unsafe { function($($argument),*) }
            })*
        }
    };
}

functions! {
    fn cuInit(flags: u32);
    fn cuDeviceGetCount(count: *mut i32);
    fn cuDeviceGetAttribute(value: *mut i32, attribute: i32, device: i32);
    fn cuDevicePrimaryCtxRetain(context: *mut usize, device: i32);
    fn cuCtxSetCurrent(context: usize);
    fn cuCtxPopCurrent_v2(context: *mut usize);
    fn cuCtxPushCurrent_v2(context: usize);
    fn cuCtxSynchronize();
    fn cuStreamCreate(stream: *mut usize, flags: u32);
    fn cuStreamDestroy_v2(stream: usize);
    fn cuStreamSynchronize(stream: usize);
    fn cuStreamQuery(stream: usize);
    fn cuStreamWaitEvent(stream: usize, event: usize, flags: u32);
    fn cuLaunchHostFunc(stream: usize, function: extern "C" fn(*mut c_void), data: *mut c_void);
    fn cuEventCreate(event: *mut usize, flags: u32);
    fn cuEventDestroy_v2(event: usize);
    fn cuEventRecord(event: usize, stream: usize);
    fn cuEventSynchronize(event: usize);
    fn cuEventQuery(event: usize);
    fn cuEventElapsedTime(milliseconds: *mut f32, start: usize, end: usize);
    fn cuDriverGetVersion(version: *mut i32);
    fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: i32);
    fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: i32);
    fn cuGetProcAddress_v2(name: *const c_char, function: *mut usize, version: i32, flags: u64,
        status: *mut i32);
    fn cuCtxGetStreamPriorityRange(least: *mut i32, greatest: *mut i32);
    fn cuStreamCreateWithPriority(stream: *mut usize, flags: u32, priority: i32);
    fn cuStreamGetPriority(stream: usize, priority: *mut i32);
    fn cuDeviceCanAccessPeer(can: *mut i32, device: i32, peer: i32);
    fn cuCtxEnablePeerAccess(peer: usize, flags: u32);
    fn cuCtxDisablePeerAccess(peer: usize);
    fn cuMemcpyPeerAsync(to: u64, to_context: usize, from: u64, from_context: usize, size: usize,
        stream: usize);
    fn cuMemPoolSetAccess(pool: usize, access: *const c_void, count: usize);
    fn cuMemPoolGetAccess(flags: *mut u32, pool: usize, location: *const c_void);
    fn cuIpcGetMemHandle(handle: *mut Handle, address: u64);
    fn cuIpcOpenMemHandle_v2(address: *mut u64, handle: Handle, flags: u32);
    fn cuIpcCloseMemHandle(address: u64);
    fn cuStreamBeginCapture_v2(stream: usize, mode: i32);
    fn cuStreamEndCapture(stream: usize, graph: *mut usize);
    fn cuStreamIsCapturing(stream: usize, status: *mut i32);
    fn cuStreamGetCaptureInfo_v2(stream: usize, status: *mut i32, number: *mut u64,
        graph: *mut usize, dependencies: *mut usize, count: *mut usize);
    fn cuGraphInstantiateWithFlags(executable: *mut usize, graph: usize, flags: u64);
    fn cuGraphUpload(executable: usize, stream: usize);
    fn cuGraphLaunch(executable: usize, stream: usize);
    fn cuGraphExecDestroy(executable: usize);
    fn cuGraphDestroy(graph: usize);
    fn cuMemPoolCreate(pool: *mut usize, properties: *const c_void);
    fn cuMemPoolDestroy(pool: usize);
    fn cuMemPoolTrimTo(pool: usize, kept: usize);
    fn cuMemPoolGetAttribute(pool: usize, attribute: i32, value: *mut c_void);
    fn cuMemPoolSetAttribute(pool: usize, attribute: i32, value: *mut c_void);
    fn cuMemAllocFromPoolAsync(address: *mut u64, size: usize, pool: usize, stream: usize);
    fn cuDeviceGetDefaultMemPool(pool: *mut usize, device: i32);
    fn cuDeviceGetMemPool(pool: *mut usize, device: i32);
    fn cuDeviceSetMemPool(device: i32, pool: usize);
    fn cuPointerGetAttributes(count: u32, attributes: *const i32, values: *const *mut c_void,
        address: u64);
    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
    fn cuMemAlloc_v2(address: *mut u64, size: usize);
    fn cuMemAllocAsync(address: *mut u64, size: usize, stream: usize);
    fn cuMemFree_v2(address: u64);
    fn cuMemFreeAsync(address: u64, stream: usize);
    fn cuMemHostAlloc(address: *mut *mut u8, size: usize, flags: u32);
    fn cuMemFreeHost(address: *mut u8);
    fn cuMemHostRegister_v2(address: *mut u8, size: usize, flags: u32);
    fn cuMemHostUnregister(address: *mut u8);
    fn cuMemcpyHtoD_v2(to: u64, from: *const u8, size: usize);
    fn cuMemcpyDtoH_v2(to: *mut u8, from: u64, size: usize);
    fn cuMemcpyHtoDAsync_v2(to: u64, from: *const u8, size: usize, stream: usize);
    fn cuMemcpyDtoHAsync_v2(to: *mut u8, from: u64, size: usize, stream: usize);
    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, size: usize, stream: usize);
    fn cuMemsetD8Async(address: u64, byte: u8, size: usize, stream: usize);
    fn cuPointerGetAttribute(value: *mut c_void, attribute: i32, address: u64);
    fn cuModuleLoadData(module: *mut usize, image: *const c_char);
    fn cuModuleLoadDataEx(module: *mut usize, image: *const c_char, count: u32,
        options: *const i32, values: *const usize);
    fn cuModuleUnload(module: usize);
    fn cuModuleGetFunction(function: *mut usize, module: usize, name: *const c_char);
    fn cuModuleGetGlobal_v2(address: *mut u64, size: *mut usize, module: usize, name: *const c_char);
    fn cuFuncGetAttribute(value: *mut i32, attribute: i32, function: usize);
    fn cuLaunchKernel(function: usize, grid_x: u32, grid_y: u32, grid_z: u32, block_x: u32,
        block_y: u32, block_z: u32, shared: u32, stream: usize,
        arguments: *const *const c_void, extra: *const c_void);
    fn softcuda_poison(address: u64, size: usize);
    fn softcuda_unpoison(address: u64, size: usize);
    fn softcuda_poison_async(address: u64, size: usize, stream: usize);
    fn softcuda_unpoison_async(address: u64, size: usize, stream: usize);
    fn softcuda_set(name: *const c_char, value: u64);
    fn softcuda_lose_device(device: i32);
    fn softcuda_counter(name: *const c_char, count: *mut u64);
    fn softcuda_violations(count: *mut u64, texts: *mut c_char, capacity: usize);
    fn softcuda_leaks(count: *mut u64, texts: *mut c_char, capacity: usize);
}

impl Device {
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// With options that are set before `cuInit`.
    pub(crate) fn open_with(options: &[(&str, u64)]) -> Self {
        // SAFETY: the library does nothing when it is loaded.
        let library = unsafe { Library::new(copy_of_library()) }.unwrap();
        let device = Self { library: Box::leak(Box::new(library)) };
        for (name, value) in options {
            device.set(name, *value);
        }
        assert_eq!(device.cuInit(0), 0);
        device.make_current(0);
        device
    }

    /// Whether there is a function of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        // SAFETY: the function is only looked up.
        unsafe { self.library.get::<extern "C" fn()>(name) }.is_ok()
    }

    pub(crate) fn address_of(&self, name: &str) -> usize {
        // SAFETY: the function is only looked up.
        let function = unsafe { self.library.get::<extern "C" fn()>(name) }.unwrap();
        *function as usize
    }

    pub(crate) fn make_current(&self, ordinal: i32) {
        assert_eq!(self.cuCtxSetCurrent(self.context(ordinal)), 0);
    }

    /// The primary context of a device.
    pub(crate) fn context(&self, ordinal: i32) -> usize {
        let mut context = 0;
        assert_eq!(self.cuDevicePrimaryCtxRetain(&raw mut context, ordinal), 0);
        context
    }

    pub(crate) fn set(&self, option: &str, value: u64) {
        assert_eq!(self.softcuda_set(CString::new(option).unwrap().as_ptr(), value), 0);
    }

    pub(crate) fn count(&self, counter: &str) -> u64 {
        let (name, mut count) = (CString::new(counter).unwrap(), 0);
        assert_eq!(self.softcuda_counter(name.as_ptr(), &raw mut count), 0);
        count
    }

    pub(crate) fn stream(&self) -> usize {
        let mut stream = 0;
        assert_eq!(self.cuStreamCreate(&raw mut stream, NON_BLOCKING), 0);
        stream
    }

    /// An event that was recorded behind all that is in the stream.
    pub(crate) fn recorded(&self, stream: usize) -> usize {
        let mut event = 0;
        assert_eq!(self.cuEventCreate(&raw mut event, 0), 0);
        assert_eq!(self.cuEventRecord(event, stream), 0);
        event
    }

    pub(crate) fn alloc(&self, size: usize) -> u64 {
        let mut address = 0;
        assert_eq!(self.cuMemAlloc_v2(&raw mut address, size), 0);
        address
    }

    pub(crate) fn pinned(&self, size: usize) -> *mut u8 {
        let mut address = std::ptr::null_mut();
        assert_eq!(self.cuMemHostAlloc(&raw mut address, size, 0), 0);
        address
    }

    /// New memory with these bytes.
    pub(crate) fn upload(&self, bytes: &[u8]) -> u64 {
        let address = self.alloc(bytes.len());
        assert_eq!(self.cuMemcpyHtoD_v2(address, bytes.as_ptr(), bytes.len()), 0);
        address
    }

    pub(crate) fn download(&self, address: u64, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        assert_eq!(self.cuMemcpyDtoH_v2(bytes.as_mut_ptr(), address, size), 0);
        bytes
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        Self::told(|count, texts, size| self.softcuda_violations(count, texts, size))
    }

    pub(crate) fn leaks(&self) -> Vec<String> {
        Self::told(|count, texts, size| self.softcuda_leaks(count, texts, size))
    }

    fn told(call: impl Fn(*mut u64, *mut c_char, usize) -> i32) -> Vec<String> {
        let (mut count, mut texts) = (0, vec![0_u8; 1 << 16]);
        assert_eq!(call(&raw mut count, texts.as_mut_ptr().cast(), texts.len()), 0);
        let end = texts.iter().position(|byte| *byte == 0).unwrap();
        let texts = String::from_utf8(texts[..end].to_vec()).unwrap();
        let texts: Vec<_> = texts.lines().map(str::to_owned).collect();
        assert_eq!(texts.len() as u64, count);
        texts
    }

    /// The program was right.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.violations(), [""; 0]);
    }

    /// The program erred once, and it was told so.
    pub(crate) fn assert_violation(&self, expected: &str) {
        let violations = self.violations();
        assert!(
            violations.len() == 1 && violations[0].contains(expected),
            "expected one violation with {expected:?}: {violations:#?}"
        );
    }
}

/// A file of its own for each driver: the system loads a file once for the whole process.
fn copy_of_library() -> PathBuf {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let built = std::env::current_exe().unwrap().parent().unwrap().join("libsoftcuda.so");
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let copy = folder.join(format!("libcuda-{number}-{}.so.1", std::process::id()));
    std::fs::copy(built, &copy).unwrap();
    let opened = copy.clone();
    OPENED.with_borrow_mut(|files| files.0.push(opened));
    copy
}

thread_local! {
    static OPENED: std::cell::RefCell<Removed> = const { std::cell::RefCell::new(Removed(Vec::new())) };
}

/// Files that are removed when the test's thread ends.
struct Removed(Vec<PathBuf>);

impl Drop for Removed {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = std::fs::remove_file(file);
        }
    }
}
