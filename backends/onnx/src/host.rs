//! Instances on the CPU. All of a model share one session: there, ONNX Runtime's `Run` may be called
//! by many threads at once.

use std::ffi::CStr;
use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::ModelSpec;
use nereid_backend::tensor::Tensor;
use ort::session::RunOptions;

use crate::input::Input;
use crate::model::{cancelled, check_rows, failed};
use crate::names::Name;
use crate::parameters::Arena;
use crate::sys::SharedSession;
use crate::termination::Runs;

/// What the instances share.
pub(crate) struct Loaded {
    session: Arc<SharedSession>,
    inputs: Vec<Name>,
    outputs: Vec<Name>,
    is_batched: bool,
    arena: Arena,
}

/// One thread's view of a model.
pub(crate) struct CpuInstance {
    model: Arc<Loaded>,
    runs: Runs,
}

impl CpuInstance {
    /// An instance of `model`.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn new(model: Arc<Loaded>) -> Result<Self, LoadError> {
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
    /// What instances share of a model whose signature fits `session`.
    ///
    /// # Errors
    /// When a name cannot be said in C.
    pub(crate) fn new(
        session: SharedSession,
        arena: Arena,
        spec: &ModelSpec,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            session: Arc::new(session),
            inputs: Name::all(&spec.signature.inputs)?,
            outputs: Name::all(&spec.signature.outputs)?,
            is_batched: spec.is_batched,
            arena,
        })
    }

    /// Bytes that its arena has taken from the system; `None` if it has none.
    ///
    /// # Errors
    /// What ONNX Runtime says.
    pub(crate) fn arena_bytes(&self) -> ort::Result<Option<u64>> {
        self.session.arena_bytes()
    }

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
        let wanted: Vec<_> = self.outputs.iter().filter(|output| output.is_wanted(batch)).collect();
        let names: Vec<_> = wanted.iter().map(|output| &*output.c).collect();
        let made = self.execute(runs, batch, (&inputs, &names))?;
        batch.computed();
        let rows = self.is_batched.then(|| batch.rows());
        let outputs = wanted.iter().zip(made).map(|(output, tensor)| {
            check_rows(output, &tensor, rows)?;
            Ok((output.name.clone(), tensor))
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
