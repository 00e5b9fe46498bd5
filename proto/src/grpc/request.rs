//! From a message to a request: its inputs' data come raw, all of them, or typed in each input.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::parts::{Parameter, Parameters};

use super::contents::{self, Fault};
use super::regions;
use crate::infer::{Data, InferRequest, Input, NamedOutput, check_length};
use crate::inference::infer_parameter::ParameterChoice;
use crate::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::inference::{InferParameter, InferTensorContents, ModelInferRequest};

/// The one reserved parameter that a client may set.
const EMPTY_FINAL: &str = "triton_enable_empty_final_response";

/// Decodes a `message`. Raw tensors are shared with it, not copied.
///
/// # Errors
/// [`InferError::Invalid`], with Triton's texts.
pub fn decode(message: ModelInferRequest) -> Result<InferRequest, InferError> {
    check(message.inputs.len())?;
    check(message.outputs.len())?;
    let outputs = message.outputs.into_iter().map(output).collect::<Result<_, _>>()?;
    let parameters = parameters(message.parameters)?;
    let mut data = Sent {
        model: &message.model_name,
        is_raw: !message.raw_input_contents.is_empty(),
        raw: message.raw_input_contents.into_iter(),
    };
    let inputs = message.inputs.into_iter().map(|input| data.complete(input));
    let inputs: Vec<_> = inputs.collect::<Result<_, _>>()?;
    let sent = inputs.iter().filter(|input| matches!(input.data, Data::Sent(_))).count();
    data.end(sent)?;
    Ok(InferRequest { id: message.id, parameters, inputs, outputs, is_output_binary: true })
}

/// The data of the inputs that are yet to come.
struct Sent<'m> {
    model: &'m str,
    is_raw: bool,
    raw: std::vec::IntoIter<Bytes>,
}

impl Sent<'_> {
    /// Completes the next input.
    fn complete(&mut self, mut input: InferInputTensor) -> Result<Input, InferError> {
        check(input.parameters.len())?;
        let contents = input.contents.take();
        let typed = contents.filter(|contents| *contents != InferTensorContents::default());
        let data_type = DataType::from_name(&input.datatype);
        if let Some(part) = regions::part(&input.parameters, &input.name)? {
            if typed.is_some() {
                return Err(self.shared_and_typed(&input));
            }
            check(input.shape.len())?;
            let data = Data::Shared(part);
            return Ok(Input { name: input.name, data_type, shape: input.shape, data });
        }
        let data = match (typed, self.is_raw) {
            (None, true) => self.raw.next().ok_or_else(|| self.no_data(&input))?,
            // An input without any data is one without elements, or a mistake.
            (None, false) if input.shape.contains(&0) => Bytes::new(),
            (None, false) => return Err(self.no_data(&input)),
            (Some(_), true) => return Err(self.both(&input)),
            (Some(contents), false) => self.typed(&input, data_type, &contents)?,
        };
        check(input.shape.len())?;
        let data = Data::Sent(data);
        Ok(Input { name: input.name, data_type, shape: input.shape, data })
    }

    fn end(mut self, expected: usize) -> Result<(), InferError> {
        if self.raw.next().is_none() {
            return Ok(());
        }
        let model = self.model;
        Err(InferError::Invalid(format!(
            "expected {expected} entries of raw_input_contents for model '{model}', one for each \
             input; got more"
        )))
    }

    fn no_data(&self, input: &InferInputTensor) -> InferError {
        let (name, model) = (&input.name, self.model);
        InferError::Invalid(format!(
            "unable to find data for input tensor '{name}' for model '{model}' in request."
        ))
    }

    fn both(&self, input: &InferInputTensor) -> InferError {
        let (name, model) = (&input.name, self.model);
        InferError::Invalid(format!(
            "contents field must not be specified when using raw_input_contents for '{name}' for \
             model '{model}'"
        ))
    }

    fn shared_and_typed(&self, input: &InferInputTensor) -> InferError {
        let (name, model) = (&input.name, self.model);
        InferError::Invalid(format!(
            "unexpected 'content' provided when using shared memory for input tensor '{name}' for \
             model '{model}'"
        ))
    }

    fn typed(
        &self,
        input: &InferInputTensor,
        data_type: Option<DataType>,
        contents: &InferTensorContents,
    ) -> Result<Bytes, InferError> {
        // Nothing reads the data of a type that is none.
        let Some(data_type) = data_type else { return Ok(Bytes::new()) };
        let (name, model, type_name) = (&input.name, self.model, data_type.name());
        contents::read(contents, data_type).map_err(|fault| {
            let whose = format!("input tensor '{name}' for model '{model}'");
            InferError::Invalid(match fault {
                Fault::NoField => format!(
                    "contents of {whose} cannot be {type_name}: send it in raw_input_contents"
                ),
                Fault::OtherField(sent) => format!(
                    "unexpected explicit tensor data for {whose} of type '{}', expected datatype \
                     '{type_name}'",
                    sent.name()
                ),
                Fault::Value(text) => format!("contents of {whose}: {text}"),
            })
        })
    }
}

