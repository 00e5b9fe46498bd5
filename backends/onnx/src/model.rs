//! From a batch to its answers. All instances of a model share one session: on the CPU, ONNX
//! Runtime's `Run` may be called by many threads at once.
//!
//! An output that no request wants is neither fetched nor checked, but computed all the same: only
//! training builds of ONNX Runtime can leave out nodes (microsoft/onnxruntime, issue 16483).

use std::ffi::{CStr, CString};
use std::sync::Arc;

use nereid_backend::backend::{Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{InstanceSpec, ModelSpec, TensorSpec};
use nereid_backend::tensor::Tensor;
use ort::session::RunOptions;

use crate::input::Input;
use crate::parameters::Arena;
use crate::sys::SharedSession;
use crate::termination::Runs;

/// A loaded model.
pub(crate) struct OnnxModel(Arc<Loaded>);

impl OnnxModel {
    /// A model whose signature fits `session`.
    ///
    /// # Errors
    /// When a name cannot be said in C.
    pub(crate) fn new(
        session: SharedSession,
        arena: Arena,
        spec: &ModelSpec,
    ) -> Result<Self, LoadError> {
        Ok(Self(Arc::new(Loaded {
            session: Arc::new(session),
            inputs: names(&spec.signature.inputs)?,
            outputs: names(&spec.signature.outputs)?,
            is_batched: spec.is_batched,
            arena,
        })))
    }
}

impl Model for OnnxModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => Ok(Box::new(CpuInstance::new(self.0.clone())?)),
            device @ DeviceId::Cuda(_) => Err(LoadError::new(format!(
                "the onnxruntime backend runs on the CPU and cannot use {device}: \
                 set instance_group to kind KIND_CPU"
            ))),
        }
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        let arena = self.0.session.arena_bytes().unwrap_or_else(|error| {
            tracing::debug!("ONNX Runtime does not tell a model's memory: {error}");
            None
        });
        let usage = |size_bytes| MemoryUsage { device: DeviceId::Cpu, size_bytes };
        arena.map(usage).into_iter().collect()
    }
}

/// What the instances share.
struct Loaded {
    session: Arc<SharedSession>,
    inputs: Vec<Name>,
    outputs: Vec<Name>,
    is_batched: bool,
    arena: Arena,
}

/// A tensor's name, ready for both sides.
struct Name {
    name: Arc<str>,
    c: CString,
}

fn names(specs: &[TensorSpec]) -> Result<Vec<Name>, LoadError> {
    let name = |spec: &TensorSpec| {
        let c = CString::new(&*spec.name).map_err(|_| {
            LoadError::new(format!("the name {:?} has a zero byte; rename the tensor", spec.name))
        })?;
        Ok(Name { name: spec.name.clone(), c })
    };
    specs.iter().map(name).collect()
}

/// One thread's view of a model.
struct CpuInstance {
    model: Arc<Loaded>,
    runs: Runs,
}

impl CpuInstance {
    fn new(model: Arc<Loaded>) -> Result<Self, LoadError> {
        let options = model.run_options().map_err(|cause| {
            LoadError::new(format!("ONNX Runtime cannot make options for runs: {cause}"))
        })?;
        Ok(Self { model, runs: Runs::new(options) })
    }
}

impl Instance for CpuInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        let outputs = self.model.run(&mut self.runs, &mut batch);
        batch.respond_rows(outputs);
        Running::Done
    }
}

impl Loaded {
    fn run_options(&self) -> ort::Result<RunOptions> {
        let mut options = RunOptions::new()?;
        if self.arena == Arena::Shrunk {
            options.set("memory.enable_memory_arena_shrinkage", "cpu:0")?;
        }
        Ok(options)
    }

    fn run(&self, runs: &mut Runs, batch: &mut Batch) -> Result<Tensors, InferError> {
        let inputs = self.gather(batch)?;
        batch.inputs_ready();
        let wanted: Vec<_> =
            self.outputs.iter().filter(|output| is_wanted(batch, &output.name)).collect();
        let names: Vec<_> = wanted.iter().map(|output| &*output.c).collect();
        let made = self.execute(runs, batch, (&inputs, &names))?;
        batch.computed();
        let outputs = wanted.iter().zip(made).map(|(output, tensor)| {
            let (name, rows) = (&output.name, batch.rows());
            let shape = tensor.shape();
            if self.is_batched && shape.first() != Some(&rows) {
                let text = format!("the model made output '{name}' of shape {shape:?}");
                return Err(failed(format!("{text} for a batch of {rows}")));
            }
            Ok((name.clone(), tensor))
        });
        outputs.collect()
    }

    /// Runs the session once; an output for each of the names.
    fn execute(
        &self,
        runs: &mut Runs,
        batch: &Batch,
        (inputs, outputs): (&[(&CStr, Input)], &[&CStr]),
    ) -> Result<Vec<Tensor>, InferError> {
        let cancels = batch.requests().iter().map(|request| &request.cancel);
        let failed = |error: ort::Error| failed(error.to_string());
        let run = runs.begin(cancels).map_err(failed)?;
        self.session
            .run(run.options(), inputs, outputs)
            .map_err(|error| if run.is_ended() { cancelled(batch) } else { failed(error) })
    }

    /// The inputs that the requests have; the engine tells which are missing.
    fn gather(&self, batch: &Batch) -> Result<Vec<(&CStr, Input)>, InferError> {
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for Name { name, c } in &self.inputs {
            let Some(tensor) = batch.gather(name)? else { continue };
            let device = tensor.device();
            let input = Input::new(tensor, batch.copies()).ok_or_else(|| {
                failed(format!("input '{name}' is on {device}, but the model runs on the CPU"))
            })?;
            inputs.push((&**c, input));
        }
        Ok(inputs)
    }
}

fn is_wanted(batch: &Batch, name: &str) -> bool {
    batch.requests().iter().flat_map(|request| &request.outputs).any(|output| *output.name == *name)
}

/// Whoever reads this has gone, so one request's name does for all.
fn cancelled(batch: &Batch) -> InferError {
    let id = batch.requests().first().map(|request| request.id.clone());
    InferError::Cancelled(id.unwrap_or_default())
}

fn failed(text: String) -> InferError {
    InferError::Backend(text.into())
}

#[cfg(test)]
mod tests;
