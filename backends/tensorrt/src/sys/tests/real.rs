//! A real library, as far as it goes without a GPU: TensorRT for RTX, which has 11.x's layouts and versions of its own.
//! It is fetched by `tools/tensorrt.py rtx`; where it is missing, this says so and checks nothing.

use libloading::os::unix::Library as Opened;

use super::super::object::call;
use super::super::slots::Slots;
use super::*;

#[test]
fn a_real_library_is_called_and_logs() {
    let Some(path) = std::env::var_os("NEREID_TENSORRT_RTX") else {
        return eprintln!(
            "SKIPPED: no TensorRT for RTX; NEREID_TENSORRT_RTX=$(python3 tools/tensorrt.py rtx)"
        );
    };
    // SAFETY: the library does nothing when it is loaded.
    let opened = unsafe { Opened::new(&path) }.unwrap();
    let refused = Library::of(&opened, "rtx", Slots::of).err().unwrap();
    assert!(
        refused.to_string().starts_with("rtx is TensorRT 1.7.1, and Nereid takes"),
        "{refused}"
    );
    let library = Library::of(&opened, "rtx", |_| Slots::of(11)).unwrap();
    assert_eq!(library.version(), "1.7.1");
    let runtime = library.create_runtime().unwrap();
    // SAFETY: slot 12 is `getMaxThreads`, by the headers.
    let threads = unsafe { call!(runtime, 12, fn() -> i32) };
    assert!((1..10_000).contains(&threads), "{threads}");
    let (slot, junk) = (library.slots.runtime.deserialize, [7_u8; 256]);
    // SAFETY: the slot is `deserializeCudaEngine`, which reads so many bytes.
    let engine = unsafe {
        call!(runtime, slot, fn(junk.as_ptr() => *const u8, junk.len() => usize) -> *const u8)
    };
    assert!(engine.is_null());
    let logged = logger::take_error().unwrap();
    eprintln!("TensorRT for RTX {}: {logged}", library.version());
    assert!(!logged.is_empty());
    std::mem::forget(opened);
}
