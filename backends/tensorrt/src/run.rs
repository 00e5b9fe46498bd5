//! One run: shapes and addresses are told, outputs get memory, and the run is enqueued behind all that is in the
//! instance's stream. Nobody waits for it here.
#![allow(unsafe_code)]

use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::{Storage, Tensor, elements};
use nereid_kernels::device::{Allocation, Stream, device_to_device};
use nereid_kernels::executor::Executor;

use crate::instance::failed;
use crate::model::Plan;
use crate::ports::Port;
use crate::sys::{Context, Dims, Location};

/// Outputs of a run that is enqueued.
pub(crate) struct Outputs(Vec<(Arc<str>, Output)>);

enum Output {
    /// Ready when the stream has come so far.
    Device(Tensor),
    /// As `Device`, on the host.
    Host(DataType, Vec<usize>, Words),
}

/// Memory of the host that is aligned for every element type.
struct Words {
    words: Vec<u64>,
    size_bytes: usize,
}

/// Where an output is to be written.
enum Place {
    Device(Vec<usize>, Allocation),
    Host(Vec<usize>, Words),
    /// The context asks for memory when it knows how much.
    Unknown,
}

/// Enqueues a run of `plan` with these inputs, which are where the engine wants them.
pub(crate) fn run(
    plan: &Plan,
    executor: &Executor,
    context: &mut Context,
    (inputs, copies): (&[Tensor], &CopyCounter),
) -> Result<Outputs, InferError> {
    plan.engine.device().enter()?;
    let mut work = executor.work();
    let ports = &plan.ports;
    for (port, tensor) in ports.inputs.iter().zip(inputs) {
        let dims = Dims::of(tensor.shape())
            .ok_or_else(|| failed(format!("input '{}' has too many axes", port.name)))?;
        context.set_input_shape(&port.c_name, &dims)?;
        let address = match tensor.host() {
            Some(bytes) => bytes.as_ptr().expose_provenance() as u64,
            None => work.read(tensor)?.address(),
        };
        // SAFETY: the work reads what is on the device; what is on the host is there until this returns.
        unsafe { context.set_address(&port.c_name, address) }?;
    }
    let mut places = Vec::with_capacity(ports.outputs.len());
    // Values of shapes are on the host and may be outputs of what is inferred now, so their places come first.
    for port in ports.outputs.iter().filter(|port| port.location == Location::Host) {
        places.push((port, Place::on_host(context, port)?));
    }
    // SAFETY: tensors of the host have their addresses.
    unsafe { context.infer_shapes() }?;
    for port in ports.outputs.iter().filter(|port| port.location == Location::Device) {
        places.push((port, Place::on_device(context, port, executor.stream())?));
    }
    // SAFETY: all have their addresses. What is read on the device is kept by the work until it is enqueued, and by the
    // end of that after; allocations are of the stream.
    unsafe { context.enqueue() }?;
    drop(work);
    let output = |(port, place): (&Port, Place)| {
        Ok((port.name.clone(), place.output(context, port, (executor, copies))?))
    };
    let outputs: Result<Vec<_>, InferError> = places.into_iter().map(output).collect();
    outputs.map(Outputs)
}

impl Place {
    fn on_device(context: &mut Context, port: &Port, stream: &Stream) -> Result<Self, InferError> {
        let Some(shape) = context.tensor_shape(&port.c_name)?.shape() else {
            context.allocate_when_known(&port.c_name)?;
            return Ok(Self::Unknown);
        };
        let allocation = stream.allocate(size_bytes(port, &shape)?)?;
        // SAFETY: the allocation is of the stream that the context enqueues in, and as large as the tensor.
        unsafe { context.set_address(&port.c_name, allocation.address()) }?;
        Ok(Self::Device(shape, allocation))
    }

    fn on_host(context: &mut Context, port: &Port) -> Result<Self, InferError> {
        let shape = context.tensor_shape(&port.c_name)?;
        let shape = shape.shape().ok_or_else(|| {
            failed(format!("output '{}' on the host has the shape {shape:?}", port.name))
        })?;
        let size_bytes = size_bytes(port, &shape)?;
        let mut words = Words { words: vec![0; size_bytes.div_ceil(8).max(1)], size_bytes };
        let address = words.words.as_mut_ptr().expose_provenance() as u64;
        // SAFETY: the words are as many as the tensor needs, and stay where they are until the run has ended.
        unsafe { context.set_address(&port.c_name, address) }?;
        Ok(Self::Host(shape, words))
    }

    /// What the place holds when the run has ended.
    fn output(
        self,
        context: &mut Context,
        port: &Port,
        (executor, copies): (&Executor, &CopyCounter),
    ) -> Result<Output, InferError> {
        let (shape, allocation) = match self {
            Self::Host(shape, words) => return Ok(Output::Host(port.data_type, shape, words)),
            Self::Device(shape, allocation) => (shape, allocation),
            Self::Unknown => known(context, port, (executor, copies))?,
        };
        executor.tensor(port.data_type, shape, allocation).map(Output::Device)
    }
}

/// The memory that the context asked for; if it asked for more than it needed, a copy of what it needed.
fn known(
    context: &mut Context,
    port: &Port,
    (executor, copies): (&Executor, &CopyCounter),
) -> Result<(Vec<usize>, Allocation), InferError> {
    let name = &port.name;
    let (allocation, dims) = context
        .take_output(&port.c_name)
        .ok_or_else(|| failed(format!("TensorRT gave no memory and shape of output '{name}'")))?;
    let shape =
        dims.shape().ok_or_else(|| failed(format!("output '{name}' has the shape {dims:?}")))?;
    let size_bytes = size_bytes(port, &shape)?;
    if size_bytes == allocation.size_bytes() {
        return Ok((shape, allocation));
    }
    let mut fitting = executor.stream().allocate(size_bytes)?;
    device_to_device(&mut fitting, 0, &*allocation.ready()?, &(0..size_bytes), copies)?;
    Ok((shape, fitting))
}

impl Outputs {
    /// Whether all have as many rows as the batch.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<(), InferError> {
        for (name, output) in &self.0 {
            let shape = match output {
                Output::Device(tensor) => tensor.shape(),
                Output::Host(_, shape, _) => shape,
            };
            if shape.first() != Some(&rows) {
                let text = format!("the model made output '{name}' of shape {shape:?}");
                return Err(failed(format!("{text} for a batch of {rows}")));
            }
        }
        Ok(())
    }

    /// The outputs, when the run has ended.
    pub(crate) fn tensors(self) -> Result<Tensors, InferError> {
        let tensor = |(name, output)| {
            let tensor = match output {
                Output::Device(tensor) => tensor,
                Output::Host(data_type, shape, words) => {
                    let storage = Storage::Host(Bytes::from_owner(words));
                    Tensor::new(data_type, shape, storage)
                        .map_err(|error| failed(format!("output '{name}': {error}")))?
                }
            };
            Ok((name, tensor))
        };
        self.0.into_iter().map(tensor).collect()
    }
}

impl AsRef<[u8]> for Words {
    fn as_ref(&self) -> &[u8] {
        bytemuck::must_cast_slice::<u64, u8>(&self.words).get(..self.size_bytes).unwrap_or_default()
    }
}

fn size_bytes(port: &Port, shape: &[usize]) -> Result<usize, InferError> {
    let element = port.data_type.size_bytes().unwrap_or(1);
    let size = elements(shape).and_then(|count| count.checked_mul(element));
    size.ok_or_else(|| failed(format!("output '{}' of shape {shape:?} is too large", port.name)))
}
