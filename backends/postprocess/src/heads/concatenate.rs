//! `concatenate`: any number of tensors of one type, one after the other along an axis.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature, TensorSpec};
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::heads::{Interleaving, concatenate};

use crate::device::{Answers, DeviceHead, Group, all_there};
use crate::head::{Head, Inputs, Operation, failed};
use crate::parameters::Reader;
use crate::ports::{Layout, list};

const OUTPUT: &str = "OUTPUT";

/// Most inputs.
const INPUTS_MAX: usize = 256;

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concatenate {
    /// Counted from the end, from 1.
    axis: usize,
}

impl Concatenate {
    pub(crate) const NAME: &str = "concatenate";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let axis = reader.axis();
        reader.finish()?;
        Ok(Box::new(Self { axis }))
    }

    /// The dims of the output, or what does not fit.
    fn answer(self, inputs: &[TensorSpec]) -> Result<Vec<Dim>, String> {
        let Some((first, rest)) = inputs.split_first().filter(|_| inputs.len() <= INPUTS_MAX)
        else {
            return Err(format!("concatenate needs 1 to {INPUTS_MAX} inputs in the configuration"));
        };
        let axis = first.dims.len().checked_sub(self.axis).ok_or_else(|| {
            format!(
                "parameter 'axis' is -{}, input '{}' has {}",
                self.axis,
                first.name,
                list(&first.dims)
            )
        })?;
        let mut dims = first.dims.clone();
        for input in rest {
            let name = &input.name;
            if input.data_type != first.data_type || input.dims.len() != dims.len() {
                let (data_type, first) = (first.data_type.config_name(), &first.name);
                return Err(format!(
                    "input '{name}' must be {data_type} of {} dims, as input '{first}' is",
                    dims.len()
                ));
            }
            for (at, (dim, &more)) in dims.iter_mut().zip(&input.dims).enumerate() {
                *dim = match (*dim, more) {
                    (Dim::Fixed(size), Dim::Fixed(more)) if at == axis => {
                        Dim::Fixed(size.saturating_add(more))
                    }
                    (Dim::Any, _) | (_, Dim::Any) if at == axis => Dim::Any,
                    (known, Dim::Any) | (Dim::Any, known) => known,
                    (one, two) if one == two => one,
                    _ => {
                        let (dims, first) = (list(&input.dims), &first.name);
                        return Err(format!(
                            "input '{name}' of dims {dims} does not fit input '{first}'"
                        ));
                    }
                };
            }
        }
        Ok(dims)
    }
}

impl Operation for Concatenate {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let dims = self.answer(&user.inputs).map_err(LoadError::new)?;
        let data_type = user.inputs.first().map_or(DataType::Fp32, |input| input.data_type);
        if data_type == DataType::Bytes {
            return Err(LoadError::new("concatenate takes tensors of numbers, not TYPE_STRING"));
        }
        let output = match user.outputs.as_slice() {
            [] => TensorSpec::new(OUTPUT, data_type, dims),
            [output] if output.data_type == data_type => {
                let is_silent = output.dims.is_empty();
                TensorSpec {
                    dims: if is_silent { dims } else { output.dims.clone() },
                    ..output.clone()
                }
            }
            _ => {
                let data_type = data_type.config_name();
                return Err(LoadError::new(format!("concatenate has one output, of {data_type}")));
            }
        };
        let rows: &[Dim] = match Layout::of(user, rows_max) {
            Layout::Batched => &[Dim::Any],
            Layout::Single => &[],
        };
        let told =
            |spec: &TensorSpec| TensorSpec { dims: [rows, &spec.dims].concat(), ..spec.clone() };
        Ok(Signature {
            inputs: user.inputs.iter().map(told).collect(),
            outputs: vec![told(&output)],
            ..Signature::default()
        })
    }

    fn open(&self, signature: &Signature, _rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let names = signature.inputs.iter().map(|input| input.name.clone()).collect();
        let output = signature.outputs.first().map(|output| output.name.clone());
        let output = output.unwrap_or_else(|| OUTPUT.into());
        Ok(Arc::new(ConcatenateHead { axis: self.axis, names, output }))
    }
}

