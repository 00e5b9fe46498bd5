//! `ICudaEngine`: weights on a device, and what they were built for.

use std::ffi::{CStr, c_char, c_void};
use std::mem::ManuallyDrop;
use std::sync::{Mutex, PoisonError};

use nereid_kernels::device::{Device, DeviceError};

use super::object::{Object, call};
use super::{Dims, Library, Refusal, logger};

/// A deserialized plan. Contexts share it.
pub(crate) struct Engine {
    /// Deleted before the runtime that made it.
    object: ManuallyDrop<Object>,
    runtime: ManuallyDrop<Object>,
    pub(super) library: &'static Library,
    device: Device,
    /// Contexts are made and deleted one at a time.
    contexts: Mutex<()>,
}

// SAFETY: the methods that are called without the lock only read what never changes.
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}

/// `TensorIOMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Input,
    Output,
}

/// `TensorLocation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Device,
    /// Values of shapes.
    Host,
}

/// `OptProfileSelector`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Least = 0,
    Best = 1,
    Greatest = 2,
}

/// Why a plan is no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoEngine {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl Engine {
    /// Makes an engine of a plan, on `device`.
    pub(crate) fn deserialize(
        library: &'static Library,
        device: &Device,
        plan: &[u8],
    ) -> Result<Self, NoEngine> {
        device.enter()?;
        let runtime = library.create_runtime()?;
        drop(logger::take_error());
        let slot = library.slots.runtime.deserialize;
        // SAFETY: the slot is `deserializeCudaEngine`, which reads so many bytes during the call; what comes is a
        // new public object, or null.
        let engine = unsafe {
            let engine = call!(runtime, slot, fn(plan.as_ptr().cast() => *const c_void, plan.len() => usize) -> *mut c_void);
            Object::new(engine)
        };
        let engine = engine.ok_or_else(|| Refusal::of("IRuntime::deserializeCudaEngine"))?;
        Ok(Self {
            object: ManuallyDrop::new(engine),
            runtime: ManuallyDrop::new(runtime),
            library,
            device: device.clone(),
            contexts: Mutex::default(),
        })
    }

    /// Where its weights are.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// A new `IExecutionContext`, with memory for the greatest shapes of all profiles.
    pub(super) fn create_context(&self) -> Result<Object, NoEngine> {
        const STATIC: i32 = 0; // ExecutionContextAllocationStrategy::kSTATIC
        let _alone = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        self.device.enter()?;
        drop(logger::take_error());
        let slot = self.library.slots.engine.create_context;
        // SAFETY: the slot is `createExecutionContext`; what comes is a new public object, or null.
        let context =
            unsafe { Object::new(call!(self.object, slot, fn(STATIC => i32) -> *mut c_void)) };
        Ok(context.ok_or_else(|| Refusal::of("ICudaEngine::createExecutionContext"))?)
    }

    /// Deletes a context that [`Engine::create_context`] made.
    pub(super) fn delete_context(&self, context: Object) {
        let _alone = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        drop(context);
    }

    /// How many profiles there are, at least one.
    pub(crate) fn profile_count(&self) -> Result<i32, Refusal> {
        let slot = self.library.slots.engine.profile_count;
        // SAFETY: the slot is `getNbOptimizationProfiles`.
        let count = unsafe { call!(self.object, slot, fn() -> i32) };
        if count < 1 {
            Err(Refusal::of("ICudaEngine::getNbOptimizationProfiles"))
        } else {
            Ok(count)
        }
    }

    /// How many inputs and outputs there are, at least one.
    pub(crate) fn tensor_count(&self) -> Result<i32, Refusal> {
        let slot = self.library.slots.engine.tensor_count;
        // SAFETY: the slot is `getNbIOTensors`.
        let count = unsafe { call!(self.object, slot, fn() -> i32) };
        if count < 1 { Err(Refusal::of("ICudaEngine::getNbIOTensors")) } else { Ok(count) }
    }

    /// The name of an input or output.
    pub(crate) fn tensor_name(&self, index: i32) -> Result<&CStr, Refusal> {
        let slot = self.library.slots.engine.tensor_name;
        // SAFETY: the slot is `getIOTensorName`.
        let name = unsafe { call!(self.object, slot, fn(index => i32) -> *const c_char) };
        if name.is_null() {
            return Err(Refusal::of("ICudaEngine::getIOTensorName"));
        }
        // SAFETY: it is a string of C that is there as long as the engine.
        Ok(unsafe { CStr::from_ptr(name) })
    }

    /// -1 where a size is known only at run time.
    pub(crate) fn tensor_shape(&self, name: &CStr) -> Result<Dims, Refusal> {
        let slot = self.library.slots.engine.tensor_shape;
        // SAFETY: the slot is `getTensorShape`, and the name ends with a 0.
        let dims = unsafe { call!(self.object, slot, fn(name.as_ptr() => *const c_char) -> Dims) };
        known("ICudaEngine::getTensorShape", dims)
    }

    /// The number of a `DataType`.
    pub(crate) fn tensor_data_type(&self, name: &CStr) -> i32 {
        // SAFETY: the slot is `getTensorDataType`.
        unsafe { self.number(self.library.slots.engine.tensor_data_type, name) }
    }

    /// The number of a `TensorFormat`.
    pub(crate) fn tensor_format(&self, name: &CStr) -> i32 {
        // SAFETY: the slot is `getTensorFormat`.
        unsafe { self.number(self.library.slots.engine.tensor_format, name) }
    }

    /// Whether it goes in or comes out.
    pub(crate) fn tensor_mode(&self, name: &CStr) -> Result<Mode, Refusal> {
        // SAFETY: the slot is `getTensorIOMode`.
        match unsafe { self.number(self.library.slots.engine.tensor_mode, name) } {
            1 => Ok(Mode::Input),
            2 => Ok(Mode::Output),
            _ => Err(Refusal::of("ICudaEngine::getTensorIOMode")),
        }
    }

    /// Where its address has to be.
    pub(crate) fn tensor_location(&self, name: &CStr) -> Result<Location, Refusal> {
        // SAFETY: the slot is `getTensorLocation`.
        match unsafe { self.number(self.library.slots.engine.tensor_location, name) } {
            0 => Ok(Location::Device),
            1 => Ok(Location::Host),
            _ => Err(Refusal::of("ICudaEngine::getTensorLocation")),
        }
    }

    /// What a profile was built for, of an input.
    pub(crate) fn profile_shape(
        &self,
        name: &CStr,
        profile: i32,
        place: Place,
    ) -> Result<Dims, Refusal> {
        let slot = self.library.slots.engine.profile_shape;
        let name = name.as_ptr();
        // SAFETY: the slot is `getProfileShape`, and the name ends with a 0.
        let dims = unsafe {
            call!(self.object, slot, fn(name => *const c_char, profile => i32, place as i32 => i32) -> Dims)
        };
        known("ICudaEngine::getProfileShape", dims)
    }

    /// # Safety
    /// The slot is a method that takes a tensor's name, and tells a number.
    unsafe fn number(&self, slot: usize, name: &CStr) -> i32 {
        // SAFETY: the caller's promise, and the name ends with a 0.
        unsafe { call!(self.object, slot, fn(name.as_ptr() => *const c_char) -> i32) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A lost device's memory is gone, and the library would only fail.
        if self.device.enter().is_ok() {
            // SAFETY: neither is used after this; no context is left, since each keeps its engine.
            unsafe {
                ManuallyDrop::drop(&mut self.object);
                ManuallyDrop::drop(&mut self.runtime);
            }
        }
    }
}

fn known(call: &'static str, dims: Dims) -> Result<Dims, Refusal> {
    if dims.sizes().is_some() { Ok(dims) } else { Err(Refusal::of(call)) }
}
