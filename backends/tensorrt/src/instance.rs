//! One execution slot: a stream, and an execution context for each profile.

use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::device::{DeviceBuffer, device_to_device, device_to_host};
use nereid_kernels::executor::Executor;

use crate::model::Plan;
use crate::ports::Port;
use crate::profiles::describe;
use crate::run::{Outputs, run};
use crate::sys::{Context, Location, Refusal};

/// What addresses on the device have to be multiples of. (`IExecutionContext::setTensorAddress`.)
const ALIGNMENT: usize = 256;

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
                Location::Host => self.on_host(batch, port)?,
                Location::Device => self.executor.gather(batch, &port.name)?,
            };
            let tensor =
                tensor.ok_or_else(|| failed(format!("input '{}' is missing", port.name)))?;
            match port.location {
                Location::Host => Ok(tensor),
                Location::Device => self.aligned(tensor, batch),
            }
        };
        self.plan.ports.inputs.iter().map(gather).collect()
    }

    /// Values of shapes, which the library reads on the host. Those that are on a device are waited for: the host has to
    /// know them to go on.
    fn on_host(&self, batch: &Batch, port: &Port) -> Result<Option<Tensor>, InferError> {
        let Some(tensor) = batch.gather(&port.name)? else { return Ok(None) };
        let Some((buffer, range)) = DeviceBuffer::of(&tensor) else { return Ok(Some(tensor)) };
        let stream = self.executor.stream();
        let bytes = device_to_host(buffer, &range, stream, batch.copies())?.bytes()?;
        let storage = Storage::Host(bytes);
        let shape = tensor.shape().to_vec();
        Tensor::new(tensor.data_type(), shape, storage)
            .map(Some)
            .map_err(|error| failed(error.to_string()))
    }

    /// Rows from the middle of a buffer may begin anywhere; then they are copied, and counted.
    fn aligned(&self, tensor: Tensor, batch: &Batch) -> Result<Tensor, InferError> {
        let Some((buffer, range)) = DeviceBuffer::of(&tensor) else { return Ok(tensor) };
        if range.start.is_multiple_of(ALIGNMENT) {
            return Ok(tensor);
        }
        let mut to = self.executor.stream().allocate(range.len())?;
        device_to_device(&mut to, 0, buffer, &range, batch.copies())?;
        self.executor.tensor(tensor.data_type(), tensor.shape().to_vec(), to)
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
