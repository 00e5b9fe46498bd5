//! Reads `onnx.proto`'s messages, as far as inputs and outputs are described there. Field numbers
//! are those of IR version 3 and later.

use std::collections::HashSet;
use std::io::{Cursor, Read, Result, Seek};

use nereid_backend::error::LoadError;
use nereid_backend::spec::Dim;

use crate::element_type;
use crate::graph::{Graph, Port};
use crate::protobuf::{Message, Value};

/// Largest description of one input or output, and longest name.
const DESCRIPTION_BYTES_MAX: usize = 64 << 10;

/// See [`RawGraph::ir_version`].
const IR_VERSION_WITH_DEFAULTS: u64 = 4;

/// As read, before it is known whether it can be served.
#[derive(Default)]
pub(crate) struct RawGraph {
    inputs: Vec<RawPort>,
    outputs: Vec<RawPort>,
    /// Names of weights.
    initializers: HashSet<String>,
    /// Before version 4, every weight had to be among the inputs; since then, one that is there
    /// may be given another value.
    ir_version: u64,
}

#[derive(Default)]
struct RawPort {
    name: String,
    kind: Kind,
}

#[derive(Default)]
enum Kind {
    #[default]
    Unknown,
    Tensor {
        number: i32,
        dims: Option<Vec<Dim>>,
    },
    Other(&'static str),
}

impl RawGraph {
    /// `ModelProto`: `None` if there is no graph in it.
    ///
    /// # Errors
    /// When it is no such message.
    pub(crate) fn read<R: Read + Seek>(mut model: Message<R>) -> Result<Option<Self>> {
        let (mut graph, mut ir_version) = (None, 0);
        while let Some((field, value)) = model.next()? {
            match (field, value) {
                (1, Value::Number(version)) => ir_version = version,
                (7, Value::Bytes) => graph = Some(Self::read_graph(model.enter())?),
                _ => {}
            }
        }
        Ok(graph.map(|graph| Self { ir_version, ..graph }))
    }

    /// `GraphProto`.
    fn read_graph<R: Read + Seek>(mut graph: Message<R>) -> Result<Self> {
        let mut raw = Self::default();
        while let Some((field, value)) = graph.next()? {
            match (field, value) {
                (5, Value::Bytes) => raw.initializers.extend(initializer_name(graph.enter())?),
                (11, Value::Bytes) => raw.inputs.push(RawPort::read(&description(&mut graph)?)?),
                (12, Value::Bytes) => raw.outputs.push(RawPort::read(&description(&mut graph)?)?),
                _ => {}
            }
        }
        Ok(raw)
    }

    /// Keeps what a caller must or may give, and gets.
    ///
    /// # Errors
    /// All types that cannot be served, one a line.
    pub(crate) fn check(self) -> std::result::Result<Graph, LoadError> {
        let mut errors = Vec::new();
        let mut check =
            |what, port: RawPort| port.check(what).map_err(|text| errors.push(text)).ok();
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in self.inputs {
            if !self.initializers.contains(&input.name) {
                inputs.extend(check("input", input));
            } else if self.ir_version >= IR_VERSION_WITH_DEFAULTS {
                // One of a type that cannot be served is a weight like others.
                let default = input.check("input").ok();
                inputs.extend(default.map(|port| Port { has_default: true, ..port }));
            }
        }
        let outputs = self.outputs.into_iter().filter_map(|port| check("output", port)).collect();
        if errors.is_empty() {
            Ok(Graph { inputs, outputs })
        } else {
            Err(LoadError::new(errors.join("\n")))
        }
    }
}

impl RawPort {
    /// `ValueInfoProto`.
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut raw = Self::default();
        let mut port = within(bytes);
        while let Some((field, value)) = port.next()? {
            match (field, value) {
                (1, Value::Bytes) => raw.name = text(&description(&mut port)?),
                (2, Value::Bytes) => raw.kind = Kind::read(&description(&mut port)?)?,
                _ => {}
            }
        }
        Ok(raw)
    }

    fn check(self, what: &str) -> std::result::Result<Port, String> {
        let name = self.name;
        let unsupported = |kind: &str| {
            format!(
                "{what} '{name}' of the model is {kind}, which is not supported: only tensors are"
            )
        };
        match self.kind {
            Kind::Unknown => Err(unsupported("of no known type")),
            Kind::Other(kind) => Err(unsupported(kind)),
            Kind::Tensor { number, dims } => match element_type::from_onnx(number) {
                Ok(data_type) => Ok(Port { name, data_type, dims, has_default: false }),
                Err(element) => Err(format!(
                    "{what} '{name}' of the model has element type {element}, which is not supported"
                )),
            },
        }
    }
}

impl Kind {
    /// `TypeProto`.
    fn read(bytes: &[u8]) -> Result<Self> {
        let mut kind = Self::Unknown;
        let mut type_ = within(bytes);
        while let Some((field, value)) = type_.next()? {
            kind = match (field, value) {
                (1, Value::Bytes) => Self::read_tensor(type_.enter())?,
                (4, Value::Bytes) => Self::Other("a sequence"),
                (5, Value::Bytes) => Self::Other("a map"),
                (7, Value::Bytes) => Self::Other("an opaque value"),
                (8, Value::Bytes) => Self::Other("a sparse tensor"),
                (9, Value::Bytes) => Self::Other("an optional value"),
                _ => kind,
            };
        }
        Ok(kind)
    }

    /// `TypeProto.Tensor`.
    fn read_tensor<R: Read + Seek>(mut tensor: Message<R>) -> Result<Self> {
        let (mut number, mut dims) = (0, None);
        while let Some((field, value)) = tensor.next()? {
            match (field, value) {
                (1, Value::Number(element)) => number = i32::try_from(element).unwrap_or_default(),
                (2, Value::Bytes) => dims = Some(read_shape(tensor.enter())?),
                _ => {}
            }
        }
        Ok(Self::Tensor { number, dims })
    }
}

/// `TensorShapeProto`.
fn read_shape<R: Read + Seek>(mut shape: Message<R>) -> Result<Vec<Dim>> {
    let mut dims = Vec::new();
    while let Some((field, value)) = shape.next()? {
        if (field, value) == (1, Value::Bytes) {
            dims.push(read_dim(shape.enter())?);
        }
    }
    Ok(dims)
}

/// `TensorShapeProto.Dimension`: a number, or a name that stands for any.
fn read_dim<R: Read + Seek>(mut dimension: Message<R>) -> Result<Dim> {
    let mut dim = Dim::Any;
    while let Some((field, value)) = dimension.next()? {
        if let (1, Value::Number(size)) = (field, value) {
            // Some exporters write -1.
            dim = usize::try_from(size.cast_signed()).map_or(Dim::Any, Dim::Fixed);
        }
    }
    Ok(dim)
}

/// `TensorProto`, of which only the name matters.
fn initializer_name<R: Read + Seek>(mut tensor: Message<R>) -> Result<Option<String>> {
    let mut name = None;
    while let Some((field, value)) = tensor.next()? {
        if (field, value) == (8, Value::Bytes) {
            name = Some(text(&description(&mut tensor)?));
        }
    }
    Ok(name)
}

fn description<R: Read + Seek>(message: &mut Message<R>) -> Result<Vec<u8>> {
    message.take(DESCRIPTION_BYTES_MAX)
}

fn within(bytes: &[u8]) -> Message<Cursor<&[u8]>> {
    // A slice's length fits 64 bits.
    Message::new(Cursor::new(bytes), bytes.len() as u64)
}

/// ONNX asks for UTF-8; the engine will say so if a name is not.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
