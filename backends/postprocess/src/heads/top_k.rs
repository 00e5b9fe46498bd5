//! `top_k` and `argmax`: the largest numbers along an axis, where they are, and what their classes
//! are called.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, Signature};
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::{AxisView, top_k};
use nereid_kernels::heads;

use super::along_axis;
use crate::device::{Answers, DeviceHead, Group, all_there, rows_of};
use crate::head::{Head, Inputs, Operation, failed};
use crate::labels::{LABELS, Labels};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

const VALUES: &str = "VALUES";
const INDICES: &str = "INDICES";

/// Most numbers that are wanted of one line.
const K_MAX: usize = 1 << 16;

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopK {
    /// Counted from the end, from 1.
    axis: usize,
    /// How many; `None`: one, and the axis goes away.
    k: Option<usize>,
}

impl TopK {
    pub(crate) const NAME: &str = "top_k";
    pub(crate) const ARGMAX: &str = "argmax";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let (axis, k) = (reader.axis(), Some(reader.count("k", 1..=K_MAX, 5)));
        reader.finish()?;
        Ok(Box::new(Self { axis, k }))
    }

    pub(crate) fn parse_argmax(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::ARGMAX, parameters);
        let axis = reader.axis();
        reader.finish()?;
        Ok(Box::new(Self { axis, k: None }))
    }

    /// What becomes of axes of an input.
    fn answer_axes<T: Clone>(&self, axes: &[T], k: impl Fn(&T, usize) -> T) -> Vec<T> {
        let mut axes = axes.to_vec();
        let Some(axis) = axes.len().checked_sub(self.axis) else { return axes };
        match self.k {
            Some(most) => axes[axis] = k(&axes[axis], most),
            None => drop(axes.remove(axis)),
        }
        axes
    }
}

impl Operation for TopK {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let dims = along_axis::dims(user, self.axis)?;
        let answer = self.answer_axes(&dims, |dim, most| match dim {
            Dim::Fixed(size) => Dim::Fixed(most.min(*size)),
            Dim::Any => Dim::Any,
        });
        // A tensor must have an axis, where requests have no batch axis.
        let answer = if answer.is_empty() { vec![Dim::Fixed(1)] } else { answer };
        complete(
            user,
            Layout::of(user, rows_max),
            &[Port::new(along_axis::INPUT, &[DataType::Fp32], dims)],
            &[
                Port::new(VALUES, &[DataType::Fp32], answer.clone()),
                Port::new(INDICES, &[DataType::Int64], answer.clone()),
                Port::new(LABELS, &[DataType::Bytes], answer).if_written(),
            ],
        )
    }

    fn open(&self, signature: &Signature, rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let labels = Labels::of(signature)?;
        let rank = signature.input(along_axis::INPUT).map_or(0, |input| input.dims.len());
        let is_scalar = self.k.is_none() && rank == usize::from(rows_max > 0) + 1;
        if let Some(labels) = &labels {
            let axes = signature.inputs.first().map(|input| input.dims.as_slice());
            let classes = axes.and_then(|dims| dims.get(dims.len().checked_sub(self.axis)?));
            if let Some(&Dim::Fixed(classes)) = classes {
                labels.check_classes(along_axis::INPUT, classes).map_err(LoadError::new)?;
            }
        }
        Ok(Arc::new(TopKHead { operation: *self, labels: labels.map(Arc::new), is_scalar }))
    }
}

struct TopKHead {
    operation: TopK,
    labels: Option<Arc<Labels>>,
    /// Whether a row's answer is one number, which still has an axis of its own.
    is_scalar: bool,
}

impl Head for TopKHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let (shape, view) = self.checked(inputs)?;
        let numbers = inputs.floats(along_axis::INPUT)?;
        let top = top_k(&numbers, view, self.operation.k.unwrap_or(1));
        let shape = self.answer_shape(shape);
        let indices: Vec<_> =
            top.indices.iter().map(|&at| i64::try_from(at).unwrap_or(i64::MAX)).collect();
        let mut outputs = vec![
            (VALUES.into(), Tensor::from_values(shape.clone(), top.values)),
            (INDICES.into(), Tensor::from_values(shape.clone(), indices)),
        ];
        if let Some(labels) = &self.labels {
            let names: Vec<_> = top.indices.iter().map(|&index| labels.name(index)).collect();
            outputs.push((LABELS.into(), Tensor::from_strings(shape, &names)));
        }
        let made = outputs.into_iter().map(|(name, tensor)| tensor.map(|tensor| (name, tensor)));
        made.collect::<Result<_, _>>().map_err(|error| failed(&error))
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for TopKHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.checked(inputs).map(drop)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let numbers = group.tensor(along_axis::INPUT)?;
        let view = along_axis::view_of(&numbers, self.operation.axis)?;
        let (k, shape) = (self.operation.k.unwrap_or(1), self.answer_shape(numbers.shape()));
        let [values, indices] = heads::top_k(group.executor, &numbers, (view, k), &shape)?;
        let labels = self.labels.as_ref().filter(|_| group.wants(LABELS)).cloned();
        let named = labels.map(|labels| Ok::<_, InferError>((labels, group.send_home(&indices)?)));
        let named = named.transpose()?;
        let (rows, layout) = (group.rows(), group.layout);
        let tensors = vec![(VALUES.into(), values), (INDICES.into(), indices)];
        match named {
            None => Ok(all_there(tensors, layout)),
            Some((labels, home)) => Ok(Box::new(move || {
                let indices = home.bytes()?;
                let places = indices.len() / size_of::<i64>() / rows.max(1);
                Ok(Box::new(move |rows| {
                    let mut outputs = rows_of(&tensors, layout, rows.clone())?;
                    let shape = outputs.first().map_or(Vec::new(), |(_, it)| it.shape().to_vec());
                    let indices = indices.as_chunks().0.get(rows.start * places..rows.end * places);
                    let indices = indices.unwrap_or_default().iter();
                    let names: Vec<_> = indices
                        .map(|&index| usize::try_from(i64::from_le_bytes(index)))
                        .map(|index| index.map_or("", |index| labels.name(index)))
                        .collect();
                    let names = Tensor::from_strings(shape, &names);
                    outputs.push((LABELS.into(), names.map_err(|error| failed(&error))?));
                    Ok(outputs)
                }))
            })),
        }
    }
}

impl TopKHead {
    /// The input's shape, and the shape seen along the axis.
    fn checked<'a>(&self, inputs: &Inputs<'a>) -> Result<(&'a [usize], AxisView), InferError> {
        let (shape, view) = along_axis::view(inputs, self.operation.axis)?;
        if let Some(labels) = &self.labels {
            labels.check_classes(along_axis::INPUT, view.length).map_err(InferError::Invalid)?;
        }
        if self.operation.k.is_none() && view.length == 0 {
            let text = format!("input '{}' of shape {shape:?} has no number", along_axis::INPUT);
            return Err(InferError::Invalid(text));
        }
        Ok((shape, view))
    }

    /// The shape of each output for an input of this shape.
    fn answer_shape(&self, shape: &[usize]) -> Vec<usize> {
        let mut shape = self.operation.answer_axes(shape, |&size, most| size.min(most));
        if self.is_scalar {
            shape.push(1);
        }
        shape
    }
}
