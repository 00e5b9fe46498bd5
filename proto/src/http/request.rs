//! From a body to a request: its JSON, and the binary tensors behind it.

use std::num::NonZeroUsize;
use std::ops::Range;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::parts::Parameter;
use nereid_backend::tensor::elements;

use super::data;
use super::json::{Fault, Read, Reader};
use super::regions::StatedPart;
use crate::infer::{Data, InferRequest, Input, NamedOutput, check_length};

/// Decodes the `body` of a request to `model`, of which the first `header_length` bytes are JSON,
/// or all of it. Binary tensors are shared with the body, not copied.
///
/// # Errors
/// [`InferError::Invalid`], with Triton's texts.
pub fn decode(
    body: &Bytes,
    header_length: Option<usize>,
    model: &str,
) -> Result<InferRequest, InferError> {
    let header_length = header_length.unwrap_or(body.len());
    let Some((header, _)) = body.split_at_checked(header_length) else {
        return Err(wrong_header_length(&header_length.to_string(), body.len()));
    };
    let mut reader = Reader::new(header);
    let mut request = InferRequest::default();
    let mut inputs = None;
    let read = reader.object(|reader, name| match name {
        "id" => {
            request.id = field("id", reader.string())?.into_owned();
            Ok(())
        }
        "parameters" => field("parameters", read_parameters(reader, &mut request)),
        "inputs" => {
            inputs = Some(field("inputs", list(reader, StatedInput::read))?);
            Ok(())
        }
        "outputs" => {
            request.outputs = field("outputs", list(reader, read_output))?;
            Ok(())
        }
        _ => reader.skip(),
    });
    read.and_then(|()| reader.end()).map_err(into_error)?;
    let inputs = inputs.ok_or_else(|| into_error(missing("inputs")))?;
    let mut binary = Binary { body, at: header_length, model };
    for input in inputs {
        request.inputs.push(input.finish(&reader, &mut binary)?);
    }
    binary.end()?;
    Ok(request)
}

/// The error of a header that tells another length than a body of `size` can have.
pub fn wrong_header_length(stated: &str, size: usize) -> InferError {
    let range = format!("(0, {size})");
    InferError::Invalid(format!("inference header size should be in range {range}, got: {stated}"))
}

/// The part of the body behind the JSON.
struct Binary<'b> {
    body: &'b Bytes,
    at: usize,
    model: &'b str,
}

impl Binary<'_> {
    fn take(&mut self, name: &str, size: usize) -> Result<Bytes, InferError> {
        let left = self.body.len() - self.at;
        if size > left {
            let (more, model) = (size - left, self.model);
            return Err(InferError::Invalid(format!(
                "unexpected size for input '{name}', expecting {more} additional bytes for model \
                 '{model}'"
            )));
        }
        let start = self.at;
        self.at += size;
        Ok(self.body.slice(start..self.at))
    }

    fn end(&self) -> Result<(), InferError> {
        if self.at == self.body.len() {
            return Ok(());
        }
        let model = self.model;
        Err(InferError::Invalid(format!("unexpected additional input data for model '{model}'")))
    }
}

/// An input before its data are complete: members may come in any order.
#[derive(Default)]
struct StatedInput {
    name: Option<String>,
    data_type: Option<String>,
    shape: Option<Vec<usize>>,
    data: Option<StatedData>,
    binary_size: Option<usize>,
    shared: StatedPart,
}

enum StatedData {
    /// Read as it came.
    Read(Bytes),
    /// Where it stands: its type or shape came after it.
    At(Range<usize>),
}

