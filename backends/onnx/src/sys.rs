//! The calls of ONNX Runtime's C API that the `ort` crate has no fitting function for: a run by
//! shared reference, over memory that others own, of types that are known at run time only.
//!
//! What a function of the API takes and gives is described in its `onnxruntime_c_api.h`.

mod assignment;
mod binding;
mod builder;
mod device_session;
mod heap;
mod memory;
mod opened;
mod places;
mod plugin;
mod provider;
mod value;

use std::ffi::CStr;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use nereid_backend::tensor::Tensor;
use ort::environment::Environment;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{RunOptions, Session};
use ort::{AsPointer, ortsys};

use crate::input::Input;
use crate::session_options::SessionOptions;
use builder::builder;
pub(crate) use device_session::{DeviceSession, Feed, Usage};
use heap::TrimOnDrop;
pub(crate) use heap::limit_arenas;
pub(crate) use memory::told_bytes;
pub(crate) use opened::{Opened, disable_telemetry};
pub(crate) use places::Place;
pub(crate) use plugin::Plugin;
pub(crate) use provider::is_built_in;
use value::{Value, over_host};

/// A session on the CPU, which many threads may run at once: there, ONNX Runtime promises that `Run` is
/// thread safe; elsewhere it is not.
pub(crate) struct SharedSession {
    session: Session,
    /// Describes host memory.
    host: MemoryInfo<'static>,
    /// Dropped after the session.
    _trim: TrimOnDrop,
}

impl SharedSession {
    /// Loads a model.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn open(
        environment: &Environment,
        file: &Path,
        options: &SessionOptions,
    ) -> ort::Result<Self> {
        let trim = TrimOnDrop; // Also if it cannot be loaded.
        let session = builder(environment, options)?.commit_from_file(file)?;
        let (device, allocator) = (AllocationDevice::CPU, AllocatorType::Device);
        let host = MemoryInfo::new(device, 0, allocator, MemoryType::Default)?;
        Ok(Self { session, host, _trim: trim })
    }

    /// Bytes that its arena has taken from the system; `None` if it has none.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn arena_bytes(&self) -> ort::Result<Option<u64>> {
        memory::arena_bytes(&self.session, self.host.ptr())
    }

    /// Runs the model: `inputs` are read in place, and the tensors that it makes are views of what
    /// ONNX Runtime allocated; one for each of the `outputs`.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn run(
        self: &Arc<Self>,
        options: &RunOptions,
        inputs: &[(&CStr, Input)],
        outputs: &[&CStr],
    ) -> ort::Result<Vec<Tensor>> {
        let views = inputs.iter().map(|(_, input)| Value::view(input, &self.host));
        let views = views.collect::<ort::Result<Vec<_>>>()?;
        let input_names: Vec<_> = inputs.iter().map(|(name, _)| name.as_ptr()).collect();
        let input_values: Vec<_> = views.iter().map(Value::as_ptr).collect();
        let output_names: Vec<_> = outputs.iter().map(|name| name.as_ptr()).collect();
        let mut made = vec![ptr::null_mut(); outputs.len()];
        // SAFETY: the session is alive and may be run by several threads, see the type. The arrays
        // have the lengths that are told, and what they point to lives until the end of this
        // function. A null pointer for an output asks ONNX Runtime to allocate it. Another thread
        // may only set the flag in the options that ends the run, which is what it is for.
        let status = ortsys![
            unsafe Run(
                self.session.ptr().cast_mut(),
                options.ptr(),
                input_names.as_ptr(),
                input_values.as_ptr(),
                inputs.len(),
                output_names.as_ptr(),
                outputs.len(),
                made.as_mut_ptr(),
            )
        ];
        // Owned before anything can fail, so that nothing leaks.
        let made: Vec<_> = made.into_iter().map(Value::own).collect();
        // SAFETY: `Run` has just returned it.
        unsafe { ort::Error::result_from_status(status) }?;
        let tensor = |value: ort::Result<Value>| {
            over_host(value?, self.clone(), inputs.iter().map(|(_, input)| input))
        };
        made.into_iter().map(tensor).collect()
    }
}
