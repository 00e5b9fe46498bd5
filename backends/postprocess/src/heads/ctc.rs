//! `ctc_greedy_decode`: from class probabilities over time to text and score.

mod decode;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::Signature;
use nereid_backend::tensor::{Tensor, elements};
use nereid_kernels::heads::best_paths;

use crate::device::{Answers, DeviceHead, Group, Home, rows_of};
use crate::head::{Head, Inputs, Operation, failed};
use crate::labels::Labels;
use crate::parameters::Reader;
use decode::{decode, text_of};
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
        Ok(Arc::new(CtcHead { names, labels: Arc::new(labels), blank: self.blank }))
    }
}

struct CtcHead {
    names: Names,
    labels: Arc<Labels>,
    blank: usize,
}

impl Head for CtcHead {
    fn run(&self, inputs: &Inputs<'_>) -> Result<Tensors, InferError> {
        let (rows, [count, _, classes]) = self.shape(inputs.tensor(&self.names.input)?)?;
        let numbers = inputs.floats(&self.names.input)?;
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

    fn on_device(self: Arc<Self>) -> Option<Arc<dyn DeviceHead>> {
        Some(self)
    }
}

impl DeviceHead for CtcHead {
    fn check(&self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        self.shape(inputs.tensor(&self.names.input)?).map(drop)
    }

    fn enqueue(&self, group: &Group<'_>) -> Result<Answers, InferError> {
        let numbers = group.tensor(&self.names.input)?;
        let (axes, sizes) = self.sequences(&numbers)?;
        let ([count, steps, _], axes) = (sizes, [axes, &[1]].concat());
        let paths = best_paths(group.executor, &numbers, sizes, self.blank, axes)?;
        let names = self.names.clone();
        let kept = group.wants(&names.text).then(|| group.send_home(&paths.kept)).transpose()?;
        let (labels, rows, layout) = (self.labels.clone(), group.rows(), group.layout);
        let scores = names.score.map(|name| (name, paths.scores.clone()));
        // Of which the text has the axes.
        let outputs = vec![(names.text, paths.scores)];
        Ok(Box::new(move || {
            let kept = kept.map(Home::integers).transpose()?;
            let scores: Vec<_> = scores.into_iter().collect();
            Ok(Box::new(move |range| {
                let mut made = rows_of(&scores, layout, range.clone())?;
                let Some(kept) = &kept else { return Ok(made) };
                let each = count / rows.max(1);
                let texts: Vec<_> = (range.start * each..range.end * each)
                    .map(|row| kept.get(row * steps..(row + 1) * steps).unwrap_or_default())
                    .map(|kept| text_of(kept, labels.names()))
                    .collect();
                for (name, alike) in rows_of(&outputs, layout, range)? {
                    let text = Tensor::from_strings(alike.shape().to_vec(), &texts);
                    made.push((name, text.map_err(|error| failed(&error))?));
                }
                Ok(made)
            }))
        }))
    }
}

impl CtcHead {
    /// As `sequences`, of one request.
    fn shape<'a>(&self, input: &'a Tensor) -> Result<(&'a [usize], [usize; 3]), InferError> {
        let (name, shape) = (&self.names.input, input.shape());
        let (rows, sizes) = self.sequences(input)?;
        self.labels.check_classes(name, sizes[2]).map_err(InferError::Invalid)?;
        if sizes[0] > ROWS_MAX {
            return Err(InferError::Invalid(format!(
                "input '{name}' of shape {shape:?} has over {ROWS_MAX} rows"
            )));
        }
        Ok((rows, sizes))
    }

    /// The axes of rows, and the number of these, of steps and of classes.
    fn sequences<'a>(&self, input: &'a Tensor) -> Result<(&'a [usize], [usize; 3]), InferError> {
        let (name, shape) = (&self.names.input, input.shape());
        match shape.split_last_chunk::<INPUT_RANK>() {
            Some((rows, &[steps, classes])) => {
                let count = elements(rows).unwrap_or(usize::MAX);
                Ok((rows, [count, steps, classes]))
            }
            None => Err(InferError::Invalid(format!(
                "input '{name}' must have shape [..., steps, classes], got {shape:?}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