fn output(output: InferRequestedOutputTensor) -> Result<NamedOutput, InferError> {
    check(output.parameters.len())?;
    let place = regions::part(&output.parameters, &output.name)?;
    let classes = output.parameters.get("classification").map(classes).transpose()?;
    let classes = classes.and_then(NonZeroUsize::new);
    if classes.is_some() && place.is_some() {
        let text = "Output can't set both 'shared_memory_region' and 'classification'";
        return Err(InferError::Invalid(text.to_owned()));
    }
    Ok(NamedOutput { name: output.name.into(), is_binary: true, classes, place })
}

/// How many classes are wanted of an output.
fn classes(asked: &InferParameter) -> Result<usize, InferError> {
    let count = match asked.parameter_choice {
        Some(ParameterChoice::Int64Param(count)) => usize::try_from(count).ok(),
        _ => None,
    };
    count.ok_or_else(|| {
        let text = "invalid value type for 'classification' parameter, expected int64_param";
        InferError::Invalid(text.to_owned())
    })
}

fn parameters(asked: BTreeMap<String, InferParameter>) -> Result<Parameters, InferError> {
    check(asked.len())?;
    let mut parameters = Parameters::new();
    for (name, value) in asked {
        let value = match value.parameter_choice {
            Some(ParameterChoice::BoolParam(value)) => Parameter::Bool(value),
            Some(ParameterChoice::Int64Param(value)) => Parameter::Int(value),
            Some(ParameterChoice::StringParam(value)) => Parameter::Text(value),
            Some(ParameterChoice::DoubleParam(value)) => Parameter::Double(value),
            Some(ParameterChoice::Uint64Param(value)) => {
                Parameter::Int(i64::try_from(value).map_err(|_| wrong_type(&name))?)
            }
            None => return Err(wrong_type(&name)),
        };
        // It is for models that give several responses, or none, to a request.
        if name == EMPTY_FINAL {
            if !matches!(value, Parameter::Bool(_)) {
                return Err(wrong_type(&name));
            }
            continue;
        }
        if name.starts_with("triton_") {
            return Err(InferError::Invalid(
                "parameter keys starting with 'triton_' are reserved for Triton usage. Only the \
                 following keys starting with 'triton_' are allowed: \
                 triton_enable_empty_final_response"
                    .to_owned(),
            ));
        }
        check_known(&name, &value)?;
        parameters.insert(name, value);
    }
    Ok(parameters)
}

/// Checks the parameters that say how a request is scheduled. Whether a timeout is negative is for
/// whoever keeps deadlines to see.
fn check_known(name: &str, value: &Parameter) -> Result<(), InferError> {
    match (name, value) {
        ("priority", Parameter::Int(0..)) | ("timeout", Parameter::Int(_)) => Ok(()),
        ("priority" | "timeout", _) => Err(wrong_type(name)),
        _ => Ok(()),
    }
}

fn wrong_type(name: &str) -> InferError {
    let expected = match name {
        "priority" => ", expected int64_param or uint64_param.",
        "timeout" => ", expected int64_param.",
        EMPTY_FINAL => ", expected bool_param.",
        _ => "",
    };
    InferError::Invalid(format!("invalid value type for '{name}' parameter{expected}"))
}

fn check(length: usize) -> Result<(), InferError> {
    check_length(length).map_err(InferError::Invalid)
}

#[cfg(test)]
mod tests;
