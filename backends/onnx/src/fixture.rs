//! What the tests need: tiny models, written byte by byte, and the one engine of the process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{OnnxRuntime, Settings};

/// The engine over the library that the environment names.
pub(crate) fn engine() -> &'static OnnxRuntime {
    static ENGINE: OnceLock<OnnxRuntime> = OnceLock::new();
    ENGINE.get_or_init(|| crate::init(&library(), Settings::default()).unwrap())
}

pub(crate) fn library() -> PathBuf {
    const VARIABLE: &str = "NEREID_ONNXRUNTIME_LIBRARY";
    let path = std::env::var_os(VARIABLE);
    path.unwrap_or_else(|| panic!("set {VARIABLE} to the path of libonnxruntime.so")).into()
}

/// A folder that is removed with all that is in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder for the test called `name`.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nereid-onnx-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A `ModelProto` in the making. Element types are ONNX's numbers; an axis of -1 is one with a
/// name.
pub(crate) struct Onnx {
    graph: Vec<u8>,
    ir_version: u64,
}

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT32: u64 = 6;
pub(crate) const INT64: u64 = 7;
pub(crate) const BOOL: u64 = 9;
pub(crate) const DOUBLE: u64 = 11;

impl Onnx {
    pub(crate) fn new() -> Self {
        let mut graph = Vec::new();
        bytes(&mut graph, 2, b"graph");
        Self { graph, ir_version: 8 }
    }

    pub(crate) fn ir_version(self, ir_version: u64) -> Self {
        Self { ir_version, ..self }
    }

    pub(crate) fn input(mut self, name: &str, element: u64, dims: &[i64]) -> Self {
        bytes(&mut self.graph, 11, &value_info(name, &tensor_type(element, Some(dims))));
        self
    }

    pub(crate) fn output(mut self, name: &str, element: u64, dims: &[i64]) -> Self {
        bytes(&mut self.graph, 12, &value_info(name, &tensor_type(element, Some(dims))));
        self
    }

    pub(crate) fn output_without_shape(mut self, name: &str, element: u64) -> Self {
        bytes(&mut self.graph, 12, &value_info(name, &tensor_type(element, None)));
        self
    }

    /// An output of another kind of `TypeProto`: the field's number.
    pub(crate) fn output_of_kind(mut self, name: &str, kind: u64) -> Self {
        let mut type_ = Vec::new();
        bytes(&mut type_, kind, &[]);
        bytes(&mut self.graph, 12, &value_info(name, &type_));
        self
    }

    pub(crate) fn node(mut self, operator: &str, inputs: &[&str], output: &str) -> Self {
        let mut node = Vec::new();
        for input in inputs {
            bytes(&mut node, 1, input.as_bytes());
        }
        bytes(&mut node, 2, output.as_bytes());
        bytes(&mut node, 4, operator.as_bytes());
        bytes(&mut self.graph, 1, &node);
        self
    }

    /// A weight of these dims, whose elements are `raw`.
    pub(crate) fn weight(mut self, name: &str, element: u64, dims: &[u64], raw: &[u8]) -> Self {
        let mut tensor = Vec::new();
        for &size in dims {
            number(&mut tensor, 1, size);
        }
        number(&mut tensor, 2, element);
        bytes(&mut tensor, 8, name.as_bytes());
        bytes(&mut tensor, 9, raw);
        bytes(&mut self.graph, 5, &tensor);
        self
    }

    /// A `Loop` of one variable over `body`; `inputs` are its iterations, nothing, and the variable.
    pub(crate) fn looping(mut self, inputs: &[&str], output: &str, body: &Self) -> Self {
        let (mut node, mut attribute) = (Vec::new(), Vec::new());
        for input in inputs {
            bytes(&mut node, 1, input.as_bytes());
        }
        bytes(&mut node, 2, output.as_bytes());
        bytes(&mut node, 4, b"Loop");
        bytes(&mut attribute, 1, b"body");
        bytes(&mut attribute, 6, &body.graph);
        number(&mut attribute, 20, 5); // It is a graph.
        bytes(&mut node, 5, &attribute);
        bytes(&mut self.graph, 1, &node);
        self
    }

    /// The whole file: IR version 8 unless another is set, operators of version 13.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (mut model, mut operators) = (Vec::new(), Vec::new());
        number(&mut operators, 2, 13);
        number(&mut model, 1, self.ir_version);
        bytes(&mut model, 8, &operators);
        bytes(&mut model, 7, &self.graph);
        model
    }
}

fn value_info(name: &str, type_: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    bytes(&mut value, 1, name.as_bytes());
    bytes(&mut value, 2, type_);
    value
}

fn tensor_type(element: u64, dims: Option<&[i64]>) -> Vec<u8> {
    let (mut tensor, mut type_) = (Vec::new(), Vec::new());
    number(&mut tensor, 1, element);
    if let Some(dims) = dims {
        let mut shape = Vec::new();
        for &size in dims {
            let mut dim = Vec::new();
            match size {
                -1 => bytes(&mut dim, 2, b"n"),
                size => number(&mut dim, 1, size.cast_unsigned()),
            }
            bytes(&mut shape, 1, &dim);
        }
        bytes(&mut tensor, 2, &shape);
    }
    bytes(&mut type_, 1, &tensor);
    type_
}

/// A varint field.
fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

/// A field of bytes.
fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, u64::try_from(value.len()).unwrap());
    to.extend_from_slice(value);
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap());
}
