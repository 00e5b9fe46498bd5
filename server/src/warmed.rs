//! A model whose instances are warmed up: what an engine does the first time is done before
//! anybody waits for it. An instance that is made anew after a panic is warmed up as well. Models
//! without `model_warmup` pass nothing of this.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use nereid_backend::backend::{Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::{RequestedOutput, Tensors};
use nereid_backend::request::{Answer, Home, Request};
use nereid_backend::spec::InstanceSpec;
use nereid_model_repository::definition::Definition;
use nereid_model_repository::warmup::Sample;
use tokio::sync::oneshot;

use crate::admission;
use crate::edge::Edge;

/// Stands before a model whose instances run samples before they serve.
pub struct Warmed {
    model: Arc<dyn Model>,
    samples: Vec<Sample>,
    outputs: Vec<RequestedOutput>,
    edge: Arc<Edge>,
}

impl Warmed {
    /// `model` with the warm-up of its `definition`; the `edge` knows who waits for its devices.
    pub fn new(model: Arc<dyn Model>, definition: &Definition, edge: Arc<Edge>) -> Self {
        let outputs = admission::all_outputs(&definition.spec);
        Self { model, samples: definition.warmup.clone(), outputs, edge }
    }
}

impl Model for Warmed {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let mut instance = self.model.spawn(spec)?;
        for sample in &self.samples {
            self.run((instance.as_mut(), spec.device), sample).map_err(|cause| {
                let name = &sample.name;
                // Triton's text.
                LoadError::new(format!("failed to run warmup sample '{name}': {cause}"))
            })?;
        }
        Ok(instance)
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        self.model.memory()
    }
}

impl Warmed {
    fn run(
        &self,
        (instance, device): (&mut dyn Instance, DeviceId),
        sample: &Sample,
    ) -> Result<(), String> {
        let inputs = sample.tensors()?;
        for _ in 0..sample.runs {
            let (batch, answers) = self.batch(&inputs, sample.requests);
            self.start((&mut *instance, device), batch)?;
            for answer in answers {
                let answer = answer.blocking_recv().unwrap_or(Err(InferError::Abandoned));
                answer.map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Nobody observes its requests: what is not asked by a client is not counted.
    fn batch(&self, inputs: &Tensors, requests: usize) -> (Batch, Vec<oneshot::Receiver<Answer>>) {
        let mut answers = Vec::with_capacity(requests);
        let mut request = || {
            let (home, answer) = oneshot::channel();
            answers.push(answer);
            let mut request = Request::new(inputs.clone(), NonZeroUsize::MIN, Home::Once(home));
            request.outputs.clone_from(&self.outputs);
            request
        };
        let copies = Arc::new(CopyCounter::default());
        let mut batch = Batch::new(request(), Instant::now(), copies);
        for _ in 1..requests {
            batch.push(request());
        }
        (batch, answers)
    }

    fn start(
        &self,
        (instance, device): (&mut dyn Instance, DeviceId),
        batch: Batch,
    ) -> Result<(), String> {
        // Caught here, where it is known what was run.
        let started = catch_unwind(AssertUnwindSafe(|| instance.start(batch)));
        match started.map_err(|_| "the engine panicked; the log has the reason".to_owned())? {
            Running::Done => {}
            Running::OnDevice { after, finish } => self.edge.reaper(device).watch(after, finish),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
