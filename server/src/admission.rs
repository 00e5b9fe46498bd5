//! What a model does not want never reaches its queue: after this, a request fits its signature.
//!
//! The texts are Triton's, which clients match, and so is the order of the checks.

mod tensors;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use nereid_backend::device::DeviceId;
use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::parts::{Parameters, RequestedOutput, Tensors};
use nereid_backend::request::Hold;
use nereid_backend::spec::{ModelSpec, TensorSpec};
use nereid_proto::infer::{InferRequest, Input, NamedOutput, RegionPart};

use crate::classification::Classes;
use crate::inference;
use crate::regions::Regions;

/// What a client asks of a model, whatever protocol it speaks.
#[derive(Default)]
pub struct Ask {
    /// The client's own name for the request; may be empty.
    pub id: Arc<str>,
    /// Inputs in the order in which they came.
    pub inputs: Vec<Input>,
    /// Outputs in the order in which they are wanted; none means all.
    pub outputs: Vec<Arc<str>>,
    /// Of which outputs classes are wanted.
    pub classes: Classes,
    /// Which outputs are to be written to shared memory, and where.
    pub places: BTreeMap<Arc<str>, RegionPart>,
    /// The client's parameters, less those that have a field here.
    pub parameters: Parameters,
    /// How long the client will wait.
    pub timeout: Option<Duration>,
    /// What is counted as in flight until the request is gone.
    pub hold: Hold,
}

/// Inputs that fit a model, in its order, and their rows along the batch axis.
#[derive(Debug)]
pub struct Admitted {
    /// The inputs.
    pub inputs: Tensors,
    /// Rows of each of them; 1 if the model does not batch.
    pub rows: NonZeroUsize,
}

/// Makes an [`Ask`] of what a codec has decoded, and of what is counted for it.
///
/// # Errors
/// [`InferError::Invalid`] when its timeout is none.
pub fn ask(request: InferRequest, hold: Hold) -> Result<Ask, InferError> {
    let InferRequest { id, mut parameters, inputs, outputs, .. } = request;
    let timeout = parameters.remove("timeout").as_ref().map(inference::timeout).transpose()?;
    let classes = outputs.iter().filter_map(|output| Some((output.name.clone(), output.classes?)));
    let place = |output: &NamedOutput| Some((output.name.clone(), output.place.clone()?));
    Ok(Ask {
        places: outputs.iter().filter_map(place).collect(),
        id: id.into(),
        inputs,
        classes: classes.collect(),
        outputs: outputs.into_iter().map(|output| output.name).collect(),
        parameters,
        timeout: timeout.flatten(),
        hold,
    })
}

/// Turns the inputs of `ask` into tensors that fit `spec`. Those that are not in the request are where
/// `regions` say.
///
/// # Errors
/// [`InferError::Invalid`], and [`InferError::UnknownRegion`].
pub fn admit(spec: &ModelSpec, ask: &mut Ask, regions: &Regions) -> Result<Admitted, InferError> {
    let names: Vec<&str> = ask.inputs.iter().map(|input| &*input.name).collect();
    check_names(spec, &ask.id, &names)?;
    let inputs = std::mem::take(&mut ask.inputs);
    tensors::read(spec, &ask.id, &inputs, regions)
}

/// Checks tensors, whoever made them, against the model that is to take them, and puts them in
/// its order.
///
/// # Errors
/// [`InferError::Invalid`].
pub fn fit(spec: &ModelSpec, id: &str, inputs: Tensors) -> Result<Admitted, InferError> {
    let names: Vec<&str> = inputs.iter().map(|(name, _)| &**name).collect();
    check_names(spec, id, &names)?;
    tensors::fit(spec, id, inputs)
}

/// The outputs that `names` ask for, on the host, but those that have one of the `places`; all of them if it
/// names none. As in Triton, one that is named again is answered once: a small request must not multiply
/// its answer.
///
/// # Errors
/// [`InferError::Invalid`] when the model has no such output.
pub fn requested_outputs(
    spec: &ModelSpec,
    names: &[Arc<str>],
    places: &BTreeMap<Arc<str>, RegionPart>,
) -> Result<Vec<RequestedOutput>, InferError> {
    if names.is_empty() {
        return Ok(all_outputs(spec));
    }
    let most = names.len().min(spec.signature.outputs.len());
    let mut requested: Vec<RequestedOutput> = Vec::with_capacity(most);
    for name in names {
        if spec.signature.output(name).is_none() {
            return Err(unexpected("output", name, spec));
        }
        if !requested.iter().any(|earlier| earlier.name == *name) {
            let is_sent = !places.contains_key(name);
            let place = is_sent.then_some(DeviceId::Cpu);
            requested.push(RequestedOutput { name: name.clone(), place });
        }
    }
    Ok(requested)
}

/// All that a model makes, on the host.
pub fn all_outputs(spec: &ModelSpec) -> Vec<RequestedOutput> {
    spec.signature.outputs.iter().map(|output| on_host(&output.name)).collect()
}

fn on_host(name: &Arc<str>) -> RequestedOutput {
    RequestedOutput { name: name.clone(), place: Some(DeviceId::Cpu) }
}

fn check_names(spec: &ModelSpec, id: &str, names: &[&str]) -> Result<(), InferError> {
    // Among one more than the model has, one is there twice or unknown; so the time does not grow
    // with the square of what a client sends.
    let first = &names[..names.len().min(spec.signature.inputs.len() + 1)];
    for (index, name) in first.iter().enumerate() {
        if first[..index].contains(name) {
            return Err(invalid(id, &format!("input '{name}' already exists in request")));
        }
    }
    let required = spec.signature.inputs.iter().filter(|input| !input.is_optional).count();
    let all = spec.signature.inputs.len();
    if names.len() < required || names.len() > all {
        return Err(invalid(id, &wrong_count(spec, names)));
    }
    if let Some(unknown) = names.iter().find(|name| spec.signature.input(name).is_none()) {
        return Err(unexpected("input", unknown, spec));
    }
    match missing(spec, names).next() {
        Some(_) => Err(invalid(id, &wrong_count(spec, names))),
        None => Ok(()),
    }
}

/// The inputs that are required and have none of these names.
fn missing<'a>(spec: &'a ModelSpec, names: &'a [&str]) -> impl Iterator<Item = &'a TensorSpec> {
    let is_missing = |input: &&TensorSpec| !input.is_optional && !names.contains(&&*input.name);
    spec.signature.inputs.iter().filter(is_missing)
}

/// Triton lists the inputs that came in the order of a hash table. Ours come as they were sent.
fn wrong_count(spec: &ModelSpec, names: &[&str]) -> String {
    let got: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let missing: Vec<_> = missing(spec, names).map(|input| format!("'{}'", input.name)).collect();
    let required = spec.signature.inputs.iter().filter(|input| !input.is_optional).count();
    let all = spec.signature.inputs.len();
    let expected =
        if required == all { all.to_string() } else { format!("between {required} and {all}") };
    format!(
        "expected {expected} inputs but got {} inputs for model '{}'. Got input(s) [{}], but \
         missing required input(s) [{}]. Please provide all required input(s).",
        names.len(),
        spec.name,
        got.join(","),
        missing.join(",")
    )
}

fn unexpected(what: &str, name: &str, spec: &ModelSpec) -> InferError {
    InferError::Invalid(format!("unexpected inference {what} '{name}' for model '{}'", spec.name))
}

fn invalid(id: &str, text: &str) -> InferError {
    InferError::Invalid(id_prefix(id) + text)
}

#[cfg(test)]
mod tests;