struct ConcatenateHead {
    axis: usize,
    names: Vec<Arc<str>>,
    output: Arc<str>,
}

impl Head for ConcatenateHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let parts = self.names.iter().map(|name| inputs.tensor(name));
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        let shape = self.shape(&parts)?;
        let axis = shape.len().saturating_sub(self.axis);
        let outer: usize = shape[..axis].iter().product();
        let data_type = parts.first().map_or(DataType::Fp32, |part| part.data_type());
        let size_bytes = parts.iter().map(|part| part.size_bytes()).sum();
        let mut bytes = Vec::with_capacity(size_bytes);
        for index in 0..outer {
            for part in &parts {
                let block = part.size_bytes() / outer;
                let part = part.host().unwrap_or_default();
                bytes.extend_from_slice(&part[index * block..(index + 1) * block]);
            }
        }
        let tensor = Tensor::new(data_type, shape, Storage::Host(Bytes::from(bytes)));
        Ok(vec![(self.output.clone(), tensor.map_err(|error| failed(&error))?)])
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for ConcatenateHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        let parts = self.names.iter().map(|name| inputs.tensor(name));
        self.shape(&parts.collect::<Result<Vec<_>, _>>()?).map(drop)
    }

    /// Inputs are not gathered: the kernel takes each from where it is to its place.
    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let (mut parts, mut shape) = (Vec::new(), Vec::new());
        for inputs in group.requests() {
            let tensors = self.names.iter().map(|name| group.brought(inputs.tensor(name)?));
            let tensors: Vec<Tensor> = tensors.collect::<Result<_, _>>()?;
            let more = self.shape(&tensors.iter().collect::<Vec<_>>())?;
            match (shape.first_mut(), more.first()) {
                (Some(rows), Some(more)) => *rows += *more,
                _ => shape = more,
            }
            parts.push(tensors);
        }
        let axis = shape.len().saturating_sub(self.axis);
        let (mut tensors, mut place, mut step) = (Vec::new(), 0, 0);
        for request in &parts {
            let outer = request.first().map_or(1, |it| it.shape()[..axis].iter().product());
            let blocks = request.iter().map(|it| it.size_bytes().checked_div(outer).unwrap_or(0));
            let mut start = place;
            for (tensor, block_bytes) in request.iter().zip(blocks) {
                tensors.push(Interleaving { tensor, block_bytes, start });
                start += block_bytes;
            }
            step = start - place;
            place += step * outer;
        }
        let data_type = parts.first().and_then(|tensors| tensors.first());
        let data_type = data_type.map_or(DataType::Fp32, Tensor::data_type);
        let made = concatenate(group.executor, &tensors, step, (data_type, shape))?;
        Ok(all_there(vec![(self.output.clone(), made)], group.layout))
    }
}

impl ConcatenateHead {
    fn shape(&self, parts: &[&Tensor]) -> Result<Vec<usize>, InferError> {
        let mut shape = parts.first().map_or(Vec::new(), |part| part.shape().to_vec());
        let axis = shape.len().checked_sub(self.axis);
        let fits = |at: usize, size: usize, more: usize| Some(at) == axis || size == more;
        for (name, part) in self.names.iter().zip(parts).skip(1) {
            let more = part.shape();
            let mut sizes = shape.iter().zip(more).enumerate();
            if more.len() != shape.len() || !sizes.all(|(at, (&size, &more))| fits(at, size, more))
            {
                return Err(InferError::Invalid(format!(
                    "input '{name}' of shape {more:?} must have the axes of the others, {shape:?}, \
                     but for axis -{}",
                    self.axis
                )));
            }
            if let Some(axis) = axis {
                shape[axis] = shape[axis].saturating_add(more[axis]);
            }
        }
        if axis.is_none() {
            let text = format!("there is no axis -{} in shape {shape:?}", self.axis);
            return Err(InferError::Invalid(text));
        }
        Ok(shape)
    }
}
