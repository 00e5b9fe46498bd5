//! `IExecutionContext`: memory for one run at a time, in the order of one stream.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::ManuallyDrop;
use std::ptr::null;
use std::sync::Arc;

use nereid_kernels::device::{Allocation, Stream};

use super::allocator::OutputAllocator;
use super::engine::NoEngine;
use super::object::{Object, call};
use super::{Dims, Engine, Refusal, granted, logger};

/// A context, and the stream that it enqueues in.
pub(crate) struct Context {
    object: ManuallyDrop<Object>,
    /// Those that the context was told of; it asks them while it enqueues.
    allocators: Vec<(CString, Box<OutputAllocator>)>,
    engine: Arc<Engine>,
    stream: Stream,
}

// SAFETY: it is used by one thread at a time, since its methods that change it take `&mut self`.
unsafe impl Send for Context {}

impl Context {
    /// One that runs a profile of `engine` in `stream`, which is of the engine's device.
    pub(crate) fn new(engine: Arc<Engine>, stream: Stream, profile: i32) -> Result<Self, NoEngine> {
        let object = ManuallyDrop::new(engine.create_context()?);
        let mut context = Self { object, allocators: Vec::new(), engine, stream };
        context.set_profile(profile)?;
        // What the profile needs was copied by the stream.
        context.stream.synchronize()?;
        Ok(context)
    }

    fn set_profile(&mut self, profile: i32) -> Result<(), Refusal> {
        drop(logger::take_error());
        let (slot, stream) = (self.engine.library.slots.context.set_profile, self.stream.handle());
        // SAFETY: the slot is `setOptimizationProfileAsync`; the stream is alive as long as this.
        let is_set =
            unsafe { call!(self.object, slot, fn(profile => i32, stream => *mut c_void) -> bool) };
        granted("IExecutionContext::setOptimizationProfileAsync", is_set)
    }

    /// Says what shape an input has from now on.
    pub(crate) fn set_input_shape(&mut self, name: &CStr, dims: &Dims) -> Result<(), Refusal> {
        drop(logger::take_error());
        let (slot, name) = (self.engine.library.slots.context.set_input_shape, name.as_ptr());
        // SAFETY: the slot is `setInputShape`, which reads the name, that ends with a 0, and the dims.
        let is_set = unsafe {
            call!(self.object, slot, fn(name => *const c_char, &raw const *dims => *const Dims) -> bool)
        };
        granted("IExecutionContext::setInputShape", is_set)
    }

    /// The shape of a tensor, -1 where it is known only when it was computed.
    pub(crate) fn tensor_shape(&self, name: &CStr) -> Result<Dims, Refusal> {
        let slot = self.engine.library.slots.context.tensor_shape;
        // SAFETY: the slot is `getTensorShape`, and the name ends with a 0.
        let dims = unsafe { call!(self.object, slot, fn(name.as_ptr() => *const c_char) -> Dims) };
        if dims.sizes().is_some() {
            return Ok(dims);
        }
        Err(Refusal::of("IExecutionContext::getTensorShape"))
    }

    /// Says where a tensor is from now on: an address of the stream's device, or of the host.
    ///
    /// # Safety
    /// When [`Context::infer_shapes`] or [`Context::enqueue`] is called, as many bytes as the tensor has are at
    /// the address; on the device, the stream's work may read them, and write those of outputs.
    pub(crate) unsafe fn set_address(&mut self, name: &CStr, address: u64) -> Result<(), Refusal> {
        drop(logger::take_error());
        let (slot, name) = (self.engine.library.slots.context.set_address, name.as_ptr());
        let address = address as *mut c_void;
        // SAFETY: the slot is `setTensorAddress`, which keeps the address; the name ends with a 0.
        let is_set = unsafe {
            call!(self.object, slot, fn(name => *const c_char, address => *mut c_void) -> bool)
        };
        granted("IExecutionContext::setTensorAddress", is_set)
    }

    /// Lets the context ask for an output's memory when it knows the output's shape.
    pub(crate) fn allocate_when_known(&mut self, name: &CStr) -> Result<(), Refusal> {
        if self.allocators.iter().any(|(known, _)| **known == *name) {
            return Ok(());
        }
        drop(logger::take_error());
        let allocator = Box::new(OutputAllocator::new(&self.stream));
        let (slot, pointer) =
            (self.engine.library.slots.context.set_allocator, allocator.pointer());
        // SAFETY: the slot is `setOutputAllocator`; the allocator is there until the context is deleted.
        let is_set = unsafe {
            call!(self.object, slot, fn(name.as_ptr() => *const c_char, pointer => *mut c_void) -> bool)
        };
        granted("IExecutionContext::setOutputAllocator", is_set)?;
        self.allocators.push((name.to_owned(), allocator));
        Ok(())
    }

    /// Computes the shapes of outputs, and the values of those that are on the host.
    ///
    /// # Safety
    /// Tensors of the host have their addresses.
    pub(crate) unsafe fn infer_shapes(&mut self) -> Result<(), Refusal> {
        drop(logger::take_error());
        let slot = self.engine.library.slots.context.infer_shapes;
        // SAFETY: the slot is `inferShapes`, which writes no names where there is room for none.
        let missing = unsafe {
            call!(self.object, slot, fn(0 => i32, null() => *const *const c_char) -> i32)
        };
        granted("IExecutionContext::inferShapes", missing == 0)
    }

    /// Enqueues a run behind all that is in the stream.
    ///
    /// # Safety
    /// All tensors have their addresses. What is read stays there until the stream has come so far, as do outputs
    /// of the host; nobody else looks at outputs before.
    pub(crate) unsafe fn enqueue(&mut self) -> Result<(), Refusal> {
        drop(logger::take_error());
        let (slot, stream) = (self.engine.library.slots.context.enqueue, self.stream.handle());
        // SAFETY: the slot is `enqueueV3`; the rest is the caller's promise.
        let is_enqueued = unsafe { call!(self.object, slot, fn(stream => *mut c_void) -> bool) };
        granted("IExecutionContext::enqueueV3", is_enqueued)
    }

    /// The memory and the shape of an output that [`Context::allocate_when_known`] was called for, once after
    /// each [`Context::enqueue`].
    pub(crate) fn take_output(&mut self, name: &CStr) -> Option<(Allocation, Dims)> {
        let (_, allocator) = self.allocators.iter().find(|(known, _)| **known == *name)?;
        allocator.take()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // A lost device's memory is gone, and the library would only fail.
        if self.stream.synchronize().is_ok() {
            // SAFETY: it is not used after this, and all that it enqueued is done.
            let object = unsafe { ManuallyDrop::take(&mut self.object) };
            self.engine.delete_context(object);
        }
    }
}
