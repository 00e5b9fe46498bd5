//! What programs hold handles of. A handle is never given out twice, so one that was destroyed is found
//! out; how many objects there are is told to tests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::cuda::Memory;
use crate::picture::Header;
use crate::status::{Result, Status};

static NEXT: AtomicUsize = AtomicUsize::new(0x4A50_0000);
static OBJECTS: LazyLock<Mutex<HashMap<usize, Object>>> = LazyLock::new(Mutex::default);

/// An object of any kind.
#[derive(Clone)]
pub(crate) enum Object {
    Library(Arc<Library>),
    State(Arc<Mutex<State>>),
    Decoder(Backend),
    Stream(Arc<Mutex<Option<File>>>),
    Params(Arc<Mutex<i32>>),
    Device(Buffer),
    Pinned(Buffer),
}

/// `nvjpegBufferDevice_t` or `nvjpegBufferPinned_t`.
pub(crate) type Buffer = Arc<Mutex<Memory>>;

/// `nvjpegHandle_t`.
pub(crate) struct Library {
    pub(crate) backend: Backend,
    /// The one that it was created in.
    pub(crate) context: usize,
}

/// `nvjpegBackend_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Backend {
    /// Huffman decoding on the host; also the default.
    Hybrid,
    GpuHybrid,
    Hardware,
}

/// `nvjpegJpegState_t`.
#[derive(Default)]
pub(crate) struct State {
    /// Of how many pictures, in which format.
    pub(crate) batch: Option<(usize, i32)>,
    /// Of pictures one by one.
    pub(crate) format: i32,
    /// Of batches: of the device, and pinned.
    pub(crate) own: (Memory, Memory),
    pub(crate) device: Option<Buffer>,
    pub(crate) pinned: Option<Buffer>,
    /// What the host has done, and how many bytes the device needs of it.
    pub(crate) on_host: Option<(Decoded, usize)>,
    pub(crate) on_device: Option<(Decoded, usize)>,
}

/// A picture in interleaved RGB.
#[derive(Clone)]
pub(crate) struct Decoded {
    pub(crate) header: Header,
    pub(crate) pixels: Arc<[u8]>,
}

/// A file that was parsed; its bytes stay with the program.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) header: Header,
    pub(crate) address: usize,
    pub(crate) size_bytes: usize,
}

pub(crate) fn insert(object: Object) -> usize {
    let handle = NEXT.fetch_add(0x10, Ordering::Relaxed);
    objects().insert(handle, object);
    handle
}

/// # Errors
/// `INVALID_PARAMETER` of a handle that is none.
pub(crate) fn get(handle: usize) -> Result<Object> {
    objects().get(&handle).cloned().ok_or(Status::INVALID_PARAMETER)
}

/// # Errors
/// As of `get`.
pub(crate) fn remove(handle: usize) -> Result<Object> {
    objects().remove(&handle).ok_or(Status::INVALID_PARAMETER)
}

/// How many there are.
pub(crate) fn count() -> usize {
    objects().len()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn objects() -> MutexGuard<'static, HashMap<usize, Object>> {
    lock(&OBJECTS)
}

macro_rules! typed {
    ($($function:ident: $kind:ident -> $type:ty;)*) => {$(
        /// # Errors
        /// `INVALID_PARAMETER` of a handle that is none of this kind.
        pub(crate) fn $function(handle: usize) -> Result<$type> {
            match get(handle)? {
                Object::$kind(object) => Ok(object),
                _ => Err(Status::INVALID_PARAMETER),
            }
        }
    )*};
}

typed! {
    library: Library -> Arc<Library>;
    state: State -> Arc<Mutex<State>>;
    decoder: Decoder -> Backend;
    stream: Stream -> Arc<Mutex<Option<File>>>;
    params: Params -> Arc<Mutex<i32>>;
    device: Device -> Buffer;
    pinned: Pinned -> Buffer;
}
