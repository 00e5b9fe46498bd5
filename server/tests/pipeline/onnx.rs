//! ONNX files of nets. The messages are those of `onnx.proto` (github.com/onnx/onnx), as far as they are
//! needed.

use prost::Message;

use crate::net::Net;
use crate::repository::Model;

/// `TensorProto.DataType`.
const FLOAT: i32 = 1;
const DOUBLE: i32 = 11;

#[derive(Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    operators: Vec<OperatorSet>,
}

#[derive(Message)]
struct OperatorSet {
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    weights: Vec<Weight>,
    #[prost(message, repeated, tag = "11")]
    inputs: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    outputs: Vec<Value>,
}

#[derive(Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    outputs: Vec<String>,
    #[prost(string, tag = "4")]
    operator: String,
}

#[derive(Message)]
struct Weight {
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes, tag = "9")]
    data: Vec<u8>,
}

#[derive(Message)]
struct Value {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Kind>,
}

#[derive(Message)]
struct Kind {
    #[prost(message, optional, tag = "1")]
    tensor: Option<Tensor>,
}

#[derive(Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    data_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dims: Vec<Dim>,
}

#[derive(Clone, Message)]
struct Dim {
    #[prost(int64, optional, tag = "1")]
    size: Option<i64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

/// A model of FP32.
pub(crate) fn narrow(net: &Net) -> Model {
    model(net, FLOAT, |number| number.to_le_bytes().to_vec())
}

/// A model of FP64.
pub(crate) fn wide(net: &Net) -> Model {
    model(net, DOUBLE, |number| f64::from(number).to_le_bytes().to_vec())
}

/// `x` times the factor is `scaled`, and that with the bias `y`.
fn model(net: &Net, data_type: i32, bytes: impl Fn(f32) -> Vec<u8>) -> Model {
    assert_eq!(
        net.stride, 1,
        "operators of ONNX that take every n-th number are not on the device"
    );
    let node = |operator: &str, inputs: [&str; 2], output: &str| Node {
        inputs: inputs.map(str::to_owned).to_vec(),
        outputs: vec![output.to_owned()],
        operator: operator.to_owned(),
    };
    let weight =
        |name: &str, number| Weight { data_type, name: name.to_owned(), data: bytes(number) };
    let rows = Dim { size: None, name: Some("rows".to_owned()) };
    let size = |size: &usize| Dim { size: Some(i64::try_from(*size).unwrap()), name: None };
    let dims: Vec<_> = [rows].into_iter().chain(net.shape.iter().map(size)).collect();
    let value = |name: &str| Value {
        name: name.to_owned(),
        kind: Some(Kind {
            tensor: Some(Tensor { data_type, shape: Some(Shape { dims: dims.clone() }) }),
        }),
    };
    let graph = Graph {
        nodes: vec![node("Mul", ["x", "factor"], "scaled"), node("Add", ["scaled", "bias"], "y")],
        name: "net".to_owned(),
        weights: vec![weight("factor", net.factor), weight("bias", net.bias)],
        inputs: vec![value("x")],
        outputs: vec![value("y")],
    };
    let operators = vec![OperatorSet { version: 13 }];
    let file = ModelProto { ir_version: 8, graph: Some(graph), operators }.encode_to_vec();
    let config = "backend: \"onnxruntime\" max_batch_size: 4 instance_group { kind: KIND_GPU }";
    Model::new(net.name, config.to_owned()).with_file("model.onnx", file)
}
