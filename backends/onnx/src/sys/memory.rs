//! What a session's allocator tells of itself.

use std::ffi::CStr;
use std::ptr;

use ort::session::Session;
use ort::sys::{OrtAllocator, OrtMemoryInfo};
use ort::{AsPointer, Result, ortsys};

/// ONNX Runtime's name for the bytes that an arena has taken from the system, used or not.
const TAKEN: &CStr = c"TotalAllocated";

/// Bytes that the session's arena for this memory has taken from the system: weights, and what its largest runs
/// needed. `None` of a session without an arena, whose allocator does not count.
///
/// # Errors
/// What ONNX Runtime says.
pub(super) fn arena_bytes(session: &Session, memory: *const OrtMemoryInfo) -> Result<Option<u64>> {
    let mut allocator = ptr::null_mut();
    // SAFETY: the session and its memory are alive, and the call makes `allocator`, which is then ours.
    ortsys![unsafe CreateAllocator(session.ptr(), memory, &raw mut allocator)?];
    let allocator = Counted(allocator);
    let mut pairs = ptr::null_mut();
    // SAFETY: the allocator is alive, and the call makes `pairs`, which are then ours.
    ortsys![unsafe AllocatorGetStats(allocator.0, &raw mut pairs)?];
    // SAFETY: `pairs` are alive and the key is a C string. The call gives a null pointer, or a C
    // string that lives as long as they.
    let text = ortsys![unsafe GetKeyValue(pairs, TAKEN.as_ptr())];
    let bytes = if text.is_null() {
        None
    } else {
        // SAFETY: see above; they are released below.
        unsafe { CStr::from_ptr(text) }.to_str().ok().and_then(|text| text.parse().ok())
    };
    // SAFETY: they are ours, and nobody uses them after this.
    ortsys![unsafe ReleaseKeyValuePairs(pairs)];
    Ok(bytes)
}

/// `bytes`, if they were told.
pub(crate) fn told_bytes(bytes: Result<Option<u64>>) -> Option<u64> {
    bytes.unwrap_or_else(|error| {
        tracing::debug!("ONNX Runtime does not tell a model's memory: {error}");
        None
    })
}

/// A session's allocator, as it is handed out.
struct Counted(*mut OrtAllocator);

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody uses it after this.
        ortsys![unsafe ReleaseAllocator(self.0)];
    }
}
