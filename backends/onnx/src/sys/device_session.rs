//! A session on a device.

use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::{Arc, Weak};

use nereid_backend::backend::MemoryUsage;
use nereid_backend::error::InferError;
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::cuda::Region;
use nereid_kernels::device::{DeviceBuffer, Event};
use nereid_kernels::executor::Executor;
use ort::environment::Environment;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{RunOptions, Session};

use super::assignment::Assignment;
use super::binding::Binding;
use super::builder::builder;
use super::heap::TrimOnDrop;
use super::memory::{arena_bytes, told_bytes};
use super::places::{Place, Places, SessionMemory};
use super::provider::append;
use super::value::{Owners, Value, over_host};
use crate::input::Input;
use crate::model::failed;
use crate::providers::Providers;
use crate::session_options::SessionOptions;

/// ONNX Runtime has no code for that a device has no memory: what its arena says (`bfc_arena.cc`), and CUDA.
const OUT_OF_MEMORY: [&str; 3] = [
    "Failed to allocate memory for requested buffer of size",
    "is smaller than requested bytes of",
    "CUDA failure 2: out of memory",
];

/// A session that enqueues its runs in a stream of its own, and does not wait for them. It belongs to
/// one instance: on devices, ONNX Runtime's `Run` may not be called by two threads at a time.
pub(crate) struct DeviceSession {
    // Before the session that it is of.
    binding: Binding,
    places: Places,
    assignment: Assignment,
    shared: Arc<Shared>,
}

/// What outputs keep alive while somebody reads them.
struct Shared {
    /// Ends before the stream that it enqueues in.
    session: ManuallyDrop<Session>,
    /// Describes host memory.
    host: MemoryInfo<'static>,
    /// The session's description of the device's memory, if it has any.
    memory: Option<SessionMemory>,
    executor: Executor,
    _trim: TrimOnDrop,
}

/// An input where the session reads it.
pub(crate) enum Feed {
    /// On the host.
    Host(Input),
    /// On the session's device.
    Device(Tensor),
}

/// What a session holds, as long as it is there.
pub(crate) struct Usage(Weak<Shared>);

impl DeviceSession {
    /// Loads the model in `file` for the stream of `executor`.
    ///
    /// # Errors
    /// What ONNX Runtime says, or that it would run elsewhere.
    pub(crate) fn open(
        environment: &Environment,
        (file, options): (&Path, &SessionOptions),
        providers: &Providers,
        executor: Executor,
    ) -> ort::Result<Self> {
        let (stream, trim) = (executor.stream(), TrimOnDrop);
        stream.device().enter().map_err(ort::Error::wrap)?;
        let mut builder = builder(environment, options)?.with_config_entry(Assignment::KEY, "1")?;
        for provider in providers.all() {
            append(&mut builder, environment, provider, stream)?;
        }
        let session = builder.commit_from_file(file)?;
        let assignment = Assignment::read(&session, executor.device())?;
        let places = Places::read(&session, executor.device())?;
        let (device, allocator) = (AllocationDevice::CPU, AllocatorType::Device);
        let host = MemoryInfo::new(device, 0, allocator, MemoryType::Default)?;
        let binding = Binding::new(&session)?;
        let session = ManuallyDrop::new(session);
        let memory = places.any_memory();
        let shared = Arc::new(Shared { session, host, memory, executor, _trim: trim });
        Ok(Self { binding, places, assignment, shared })
    }

    /// Its stream, and the device's kernels.
    pub(crate) fn executor(&self) -> &Executor {
        &self.shared.executor
    }

    /// What runs where.
    pub(crate) fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// Where it reads an input.
    pub(crate) fn input_place(&self, name: &str) -> Place {
        self.places.input(name)
    }

    /// What it holds from now on.
    pub(crate) fn usage(&self) -> Usage {
        Usage(Arc::downgrade(&self.shared))
    }

