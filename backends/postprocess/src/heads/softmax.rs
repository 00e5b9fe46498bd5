//! `softmax` along an axis.

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::Signature;
use nereid_backend::tensor::Tensor;
use nereid_kernels::cpu::softmax;
use nereid_kernels::heads;

use super::along_axis;
use crate::device::{Answers, DeviceHead, Group, all_there};
use crate::head::{Head, Inputs, Operation, failed};
use crate::parameters::Reader;
use crate::ports::{Layout, Port, complete};

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Softmax {
    /// Counted from the end, from 1.
    axis: usize,
}

const OUTPUT: &str = "PROBABILITIES";

impl Softmax {
    pub(crate) const NAME: &str = "softmax";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let axis = reader.axis();
        reader.finish()?;
        Ok(Box::new(Self { axis }))
    }
}

impl Operation for Softmax {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let dims = along_axis::dims(user, self.axis)?;
        complete(
            user,
            Layout::of(user, rows_max),
            &[Port::new(along_axis::INPUT, &[DataType::Fp32], dims.clone())],
            &[Port::new(OUTPUT, &[DataType::Fp32], dims)],
        )
    }

    fn open(&self, _signature: &Signature, _rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        Ok(Arc::new(*self))
    }
}

impl Head for Softmax {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let (shape, view) = along_axis::view(inputs, self.axis)?;
        let numbers = softmax(&inputs.floats(along_axis::INPUT)?, view);
        let tensor = Tensor::from_values(shape.to_vec(), numbers);
        Ok(vec![(OUTPUT.into(), tensor.map_err(|error| failed(&error))?)])
    }

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for Softmax {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        along_axis::view(inputs, self.axis).map(drop)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let numbers = group.tensor(along_axis::INPUT)?;
        let view = along_axis::view_of(&numbers, self.axis)?;
        let made = heads::softmax(group.executor, &numbers, view)?;
        Ok(all_there(vec![(OUTPUT.into(), made)], group.layout))
    }
}
