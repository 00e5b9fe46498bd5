//! Objects as a C++ program has them: `[table][implementation]`, and behind that what the implementation's
//! methods are called with. (Itanium C++ ABI 2.4; `NvInferRuntime.h`, where each public class holds `mImpl`.)

use std::ffi::c_void;

use crate::control;
use crate::vtable::{Slot, table};

/// What a program holds.
#[repr(C)]
pub(crate) struct Public {
    table: *const Slot,
    implementation: *mut c_void,
}

/// What methods are called with.
#[repr(C)]
pub(crate) struct Inner<T> {
    table: *const Slot,
    pub(crate) body: T,
}

#[repr(C)]
struct Object<T> {
    public: Public,
    inner: Inner<T>,
}

/// A class of the library.
pub(crate) trait Class: Sized {
    /// Which one, of `control::alive`.
    const KIND: control::Kind;

    /// Ends the process if it may not be deleted yet.
    fn check_end(&self);

    /// Where its methods are.
    fn methods() -> &'static [Slot];
}

/// A new object, which ends by its deleting destructor.
pub(crate) fn create<T: Class>(body: T) -> *mut Public {
    let inner = Inner { table: T::methods().as_ptr(), body };
    let public = Public {
        table: table(&[ended as Slot, deleted::<T> as Slot]).as_ptr(),
        implementation: std::ptr::null_mut(),
    };
    let object = Box::into_raw(Box::new(Object { public, inner }));
    control::born(T::KIND);
    // SAFETY: the object was just made, and is nobody else's.
    unsafe { (*object).public.implementation = (&raw mut (*object).inner).cast() };
    object.cast()
}

/// The complete destructor, which nobody calls who did not place the object by himself.
extern "C" fn ended(_: *mut Public) {
    control::violation("a destructor that does not free its object was called");
}

extern "C" fn deleted<T: Class>(object: *mut Public) {
    control::gone(T::KIND);
    // SAFETY: `create` made it, and a program deletes an object once.
    let object = unsafe { Box::from_raw(object.cast::<Object<T>>()) };
    object.inner.body.check_end();
}