impl StatedInput {
    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let mut input = Self::default();
        reader.object(|reader, name| {
            match name {
                "name" => input.name = Some(field(name, reader.string())?.into_owned()),
                "datatype" => input.data_type = Some(field(name, reader.string())?.into_owned()),
                "shape" => input.shape = Some(field(name, list(reader, unsigned))?),
                "data" => input.data = Some(input.read_data(reader)?),
                "parameters" => field(name, input.read_parameters(reader))?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(input)
    }

    fn read_data(&self, reader: &mut Reader<'_>) -> Read<StatedData> {
        let known = self.data_type.as_deref().and_then(DataType::from_name);
        let count = self.shape.as_deref().and_then(elements);
        match (known, count) {
            (Some(data_type), Some(count)) if has_json_form(data_type) => {
                data_field(data_type, data::read(reader, data_type, count)).map(StatedData::Read)
            }
            _ => reader.span().map(StatedData::At),
        }
    }

    fn read_parameters(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        reader.object(|reader, name| {
            match name {
                "binary_data_size" => self.binary_size = Some(field(name, unsigned(reader))?),
                _ => self.shared.read(name, reader)?,
            }
            Ok(())
        })
    }

    /// Completes the data, from `reader`'s text or the `binary` part.
    fn finish(self, reader: &Reader<'_>, binary: &mut Binary<'_>) -> Result<Input, InferError> {
        let name = self.name.as_ref().ok_or_else(|| into_error(missing("name")))?.clone();
        let stated = self.data_type.as_ref().ok_or_else(|| into_error(missing("datatype")))?;
        let shape = self.shape.clone().ok_or_else(|| into_error(missing("shape")))?;
        let data_type = DataType::from_name(stated)
            .ok_or_else(|| InferError::Invalid(format!("invalid datatype for input {name}")))?;
        self.check_one_source()?;
        if let Some(part) = self.shared.part() {
            let data = Data::Shared(part);
            return Ok(Input { data, ..Input::new(name, data_type, &shape, Bytes::new()) });
        }
        let data = match (self.data, self.binary_size) {
            (Some(_), _) if !has_json_form(data_type) => return Err(no_json(data_type, &name)),
            (Some(StatedData::Read(data)), _) => data,
            (Some(StatedData::At(range)), _) => {
                let count = elements(&shape).unwrap_or(usize::MAX);
                let read = data::read(&mut reader.within(range), data_type, count);
                data_field(data_type, read).map_err(into_error)?
            }
            (None, size) => binary.take(&name, size.unwrap_or_default())?,
        };
        Ok(Input::new(name, data_type, &shape, data))
    }

    fn check_one_source(&self) -> Result<(), InferError> {
        let sources = [
            ("'data'", self.data.is_some()),
            ("'binary_data_size'", self.binary_size.is_some()),
            ("'shared_memory_region'", self.shared.is_there()),
        ];
        let set: Vec<_> = sources.iter().filter(|source| source.1).map(|source| source.0).collect();
        let found = match set.as_slice() {
            [_] => return Ok(()),
            [] => "no field is set".to_owned(),
            all => format!("set {}", all.join(" ")),
        };
        Err(InferError::Invalid(format!(
            "Input must set only one of the following fields: 'data', 'binary_data_size' in \
             'parameters', 'shared_memory_region' in 'parameters'. But {found}"
        )))
    }
}

fn has_json_form(data_type: DataType) -> bool {
    !matches!(data_type, DataType::Fp16 | DataType::Bf16)
}

fn no_json(data_type: DataType, name: &str) -> InferError {
    let data_type = data_type.name();
    InferError::Invalid(format!(
        "receiving {data_type} data via JSON is not supported. Please use the binary data format \
         for input {name}"
    ))
}

fn read_output(reader: &mut Reader<'_>) -> Read<NamedOutput> {
    let mut output = None;
    let mut wanted = StatedOutput::default();
    reader.object(|reader, name| match name {
        "name" => {
            output = Some(field(name, reader.string())?);
            Ok(())
        }
        "parameters" => field(name, wanted.read_parameters(reader)),
        _ => reader.skip(),
    })?;
    let name = output.ok_or_else(|| missing("name"))?;
    wanted.check_one_place()?;
    let StatedOutput { is_binary, classes, shared } = wanted;
    Ok(NamedOutput { name: (&*name).into(), is_binary, classes, place: shared.part() })
}

/// What the parameters of an output say.
#[derive(Default)]
struct StatedOutput {
    is_binary: bool,
    classes: Option<NonZeroUsize>,
    shared: StatedPart,
}

impl StatedOutput {
    fn read_parameters(&mut self, reader: &mut Reader<'_>) -> Read<()> {
        reader.object(|reader, name| {
            match name {
                "binary_data" => self.is_binary = field(name, reader.boolean())?,
                // None is what Triton takes 0 for, too.
                "classification" => {
                    self.classes = NonZeroUsize::new(field(name, unsigned(reader))?);
                }
                _ => self.shared.read(name, reader)?,
            }
            Ok(())
        })
    }

    fn check_one_place(&self) -> Read<()> {
        let other = match self {
            Self { shared, .. } if !shared.is_there() => return Ok(()),
            Self { classes: Some(_), .. } => "classification",
            Self { is_binary: true, .. } => "binary_data",
            _ => return Ok(()),
        };
        Err(Fault::value(format!("Output can't set both 'shared_memory_region' and '{other}'")))
    }
}

fn read_parameters(reader: &mut Reader<'_>, request: &mut InferRequest) -> Read<()> {
    reader.object(|reader, name| {
        if name.starts_with("triton_") {
            return Err(Fault::value(
                "parameter keys starting with 'triton_' are reserved for Triton usage and should \
                 not be specified.",
            ));
        }
        let value = match (name, reader.peek()) {
            ("binary_data_output", _) => {
                request.is_output_binary = field(name, reader.boolean())?;
                return Ok(());
            }
            ("priority" | "timeout", _) => Parameter::Int(field(name, natural(reader))?),
            (_, Some(b'"')) => Parameter::Text(reader.string()?.into_owned()),
            (_, Some(b't' | b'f')) => Parameter::Bool(reader.boolean()?),
            (_, Some(b'-' | b'0'..=b'9')) => number(reader.number("number")?, name)?,
            _ => {
                reader.skip()?;
                return Err(wrong_parameter(name));
            }
        };
        check_length(request.parameters.len() + 1).map_err(Fault::Value)?;
        request.parameters.insert(name.to_owned(), value);
        Ok(())
    })
}

/// A whole number that does not fit is refused: as a double it would be another number.
fn number(text: &str, name: &str) -> Read<Parameter> {
    let value = if text.contains(['.', 'e', 'E']) {
        text.parse().ok().map(Parameter::Double)
    } else {
        text.parse().ok().map(Parameter::Int)
    };
    value.ok_or_else(|| wrong_parameter(name))
}

fn wrong_parameter(name: &str) -> Fault {
    Fault::value(format!(
        "parameter '{name}' has invalid type. It should be either 'int', 'bool', or 'string'."
    ))
}

fn list<T>(reader: &mut Reader<'_>, element: impl Fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let mut all = Vec::new();
    reader.array(|reader| {
        check_length(all.len() + 1).map_err(Fault::Value)?;
        all.push(element(reader)?);
        Ok(())
    })?;
    Ok(all)
}

pub(super) fn unsigned<T: std::str::FromStr>(reader: &mut Reader<'_>) -> Read<T> {
    let text = reader.number("unsigned-integer")?;
    let is_negative = text.starts_with('-');
    text.parse().ok().filter(|_| !is_negative).ok_or_else(|| Fault::not("unsigned-integer"))
}

/// A parameter that is never negative, though its type could be.
fn natural(reader: &mut Reader<'_>) -> Read<i64> {
    i64::try_from(unsigned::<u64>(reader)?).map_err(|_| Fault::not("unsigned-integer"))
}

/// Names the field in whose value the fault is, unless a field within it is named already.
pub(super) fn field<T>(name: &str, read: Read<T>) -> Read<T> {
    read.map_err(|fault| match fault {
        Fault::Value(text) if text.starts_with("attempt ") => {
            Fault::Value(format!("Unable to parse '{name}': {text}"))
        }
        other => other,
    })
}

/// Names where the fault in the data is; Triton has words of its own for strings.
fn data_field<T>(data_type: DataType, read: Read<T>) -> Read<T> {
    read.map_err(|fault| match fault {
        Fault::Value(text) if data_type == DataType::Bytes && text.contains("non-string") => {
            Fault::Value(format!("Unable to parse JSON bytes array: {text}"))
        }
        Fault::Value(text) => Fault::Value(format!("Unable to parse 'data': {text}")),
        syntax @ Fault::Syntax(..) => syntax,
    })
}

pub(super) fn missing(name: &str) -> Fault {
    Fault::Value(format!(
        "Unable to parse '{name}': attempt to access non-existing object member '{name}'"
    ))
}

pub(super) fn into_error(fault: Fault) -> InferError {
    match fault {
        Fault::Value(text) => InferError::Invalid(text),
        Fault::Syntax(text, at) => {
            InferError::Invalid(format!("failed to parse the request JSON buffer: {text} at {at}"))
        }
    }
}

#[cfg(test)]
mod tests;
