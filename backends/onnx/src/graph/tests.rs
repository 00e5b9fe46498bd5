use super::*;
use crate::fixture::{FLOAT, Folder, INT32, INT64, Onnx};

fn read(name: &str, bytes: &[u8]) -> Result<Graph, String> {
    let folder = Folder::new(name);
    let path = folder.write("model.onnx", bytes);
    Graph::read(&path).map_err(|error| {
        let folder = folder.path().to_string_lossy().into_owned();
        error.to_string().replace(&folder, "")
    })
}

fn port(name: &str, data_type: DataType, dims: Option<&[i64]>) -> Port {
    let dims = dims.map(|dims| dims.iter().map(|&size| Dim::from_wire(size).unwrap()).collect());
    Port { name: name.into(), data_type, dims, has_default: false }
}

#[test]
fn tells_what_callers_give_and_get() {
    let model = Onnx::new()
        .weight("w", FLOAT, &[70_000], &vec![0; 280_000])
        .input("x", INT32, &[-1, 3])
        .input("w", FLOAT, &[70_000])
        .node("Identity", &["x"], "y")
        .output("y", INT32, &[-1, 3])
        .output("scalar", INT64, &[])
        .output_without_shape("free", FLOAT);
    let expected = Graph {
        inputs: vec![
            port("x", DataType::Int32, Some(&[-1, 3])),
            Port { has_default: true, ..port("w", DataType::Fp32, Some(&[70_000])) },
        ],
        outputs: vec![
            port("y", DataType::Int32, Some(&[-1, 3])),
            port("scalar", DataType::Int64, Some(&[])),
            port("free", DataType::Fp32, None),
        ],
    };
    assert_eq!(read("tells", &model.encode()), Ok(expected));
}

#[test]
fn a_weight_may_be_an_input_for_who_names_it() {
    let names = |model: &Onnx, user: &[&str]| {
        let stated = user.iter().map(|name| TensorSpec::new(name, DataType::Fp32, Vec::new()));
        let user =
            Signature { inputs: stated.collect(), outputs: Vec::new(), ..Signature::default() };
        let signature = read("default", &model.encode()).unwrap().signature(&user, 0).unwrap();
        let inputs =
            signature.inputs.iter().map(|input| (input.name.to_string(), input.is_optional));
        inputs.collect::<Vec<_>>()
    };
    let model = || Onnx::new().weight("w", FLOAT, &[1], &[0; 4]).input("x", FLOAT, &[1]);
    let x = [("x".to_owned(), false)];
    let new = model().input("w", FLOAT, &[1]);
    assert_eq!(names(&new, &[]), x);
    let both = [("x".to_owned(), false), ("w".to_owned(), true)];
    assert_eq!(names(&new, &["w"]), both);
    // Here it only had to be there.
    let old = model().input("w", FLOAT, &[1]).ir_version(3);
    assert_eq!(names(&old, &["w"]), x);
    // Nor is it one if its type cannot be served; that is no error.
    let complex = model().input("w", 14, &[1]);
    assert_eq!(names(&complex, &["w"]), x);
}

#[test]
fn a_negative_size_is_any_size() {
    let model = Onnx::new().input("x", FLOAT, &[-2, 3]);
    let inputs = vec![port("x", DataType::Fp32, Some(&[-1, 3]))];
    assert_eq!(read("negative", &model.encode()), Ok(Graph { inputs, outputs: Vec::new() }));
}

#[test]
fn types_that_cannot_be_served_are_told_at_once() {
    let model = Onnx::new()
        .input("c", 14, &[1])
        .output_of_kind("s", 4)
        .output_of_kind("m", 5)
        .output("f", 23, &[1])
        .output("ok", FLOAT, &[1]);
    let expected = "input 'c' of the model has element type COMPLEX64, which is not supported\n\
        output 's' of the model is a sequence, which is not supported: only tensors are\n\
        output 'm' of the model is a map, which is not supported: only tensors are\n\
        output 'f' of the model has element type FLOAT4E2M1, which is not supported";
    assert_eq!(read("types", &model.encode()), Err(expected.into()));
}

#[test]
fn what_is_no_model_is_refused() {
    let check = |name, bytes: &[u8], expected: &str| {
        assert_eq!(read(name, bytes), Err(expected.into()));
    };
    let start = "cannot read /model.onnx as an ONNX model: ";
    check("empty", b"", &format!("{start}it has no graph"));
    check("text", b"no model\n", &format!("{start}a field has an unknown wire type"));
    let model = Onnx::new().input("x", FLOAT, &[1]).encode();
    let cut = &model[..model.len() - 3];
    check("cut", cut, &format!("{start}a field is longer than its message"));
    let missing = Graph::read(Path::new("no/model.onnx")).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read no/model.onnx as an ONNX model: No such file"));
}

#[test]
fn dims_that_the_file_lacks_are_the_users() {
    let model = Onnx::new().input("x", FLOAT, &[-1, 3]).output_without_shape("y", FLOAT).encode();
    let graph = || read("lacks", &model).unwrap();
    let y = TensorSpec::new("y", DataType::Fp32, vec![Dim::Fixed(7)]);
    let user = Signature { inputs: Vec::new(), outputs: vec![y], ..Signature::default() };
    let told = |rows_max| graph().signature(&user, rows_max).unwrap().outputs[0].dims.clone();
    assert_eq!(told(0), [Dim::Fixed(7)]);
    assert_eq!(told(8), [Dim::Any, Dim::Fixed(7)]);
    let error = graph().signature(&Signature::default(), 8).unwrap_err().to_string();
    let expected = "output 'y' has no shape in the model's file: state it in config.pbtxt, as in \
        output [ { name: \"y\" data_type: TYPE_FP32 dims: [ -1 ] } ]";
    assert_eq!(error, expected);
}
