//! Objects of the library: `[table][mImpl]`, and what `mImpl` is, `[table]...`.

use std::ffi::c_void;
use std::ptr::NonNull;

/// An entry of a virtual table.
pub(super) type Slot = *const ();

/// What frees a public object. (Itanium C++ ABI 2.6: the complete destructor, then the deleting one.)
const DELETING_DESTRUCTOR: usize = 1;

#[repr(C)]
struct Public {
    table: *const Slot,
    implementation: NonNull<Implementation>,
}

#[repr(C)]
pub(super) struct Implementation {
    table: *const Slot,
}

/// A public object, which is deleted with this.
pub(super) struct Object(NonNull<Public>);

impl Object {
    /// Takes what the library gave; `None` if that is null.
    ///
    /// # Safety
    /// `object` is null, or a public object that is nobody else's.
    pub(super) unsafe fn new(object: *mut c_void) -> Option<Self> {
        NonNull::new(object.cast()).map(Self)
    }

    /// What methods are called with.
    pub(super) fn implementation(&self) -> *mut Implementation {
        // SAFETY: it is a public object, which is alive as long as this.
        unsafe { self.0.as_ref() }.implementation.as_ptr()
    }

    /// The method at `slot`.
    ///
    /// # Safety
    /// The implementation's table has so many.
    pub(super) unsafe fn method(&self, slot: usize) -> Slot {
        // SAFETY: an implementation begins with its table, which has so many slots.
        unsafe { *(*self.implementation()).table.add(slot) }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: a public class has a virtual destructor, and the object is nobody's after this.
        unsafe {
            let method = *self.0.as_ref().table.add(DELETING_DESTRUCTOR);
            let delete: unsafe extern "C" fn(*mut Public) = std::mem::transmute(method);
            delete(self.0.as_ptr());
        }
    }
}

/// Calls a method of an [`Object`]'s implementation. Unsafe: the slot is that of a method of this type, and the
/// arguments are what it asks for.
macro_rules! call {
    ($object:expr, $slot:expr, fn($($argument:expr => $type:ty),*) -> $result:ty) => {{
        let (this, method) = ($object.implementation(), $object.method($slot));
        let method: unsafe extern "C" fn(*mut $crate::sys::object::Implementation, $($type),*) -> $result =
            std::mem::transmute(method);
        method(this, $($argument),*)
    }};
}

pub(super) use call;
