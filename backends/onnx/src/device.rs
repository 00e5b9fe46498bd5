//! Instances on CUDA devices. Each has a session of its own, since one is of one stream: ONNX Runtime
//! enqueues a run there and returns, and the requests are answered when the stream has come so far.
//! What the session reads on the device is bound where it is, and what it makes there stays there.

use std::ffi::CStr;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{ModelSpec, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_kernels::executor::Executor;
use ort::session::RunOptions;

use crate::input::Input;
use crate::model::{cancelled, check_rows, failed};
use crate::names::Name;
use crate::parameters::Arena;
use crate::sys::{DeviceSession, Feed, Place};
use crate::termination::Runs;

/// One execution slot.
pub(crate) struct DeviceInstance {
    session: DeviceSession,
    inputs: Vec<Port>,
    outputs: Vec<Name>,
    is_batched: bool,
    runs: Runs,
}

/// An input, and where the session reads it.
struct Port {
    name: Name,
    data_type: DataType,
    place: Place,
}

impl DeviceInstance {
    /// An instance of the model that `session` has loaded.
    ///
    /// # Errors
    /// When a name cannot be said in C, and what ONNX Runtime says.
    pub(crate) fn new(
        session: DeviceSession,
        spec: &ModelSpec,
        arena: Arena,
    ) -> Result<Self, LoadError> {
        let names = Name::all(&spec.signature.inputs)?;
        let port = |(name, spec): (Name, &TensorSpec)| {
            let place = session.input_place(&name.name);
            Port { name, data_type: spec.data_type, place }
        };
        let inputs = names.into_iter().zip(&spec.signature.inputs).map(port).collect();
        let outputs = Name::all(&spec.signature.outputs)?;
        let device = session.executor().device();
        let options = run_options(device, arena).map_err(|cause| {
            LoadError::new(format!("ONNX Runtime cannot make options for runs: {cause}"))
        })?;
        let (is_batched, runs) = (spec.is_batched, Runs::new(options));
        Ok(Self { session, inputs, outputs, is_batched, runs })
    }

    fn enqueue(&mut self, batch: &mut Batch) -> Result<Tensors, InferError> {
        let Self { session, inputs, outputs, is_batched, runs } = self;
        let mut feeds = Vec::with_capacity(inputs.len());
        for port in inputs.iter() {
            // The engine tells which are missing.
            if let Some(feed) = port.gather(session.executor(), batch)? {
                feeds.push((&*port.name.c, feed));
            }
        }
        batch.inputs_ready();
        let wanted: Vec<_> = outputs.iter().filter(|output| output.is_wanted(batch)).collect();
        let names: Vec<&CStr> = wanted.iter().map(|output| &*output.c).collect();
        let cancels = batch.requests().iter().map(|request| &request.cancel);
        let run = runs.begin(cancels).map_err(|error| failed(error.to_string()))?;
        let made = session
            .run(run.options(), &feeds, &names)
            .map_err(|error| if run.is_ended() { cancelled(batch) } else { error })?;
        drop(run);
        let rows = is_batched.then(|| batch.rows());
        let outputs = wanted.iter().zip(made).map(|(output, tensor)| {
            check_rows(output, &tensor, rows)?;
            Ok((output.name.clone(), tensor))
        });
        outputs.collect()
    }
}

impl Instance for DeviceInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        match self.enqueue(&mut batch) {
            Ok(outputs) => {
                let respond = move |batch: Batch| batch.respond_rows(Ok(outputs));
                self.session.executor().answer(batch, respond)
            }
            Err(error) => {
                batch.fail(&error);
                Running::Done
            }
        }
    }
}

impl Port {
    /// The rows of all requests where the session reads them; `None` if the requests do not have them.
    fn gather(&self, executor: &Executor, batch: &Batch) -> Result<Option<Feed>, InferError> {
        let name = &self.name.name;
        let tensor = match self.place {
            Place::Host => {
                let tensor = executor.gather_on_host(batch, name)?;
                return tensor.map(|tensor| fit(tensor, batch).map(Feed::Host)).transpose();
            }
            Place::Device if self.has_bools_of_clients(batch) => {
                // To be made 0 or 1 before they are uploaded.
                let Some(whole) = batch.gather(name)? else { return Ok(None) };
                let whole = fit(whole, batch)?;
                Some(executor.together(whole.tensor(), &[], batch.copies())?)
            }
            Place::Device => executor.gather_aligned(batch, name)?,
        };
        Ok(tensor.map(Feed::Device))
    }

    fn has_bools_of_clients(&self, batch: &Batch) -> bool {
        let mut rows = batch.requests().iter().filter_map(|request| request.input(&self.name.name));
        self.data_type == DataType::Bool && rows.all(|tensor| tensor.device() == DeviceId::Cpu)
    }
}

fn fit(tensor: Tensor, batch: &Batch) -> Result<Input, InferError> {
    let input = Input::new(tensor, batch.copies());
    input.ok_or_else(|| failed("an input is on a device, and is read on the host".into()))
}

/// A run does not wait for the device at its end.
fn run_options(device: DeviceId, arena: Arena) -> ort::Result<RunOptions> {
    let mut options = RunOptions::new()?;
    options.disable_device_sync()?;
    if let (Arena::Shrunk, DeviceId::Cuda(ordinal)) = (arena, device) {
        options.set("memory.enable_memory_arena_shrinkage", format!("gpu:{ordinal}"))?;
    }
    Ok(options)
}

#[cfg(test)]
mod tests;
