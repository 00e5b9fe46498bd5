//! `ctc_greedy_decode`: from class probabilities over time to text and score.

mod decode;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::Signature;
use nereid_backend::tensor::{Tensor, elements};

use crate::head::{Head, Inputs, Operation, failed};
use crate::labels::Labels;
use crate::parameters::Reader;
use decode::decode;
use signature::{INPUT_RANK, Names};

/// Most rows of one request. Rows without steps have no bytes, so a body's limit does not bound
/// them.
const ROWS_MAX: usize = 1 << 16;

/// The operation's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ctc {
    /// `blank`: the class that stands for no label.
    blank: usize,
}

impl Ctc {
    pub(crate) const NAME: &str = "ctc_greedy_decode";

    pub(crate) fn parse(
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Operation>, LoadError> {
        let mut reader = Reader::new(Self::NAME, parameters);
        let parse = |text: &str| text.parse().ok();
        let blank = reader.read("blank", ("the number of a class, from 0", 0), parse);
        reader.finish()?;
        Ok(Box::new(Self { blank }))
    }
}

impl Operation for Ctc {
    fn complete(&self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        signature::complete(user, rows_max)
    }

    fn open(&self, signature: &Signature, _rows_max: usize) -> Result<Arc<dyn Head>, LoadError> {
        let names = Names::of(signature)?;
        let labels = Labels::read(signature::labels(signature)?)?;
        labels.check(signature, self.blank)?;
        Ok(Arc::new(CtcHead { names, labels, blank: self.blank }))
    }
}

struct CtcHead {
    names: Names,
    labels: Labels,
    blank: usize,
}

impl Head for CtcHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let input = inputs.tensor(&self.names.input)?;
        let (rows, classes) = self.check(input)?;
        let numbers = inputs.floats(&self.names.input)?;
        let count = elements(rows).filter(|&count| count <= ROWS_MAX).ok_or_else(|| {
            let (name, shape) = (&self.names.input, input.shape());
            InferError::Invalid(format!(
                "input '{name}' of shape {shape:?} has over {ROWS_MAX} rows"
            ))
        })?;
        let row = numbers.len().checked_div(count).unwrap_or_default();
        let (mut texts, mut scores) = (Vec::new(), Vec::new());
        for index in 0..count {
            let numbers = numbers.get(index * row..(index + 1) * row).unwrap_or_default();
            let (text, score) = decode(numbers, classes, self.labels.names(), self.blank);
            texts.push(text);
            scores.push(score);
        }
        let shape = [rows, &[1]].concat();
        let mut outputs = Vec::with_capacity(2);
        let text = Tensor::from_strings(shape.clone(), &texts).map_err(|error| failed(&error))?;
        outputs.push((self.names.text.clone(), text));
        if let Some(name) = &self.names.score {
            let score = Tensor::from_values(shape, scores).map_err(|error| failed(&error))?;
            outputs.push((name.clone(), score));
        }
        Ok(outputs)
    }
}

impl CtcHead {
    /// The axes of rows, and the number of classes.
    fn check<'a>(&self, input: &'a Tensor) -> Result<(&'a [usize], usize), InferError> {
        let name = &self.names.input;
        let shape = input.shape();
        let Some((rows, &[_, classes])) = shape.split_last_chunk::<INPUT_RANK>() else {
            let text =
                format!("input '{name}' must have shape [..., steps, classes], got {shape:?}");
            return Err(InferError::Invalid(text));
        };
        self.labels.check_classes(name, classes).map_err(InferError::Invalid)?;
        Ok((rows, classes))
    }
}

#[cfg(test)]
mod tests;
