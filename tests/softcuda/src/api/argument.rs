//! Arguments that are pointers of the caller. What they point to is promised by whoever calls the
//! driver API, and that is the reason of every unsafe block here.

use std::ffi::{CStr, c_char, c_void};

use crate::code::{Code, Result};
use crate::sys::HostRange;

/// Where a result goes.
#[repr(transparent)]
pub(super) struct Out<T>(*mut T);

/// Where an argument lies that is a structure of plain numbers.
#[repr(transparent)]
pub(super) struct In<T>(*const T);

/// Where text goes.
#[repr(transparent)]
pub(super) struct TextOut(*mut c_char);

/// Text that ends with a 0.
#[repr(transparent)]
pub(super) struct Text(*const c_char);

/// The start of host memory.
#[repr(transparent)]
pub(super) struct Host(*mut c_void);

/// The arguments of a kernel: pointers to each, as many as the kernel has.
#[repr(transparent)]
pub(super) struct KernelArguments(*const *const c_void);

/// A function that a stream calls, and what it is called with.
#[repr(transparent)]
pub(super) struct HostFunction(Option<unsafe extern "C" fn(*mut c_void)>);

impl<T> Out<T> {
    /// # Errors
    /// `INVALID_VALUE` of a null pointer.
    pub(super) fn put(self, value: T) -> Result<()> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives the address of a `T`.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Drops the value if nobody wants it.
    pub(super) fn put_if_wanted(self, value: T) {
        let _ = self.put(value);
    }
}

impl<T: Copy> In<T> {
    /// # Errors
    /// `INVALID_VALUE` of a null pointer.
    pub(super) fn read(&self) -> Result<T> {
        self.at(0)
    }

    /// Of several, the one at that place.
    ///
    /// # Errors
    /// As of `read`.
    pub(super) fn at(&self, place: usize) -> Result<T> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let address = self.0.wrapping_add(place);
        // SAFETY: the caller gives the address of as many as it says.
        Ok(unsafe { address.read_unaligned() })
    }
}

impl TextOut {
    /// A place that a caller gave as a number.
    pub(super) fn at(address: usize) -> Self {
        Self(address as *mut c_char)
    }

    /// As much of the text as there is room for, and a 0.
    pub(super) fn put(&self, text: &str, capacity: usize) {
        let Some(room) = capacity.checked_sub(1).filter(|_| !self.0.is_null()) else { return };
        let size = text.len().min(room);
        // SAFETY: the caller gives `capacity` bytes, which `size` and the 0 fit in.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), self.0.cast(), size) };
        let end = self.0.wrapping_add(size);
        // SAFETY: as above.
        unsafe { end.write(0) };
    }
}

impl Text {
    /// # Errors
    /// `INVALID_VALUE` of a null pointer, or what is not UTF-8.
    pub(super) fn read(&self) -> Result<String> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives text that ends with a 0.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map(str::to_owned).map_err(|_| Code::INVALID_VALUE)
    }
}

impl Host {
    /// One that a caller gave as a number.
    pub(super) fn at(address: usize) -> Self {
        Self(address as *mut c_void)
    }

    pub(super) fn address(&self) -> u64 {
        self.0 as u64
    }

    /// # Errors
    /// `INVALID_VALUE` of a null pointer to some bytes.
    pub(super) fn range(&self, size: usize) -> Result<HostRange> {
        if self.0.is_null() && size > 0 {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller gives memory of that size, and keeps it as the driver API demands.
        Ok(unsafe { HostRange::promised(self.address(), size) })
    }

    /// The first bytes.
    ///
    /// # Errors
    /// `INVALID_VALUE` of a null pointer.
    pub(super) fn read<const SIZE: usize>(&self) -> Result<[u8; SIZE]> {
        self.range(SIZE)?.read().try_into().map_err(|_| Code::INVALID_VALUE)
    }
}

impl KernelArguments {
    /// The bytes of argument `place`.
    ///
    /// # Errors
    /// `INVALID_VALUE` of a null pointer.
    pub(super) fn read(&self, place: usize, size: usize) -> Result<Vec<u8>> {
        if self.0.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        let entry = self.0.wrapping_add(place);
        // SAFETY: the caller gives as many pointers as the kernel has parameters.
        let argument = unsafe { entry.read() };
        if argument.is_null() {
            return Err(Code::INVALID_VALUE);
        }
        // SAFETY: the caller lets each point to as many bytes as the parameter has.
        let range = unsafe { HostRange::promised(argument as u64, size) };
        Ok(range.read())
    }
}

impl HostFunction {
    /// The call, to be made later, once or more often.
    ///
    /// # Errors
    /// `INVALID_VALUE` of a null pointer.
    pub(super) fn with(self, data: &Host) -> Result<impl Fn() + Send + Sync + 'static> {
        let function = self.0.ok_or(Code::INVALID_VALUE)?;
        let data = data.address();
        // SAFETY: the caller gives a function that may be called with this by another thread.
        Ok(move || unsafe { function(data as *mut c_void) })
    }
}
