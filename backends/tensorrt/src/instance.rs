//! One execution slot: a stream, and an execution context for each profile.

use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;
use nereid_kernels::executor::Executor;

use crate::model::Plan;
use crate::ports::Port;
use crate::profiles::describe;
use crate::run::{Outputs, run};
use crate::sys::{Context, Location, Refusal};

/// One thread's view of a plan.
pub(crate) struct TensorRtInstance {
    plan: Arc<Plan>,
    executor: Executor,
    /// Of each of the plan's profiles. They end before the stream.
    contexts: Vec<Context>,
}

impl TensorRtInstance {
    pub(crate) fn new(plan: Arc<Plan>, executor: Executor, contexts: Vec<Context>) -> Self {
        Self { plan, executor, contexts }
    }

    fn enqueue(&mut self, batch: &mut Batch) -> Result<Outputs, InferError> {
        let inputs = self.gather(batch)?;
        batch.inputs_ready();
        let profile = self.profile(&inputs)?;
        let context = self.contexts.get_mut(profile).ok_or_else(|| failed("no context".into()))?;
        let outputs = run(&self.plan, &self.executor, context, (&inputs, batch.copies()))?;
        if self.plan.is_batched {
            outputs.check_rows(batch.rows())?;
        }
        Ok(outputs)
    }

    /// The inputs where the engine wants them, in its order.
    fn gather(&self, batch: &Batch) -> Result<Vec<Tensor>, InferError> {
        let gather = |port: &Port| {
            let tensor = match port.location {
                Location::Host => self.executor.gather_on_host(batch, &port.name)?,
                Location::Device => self.executor.gather_aligned(batch, &port.name)?,
            };
            tensor.ok_or_else(|| failed(format!("input '{}' is missing", port.name)))
        };
        self.plan.ports.inputs.iter().map(gather).collect()
    }

    /// Which of the plan's profiles runs these shapes.
    fn profile(&self, inputs: &[Tensor]) -> Result<usize, InferError> {
        let shapes: Vec<_> = inputs.iter().map(Tensor::shape).collect();
        let distances = self.plan.profiles.iter().map(|profile| profile.distance(&shapes));
        let nearest =
            distances.enumerate().filter_map(|(index, distance)| Some((distance?, index))).min();
        nearest.map(|(_, index)| index).ok_or_else(|| {
            let inputs = &self.plan.ports.inputs;
            let shapes = inputs.iter().zip(&shapes);
            let shapes = shapes.map(|(port, shape)| format!("'{}' {shape:?}", port.name));
            let profiles = self.plan.profiles.iter().map(|profile| describe(profile, inputs));
            InferError::Invalid(format!(
                "the plan has no optimization profile for {}; it has {}",
                shapes.collect::<Vec<_>>().join(", "),
                profiles.collect::<Vec<_>>().join("; ")
            ))
        })
    }
}

impl Instance for TensorRtInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        match self.enqueue(&mut batch) {
            Ok(outputs) => {
                self.executor.answer(batch, move |batch| batch.respond_rows(outputs.tensors()))
            }
            Err(error) => {
                batch.fail(&self.executor.cause(error));
                Running::Done
            }
        }
    }
}

impl From<Refusal> for InferError {
    fn from(refusal: Refusal) -> Self {
        failed(format!("TensorRT: {refusal}"))
    }
}

/// An engine's fault.
pub(crate) fn failed(text: String) -> InferError {
    InferError::Backend(text.into())
}
