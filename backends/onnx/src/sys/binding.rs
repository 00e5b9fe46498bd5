//! Inputs and outputs of a run, bound to the places where they are.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::slice;

use ort::memory::{Allocator, MemoryInfo};
use ort::session::{RunOptions, Session};
use ort::sys::OrtIoBinding;
use ort::{AsPointer, Error, Result, ortsys};

use super::places::Told;
use super::value::Value;

/// A session's binding, used for one run after the other. It is dropped before the session.
pub(super) struct Binding(NonNull<OrtIoBinding>);

// SAFETY: it is of no thread; `&mut self` keeps it one thread's at a time.
unsafe impl Send for Binding {}

impl Binding {
    /// Of this session.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn new(session: &Session) -> Result<Self> {
        let mut made = ptr::null_mut();
        // SAFETY: the session is alive.
        ortsys![unsafe CreateIoBinding(session.ptr().cast_mut(), &raw mut made)?];
        NonNull::new(made).map(Self).ok_or_else(|| Error::new("ONNX Runtime made no binding"))
    }

    /// Nothing is bound yet.
    pub(super) fn begin(&mut self) -> Bound<'_> {
        Bound(self)
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody uses it after this.
        ortsys![unsafe ReleaseIoBinding(self.0.as_ptr())];
    }
}

/// What is bound for one run. Dropped, it is let go.
pub(super) struct Bound<'a>(&'a mut Binding);

impl Bound<'_> {
    /// Binds an input, whose memory outlives this.
    ///
    /// # Errors
    /// What ONNX Runtime says, such as that there is no such input.
    pub(super) fn input(&mut self, name: &CStr, value: &Value) -> Result<()> {
        // SAFETY: all are alive; the binding shares the value.
        ortsys![unsafe BindInput(self.0.0.as_ptr(), name.as_ptr(), value.as_ptr())?];
        Ok(())
    }

    /// Has an output made where the session makes it, in memory of its own: on the device, or in `host`
    /// memory.
    ///
    /// # Errors
    /// What ONNX Runtime says, such as that there is no such output.
    pub(super) fn output(&mut self, name: &CStr, at: Told, host: &MemoryInfo<'_>) -> Result<()> {
        let memory = match at {
            Told::Host => host.ptr(),
            Told::Device(memory) => memory.as_ptr(),
        };
        // SAFETY: all are alive.
        ortsys![unsafe BindOutputToDevice(self.0.0.as_ptr(), name.as_ptr(), memory)?];
        Ok(())
    }

    /// Runs the session that the binding is of.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn run(&mut self, session: &Session, options: &RunOptions) -> Result<()> {
        let (session, binding) = (session.ptr().cast_mut(), self.0.0.as_ptr());
        // SAFETY: all are alive, and no other thread runs this session. Another thread may only set the
        // flag in the options that ends the run, which is what it is for.
        ortsys![unsafe RunWithBinding(session, options.ptr(), binding)?];
        Ok(())
    }

    /// What the run made, in the order in which outputs were bound.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(super) fn outputs(&mut self) -> Result<Vec<Value>> {
        let allocator = Allocator::default();
        let (mut values, mut count) = (ptr::null_mut(), 0);
        let (binding, raw) = (self.0.0.as_ptr(), allocator.ptr().cast_mut());
        // SAFETY: both are alive.
        ortsys![unsafe GetBoundOutputValues(binding, raw, &raw mut values, &raw mut count)?];
        if values.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: the array has so many pointers.
        let pointers = unsafe { slice::from_raw_parts(values, count) };
        let made: Vec<_> = pointers.iter().map(|value| Value::own(*value)).collect();
        // SAFETY: the array is of this allocator, and is read no more.
        ortsys![unsafe AllocatorFree(raw, values.cast())?];
        made.into_iter().collect()
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        // SAFETY: the binding is alive.
        ortsys![unsafe ClearBoundInputs(self.0.0.as_ptr())];
        // SAFETY: as above.
        ortsys![unsafe ClearBoundOutputs(self.0.0.as_ptr())];
    }
}
