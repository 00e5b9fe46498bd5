//! What a session's allocator tells of itself.

use std::ffi::CStr;
use std::ptr;

use ort::memory::{Allocator, MemoryInfo};
use ort::session::Session;
use ort::{AsPointer, Result, ortsys};

/// ONNX Runtime's name for the bytes that an arena has taken from the system, used or not.
const TAKEN: &CStr = c"TotalAllocated";

/// Bytes that the session's arena has taken from the system: weights, and what its largest runs
/// needed. `None` of a session without an arena, whose allocator does not count.
///
/// # Errors
/// What ONNX Runtime says.
pub(super) fn arena_bytes(session: &Session, host: &MemoryInfo<'_>) -> Result<Option<u64>> {
    let allocator = Allocator::new(session, host.clone())?;
    let mut pairs = ptr::null_mut();
    // SAFETY: the allocator is alive, and the call makes `pairs`, which are then ours.
    ortsys![unsafe AllocatorGetStats(allocator.ptr(), &raw mut pairs)?];
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