    /// Enqueues a run: `inputs` are read where they are, when the stream comes to it, and what it makes
    /// is in memory of ONNX Runtime's, on the device or on the host, ready when the stream has come so
    /// far; one for each of the `outputs`.
    ///
    /// # Errors
    /// What ONNX Runtime says, or that the device is lost.
    pub(crate) fn run(
        &mut self,
        options: &RunOptions,
        inputs: &[(&CStr, Feed)],
        outputs: &[&CStr],
    ) -> Result<Vec<Tensor>, InferError> {
        let Shared { executor, host, .. } = &*self.shared;
        executor.stream().device().enter()?;
        let (mut work, mut read) = (executor.work(), Vec::with_capacity(inputs.len()));
        let mut bound = self.binding.begin();
        for (name, feed) in inputs {
            let value = match feed {
                Feed::Host(input) => Value::view(input, host),
                Feed::Device(tensor) => {
                    let memory = self.places.memory(name)?;
                    let region = work.read(tensor)?;
                    read.push((region, tensor));
                    Value::on_device(tensor, region, memory)
                }
            };
            bound.input(name, &value.map_err(told)?).map_err(told)?;
        }
        for name in outputs {
            bound.output(name, self.places.output(name), host).map_err(told)?;
        }
        let made = bound.run(&self.shared.session, options).and_then(|()| bound.outputs());
        // What reads the inputs is enqueued, and now said to.
        drop((bound, work));
        // An error of the device's own is told as that.
        let ready = executor.stream().record()?;
        let output = |value: Value| match value.place(executor.device()).map_err(told)? {
            Place::Host => {
                let inputs = inputs.iter().filter_map(|(_, feed)| feed.host());
                over_host(value, self.shared.clone(), inputs).map_err(told)
            }
            Place::Device => self.on_device(value, &read, &ready),
        };
        made.map_err(told)?.into_iter().map(output).collect()
    }

    /// As a buffer that keeps what it lies in until its readers are done.
    fn on_device(
        &self,
        value: Value,
        read: &[(Region, &Tensor)],
        ready: &Event,
    ) -> Result<Tensor, InferError> {
        let (data_type, shape) = value.header().map_err(told)?;
        let (start, size_bytes) = value.memory().map_err(told)?;
        let address = start.addr() as u64;
        // A model may hand an input through as an output; then the memory is the input's.
        let input =
            read.iter().find(|(region, _)| region.contains(address)).map(|(_, tensor)| *tensor);
        let keeper = Arc::new(Owners::new(value, input.cloned(), self.shared.clone()));
        let device = self.executor().stream().device();
        let place = (address, size_bytes);
        // SAFETY: the value has so many bytes there, which the keeper holds; they are written by the
        // run, which `ready` stands behind.
        let buffer = unsafe { DeviceBuffer::foreign(device, place, Some(ready.clone()), keeper) };
        let tensor = Tensor::new(data_type, shape, Storage::Device(buffer));
        tensor.map_err(|error| failed(format!("an output: {error}")))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (stream, device) =
            (self.executor.stream().clone(), self.executor.stream().device().clone());
        // SAFETY: nobody has it after this.
        let session = unsafe { ManuallyDrop::take(&mut self.session) };
        self.executor.stream().device().on_driver_thread(move || match device.enter() {
            Ok(()) => drop((session, stream)),
            // What a lost device has is nobody's, and a provider may not bear that.
            Err(_lost) => std::mem::forget(session),
        });
    }
}

impl Feed {
    fn host(&self) -> Option<&Input> {
        match self {
            Self::Host(input) => Some(input),
            Self::Device(_) => None,
        }
    }
}

impl Usage {
    /// Whether the session is still there.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Bytes that its arena has taken from the device, and which one; `None` if its provider does not
    /// count them.
    pub(crate) fn memory(&self) -> Option<MemoryUsage> {
        let shared = self.0.upgrade()?;
        let size_bytes = told_bytes(arena_bytes(&shared.session, shared.memory?.as_ptr()))?;
        Some(MemoryUsage { device: shared.executor.device(), size_bytes })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn told(error: ort::Error) -> InferError {
    let text = error.to_string();
    if OUT_OF_MEMORY.iter().any(|known| text.contains(known)) {
        return InferError::Overloaded(text);
    }
    failed(text)
}
