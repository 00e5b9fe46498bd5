//! From a batch to its answers, request by request, so nothing is gathered and a request that does
//! not fit fails alone.

use std::borrow::Cow;
use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::{Batch, response_of};
use nereid_backend::error::InferError;
use nereid_backend::observer::{Copy, CopyCounter};
use nereid_backend::parts::Tensors;
use nereid_backend::request::{Answer, Request};
use nereid_backend::tensor::{Tensor, TensorError, elements};

use crate::ctc::decode;
use crate::labels::Labels;
use crate::signature::{INPUT_RANK, Names};

/// Most rows of one request. Rows without steps have no bytes, so a body's limit does not bound
/// them.
const ROWS_MAX: usize = 1 << 16;

/// One thread's decoder.
pub(crate) struct CtcInstance {
    pub(crate) names: Names,
    pub(crate) labels: Arc<Labels>,
    /// The class that stands for no label.
    pub(crate) blank: usize,
}

impl Instance for CtcInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        batch.inputs_ready();
        let requests = batch.requests().iter();
        let answers = requests.map(|request| self.answer(request, batch.copies())).collect();
        batch.computed();
        batch.respond(answers);
        Running::Done
    }
}

impl CtcInstance {
    fn answer(&self, request: &Request, copies: &CopyCounter) -> Answer {
        let name = &*self.names.input;
        let input = request
            .input(name)
            .ok_or_else(|| InferError::Invalid(format!("input '{name}' is missing")))?;
        let outputs = self.decode(input, copies)?;
        response_of(request, &outputs, |whole| Some(whole.clone()))
    }

    fn decode(&self, input: &Tensor, copies: &CopyCounter) -> Result<Tensors, InferError> {
        let (rows, classes) = self.check(input)?;
        let numbers = numbers(input, copies).ok_or_else(|| {
            let text = format!("input '{}' must be FP32 in host memory", self.names.input);
            InferError::Backend(text.into())
        })?;
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

/// The numbers in place, or, if they are not aligned, one counted copy. `None` for a tensor of
/// another type or on a device.
fn numbers<'a>(input: &'a Tensor, copies: &CopyCounter) -> Option<Cow<'a, [f32]>> {
    if let Some(numbers) = input.values::<f32>() {
        return Some(Cow::Borrowed(numbers));
    }
    let copy = input.host().filter(|_| !input.is_aligned())?;
    copies.add(Copy::Realign, copy.len());
    let (words, _) = copy.as_chunks();
    Some(Cow::Owned(words.iter().map(|&word| f32::from_le_bytes(word)).collect()))
}

fn failed(error: &TensorError) -> InferError {
    InferError::Backend(format!("the answer cannot be a tensor: {error}").into())
}

#[cfg(test)]
mod tests;
