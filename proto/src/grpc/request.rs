//! From a message to a request: its inputs' data come raw, all of them, or typed in each input.

use std::collections::BTreeMap;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::parts::{Parameter, Parameters};

use super::contents::{self, Fault};
use crate::infer::{InferRequest, Input, NamedOutput, check_length, unsupported};
use crate::inference::infer_parameter::ParameterChoice;
use crate::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::inference::{InferParameter, InferTensorContents, ModelInferRequest};

/// Decodes a `message`. Raw tensors are shared with it, not copied.
///
/// # Errors
/// [`InferError::Invalid`], with Triton's texts; [`InferError::Unsupported`] for extensions that
/// are not there.
pub fn decode(message: ModelInferRequest) -> Result<InferRequest, InferError> {
    check(message.inputs.len())?;
    check(message.outputs.len())?;
    let outputs = message.outputs.into_iter().map(output).collect::<Result<_, _>>()?;
    let parameters = parameters(message.parameters)?;
    let mut data = Data {
        id: &message.id,
        model: &message.model_name,
        is_raw: !message.raw_input_contents.is_empty(),
        raw: message.raw_input_contents.into_iter(),
    };
    let inputs = message.inputs.into_iter().map(|input| data.complete(input));
    let inputs: Vec<_> = inputs.collect::<Result<_, _>>()?;
    data.end(inputs.len())?;
    Ok(InferRequest { id: message.id, parameters, inputs, outputs, is_output_binary: true })
}

/// The data of the inputs that are yet to come.
struct Data<'m> {
    id: &'m str,
    model: &'m str,
    is_raw: bool,
    raw: std::vec::IntoIter<Bytes>,
}

impl Data<'_> {
    /// Completes the next input.
    fn complete(&mut self, mut input: InferInputTensor) -> Result<Input, InferError> {
        check(input.parameters.len())?;
        if input.parameters.contains_key("shared_memory_region") {
            return Err(InferError::Unsupported(unsupported("shared memory")));
        }
        let contents = input.contents.take();
        let typed = contents.filter(|contents| *contents != InferTensorContents::default());
        let data_type = DataType::from_name(&input.datatype).ok_or_else(|| {
            InferError::Invalid(format!("invalid datatype for input {}", input.name))
        })?;
        let data = match (typed, self.is_raw) {
            (None, true) => self.raw.next().ok_or_else(|| self.no_data(&input))?,
            // An input without any data is one without elements, or a mistake.
            (None, false) if input.shape.contains(&0) => Bytes::new(),
            (None, false) => return Err(self.no_data(&input)),
            (Some(_), true) => return Err(self.both(&input)),
            (Some(contents), false) => self.typed(&input, data_type, &contents)?,
        };
        let shape = self.shape(&input)?;
        Ok(Input { name: input.name, data_type, shape, data })
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

    fn shape(&self, input: &InferInputTensor) -> Result<Vec<usize>, InferError> {
        check(input.shape.len())?;
        let sizes = input.shape.iter().map(|&size| usize::try_from(size).ok());
        sizes.collect::<Option<_>>().ok_or_else(|| {
            let text =
                format!("shape of input '{}' has a negative size: {:?}", input.name, input.shape);
            InferError::Invalid(id_prefix(self.id) + &text)
        })
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

    fn typed(
        &self,
        input: &InferInputTensor,
        data_type: DataType,
        contents: &InferTensorContents,
    ) -> Result<Bytes, InferError> {
        let (name, model, type_name) = (&input.name, self.model, data_type.name());
        contents::read(contents, data_type).map_err(|fault| {
            let whose = format!("input tensor '{name}' for model '{model}'");
            InferError::Invalid(match fault {
                Fault::NoField => format!(
                    "contents of {whose} cannot be {type_name}: send it in raw_input_contents"
                ),
                Fault::OtherField => format!(
                    "unexpected explicit tensor data for {whose} of type '{type_name}', in the \
                     contents of another type"
                ),
                Fault::Value(text) => format!("contents of {whose}: {text}"),
            })
        })
    }
}

fn output(output: InferRequestedOutputTensor) -> Result<NamedOutput, InferError> {
    check(output.parameters.len())?;
    for name in ["classification", "shared_memory_region"] {
        if output.parameters.contains_key(name) {
            return Err(InferError::Unsupported(unsupported(&format!("'{name}'"))));
        }
    }
    Ok(NamedOutput { name: output.name.into(), is_binary: true, classes: None })
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
        if name.starts_with("triton_") {
            return Err(InferError::Invalid(
                "Only the following keys starting with 'triton_' are allowed: \
                 triton_enable_empty_final_response"
                    .to_owned(),
            ));
        }
        // As over HTTP; `timeout` is read, and refused, by whoever keeps deadlines.
        if name == "priority" && !matches!(value, Parameter::Int(0..)) {
            return Err(wrong_type(&name));
        }
        parameters.insert(name, value);
    }
    Ok(parameters)
}

fn wrong_type(name: &str) -> InferError {
    InferError::Invalid(format!("invalid value type for '{name}' parameter"))
}

fn check(length: usize) -> Result<(), InferError> {
    check_length(length).map_err(InferError::Invalid)
}

#[cfg(test)]
mod tests;
