use std::collections::BTreeMap;
use std::path::PathBuf;

use nereid_backend::data_type::DataType;
use nereid_backend::spec::Signature;

use super::*;

fn dims(sizes: &[i64]) -> Vec<Dim> {
    sizes.iter().map(|&size| Dim::from_wire(size).unwrap()).collect()
}

fn port(name: &str, data_type: DataType, sizes: Option<&[i64]>) -> Port {
    Port { name: name.into(), data_type, dims: sizes.map(dims) }
}

/// A configuration with one input, `.0`, and one output, `.1`, against a model of FP32 `x` of
/// [-1,3], `y` of [-1,-1] and `z` without a shape.
fn check(input: (&str, DataType, &[i64]), output: (&str, &[i64]), is_batched: bool) -> String {
    let inputs = vec![TensorSpec::new(input.0, input.1, dims(input.2))];
    let outputs = vec![TensorSpec::new(output.0, DataType::Fp32, dims(output.1))];
    let spec = ModelSpec {
        name: "m".into(),
        version: 1,
        file: PathBuf::new(),
        signature: Signature { inputs, outputs },
        is_batched,
        rows_max: 1,
        parameters: BTreeMap::new(),
        instances: Vec::new(),
    };
    let graph = Graph {
        inputs: vec![port("x", DataType::Fp32, Some(&[-1, 3]))],
        outputs: vec![
            port("y", DataType::Fp32, Some(&[-1, -1])),
            port("z", DataType::Fp32, None),
            port("w", DataType::Fp32, Some(&[1, 3])),
        ],
    };
    super::check(&spec, &graph).map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn what_fits_is_accepted() {
    let x = ("x", DataType::Fp32);
    assert_eq!(check((x.0, x.1, &[3]), ("y", &[7]), true), "");
    assert_eq!(check((x.0, x.1, &[3]), ("y", &[-1]), true), "");
    assert_eq!(check((x.0, x.1, &[3]), ("z", &[1, 2]), true), "");
    assert_eq!(check((x.0, x.1, &[-1, 3]), ("w", &[1, 3]), false), "");
    assert_eq!(check((x.0, x.1, &[2, 3]), ("y", &[2, -1]), false), "");
}

#[test]
fn everything_that_differs_is_told_at_once() {
    let missing = "the model's input 'x' is missing in the configuration\n\
        unexpected inference input 'a', allowed inputs are: x\n\
        unexpected inference output 'b', allowed outputs are: y, z, w";
    assert_eq!(check(("a", DataType::Fp32, &[3]), ("b", &[1]), true), missing);
    let two = "configuration expects datatype TYPE_INT64 for input 'x', model provides TYPE_FP32\n\
        input 'x': the model expects 1 dimensions (shape [3]) after the batch dimension but the \
        model configuration specifies 1 dimensions (shape [-1])";
    assert_eq!(check(("x", DataType::Int64, &[-1]), ("y", &[1]), true), two);
    let rank = "output 'y': the model expects 2 dimensions (shape [-1,-1]) but the model \
        configuration specifies 1 dimensions (shape [7])";
    assert_eq!(check(("x", DataType::Fp32, &[-1, 3]), ("y", &[7]), false), rank);
    let batch = "output 'w': for the model to support batching the shape should have at least 1 \
        dimension and the first dimension must be -1; but shape expected by the model is [1,3]; \
        set max_batch_size to 0 and write all dimensions";
    assert_eq!(check(("x", DataType::Fp32, &[3]), ("w", &[3]), true), batch);
}
