//! A step of more rows than its model takes at a time, or of none: a crop of a picture makes as
//! many rows as there are boxes in it. Parts meet those of other requests in the model's batches.

use std::sync::Arc;

use nereid_backend::batch::{gather_rows, joined};
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_backend::parts::{RequestedOutput, Tensors};
use nereid_backend::request::Response;
use nereid_backend::spec::{Dim, ModelSpec};
use nereid_backend::tensor::{Storage, Tensor, TensorError};

/// Most requests that one step of one request may be.
pub(super) const PARTS_MAX: usize = 1_024;

/// Most of them of all steps of one request together.
pub(super) const PARTS_OF_ALL_MAX: usize = 8_192;

/// The inputs of a step.
pub(super) enum Split {
    /// For one request.
    Whole(Tensors),
    /// For one request each, in the order of their rows.
    Parts(Vec<Tensors>),
    /// There are no rows to run.
    Nothing,
}

/// Splits `inputs` into what `spec` takes at a time. Inputs that do not have the same rows are left
/// as they are, for admission to refuse.
///
/// # Errors
/// [`InferError::Invalid`] when there are more parts than [`PARTS_MAX`].
pub(super) fn split(spec: &ModelSpec, inputs: Tensors) -> Result<Split, InferError> {
    let rows = |(_, tensor): &(Arc<str>, Tensor)| tensor.shape().first().copied();
    let first = inputs.first().and_then(rows);
    let Some(all) = first.filter(|_| spec.is_batched && inputs.iter().all(|it| rows(it) == first))
    else {
        return Ok(Split::Whole(inputs));
    };
    if all == 0 {
        return Ok(Split::Nothing);
    }
    if all <= spec.rows_max {
        return Ok(Split::Whole(inputs));
    }
    let count = all.div_ceil(spec.rows_max);
    if count > PARTS_MAX {
        return Err(InferError::Invalid(format!(
            "{all} rows are {count} requests to model '{}', which takes {} at a time; a step may \
             have at most {PARTS_MAX}",
            spec.name, spec.rows_max
        )));
    }
    let part = |index: usize| -> Tensors {
        let start = index * spec.rows_max;
        let rows = start..all.min(start + spec.rows_max);
        let part =
            |(name, tensor): &(Arc<str>, Tensor)| Some((name.clone(), tensor.rows(rows.clone())?));
        inputs.iter().filter_map(part).collect()
    };
    Ok(Split::Parts((0..count).map(part).collect()))
}

/// What a model would make of no rows: axes of any size are 0, too.
///
/// # Errors
/// [`InferError::Backend`] when that is no tensor.
pub(super) fn of_no_rows(
    spec: &ModelSpec,
    outputs: &[RequestedOutput],
) -> Result<Response, InferError> {
    let size = |dim: &Dim| match dim {
        Dim::Any => 0,
        Dim::Fixed(size) => *size,
    };
    let known = outputs.iter().filter_map(|output| spec.signature.output(&output.name));
    let empty = known.map(|output| {
        let shape = std::iter::once(0).chain(output.dims.iter().map(size)).collect();
        let tensor = Tensor::new(output.data_type, shape, Storage::Host(Vec::new().into()));
        Ok((output.name.clone(), tensor.map_err(|error| cannot_join(&output.name, &error))?))
    });
    Ok(Response { outputs: empty.collect::<Result<_, InferError>>()? })
}

/// Whether [`join`] can make one of them where they are: on the host, or side by side.
pub(super) fn can_join(parts: &[Tensors]) -> bool {
    let is_on_host = |(_, tensor): &(Arc<str>, Tensor)| tensor.device() == DeviceId::Cpu;
    parts.iter().flatten().all(is_on_host) || {
        let Some((first, rest)) = parts.split_first() else { return true };
        first.iter().enumerate().all(|(index, (_, first))| {
            let rest: Vec<_> = rest.iter().filter_map(|part| Some(&part.get(index)?.1)).collect();
            joined(first, &rest).is_some()
        })
    }
}

/// The answers of all parts as one; what has to be copied for that is counted in `copies`.
///
/// # Errors
/// [`InferError::Backend`] when their rows are not alike.
pub(super) fn join(parts: &[Tensors], copies: &CopyCounter) -> Result<Response, InferError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(Response::default()) };
    let whole = first.iter().enumerate().map(|(index, (name, first))| {
        // Each part was asked for the same outputs, and answers in the order of the question.
        let rest: Vec<_> = rest.iter().filter_map(|part| Some(&part.get(index)?.1)).collect();
        let whole = gather_rows(first, &rest, copies);
        Ok((name.clone(), whole.map_err(|error| cannot_join(name, &error))?))
    });
    Ok(Response { outputs: whole.collect::<Result<_, InferError>>()? })
}

fn cannot_join(name: &str, error: &TensorError) -> InferError {
    InferError::Backend(format!("output '{name}' of several requests: {error}").into())
}

/// The answers of a step's parts, as they come.
pub(super) struct Parts {
    made: Vec<Option<Tensors>>,
    missing: usize,
}

impl Parts {
    /// None of so many has come.
    pub(super) fn new(count: usize) -> Self {
        Self { made: vec![None; count], missing: count }
    }

    /// Keeps one; all of them once the last is there.
    pub(super) fn put(&mut self, part: usize, made: Tensors) -> Option<Vec<Tensors>> {
        if self.made.get_mut(part)?.replace(made).is_none() {
            self.missing -= 1;
        }
        (self.missing == 0).then(|| self.made.drain(..).flatten().collect())
    }
}
