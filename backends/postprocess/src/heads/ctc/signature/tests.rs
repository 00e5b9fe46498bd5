use super::*;

fn tensor(name: &str, data_type: DataType, dims: &[i64]) -> TensorSpec {
    let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
    TensorSpec::new(name, data_type, dims)
}

fn input(dims: &[i64]) -> Vec<TensorSpec> {
    vec![tensor("x", DataType::Fp32, dims)]
}

fn text(dims: &[i64]) -> Vec<TensorSpec> {
    vec![tensor("t", DataType::Bytes, dims)]
}

/// Names and dims of the completed signature.
fn complete(
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    rows_max: usize,
) -> Result<String, String> {
    let done = super::complete(&Signature { inputs, outputs, ..Signature::default() }, rows_max);
    let signature = done.map_err(|error| error.to_string())?;
    let tensors = signature.inputs.iter().chain(&signature.outputs);
    let told = tensors.map(|tensor| {
        format!("{} {} {}", tensor.name, tensor.data_type.name(), list(&tensor.dims))
    });
    Ok(told.collect::<Vec<_>>().join(", "))
}

#[test]
fn completes_what_was_left_out() {
    let check = |inputs, outputs, rows_max, expected: &str| {
        assert_eq!(complete(inputs, outputs, rows_max), Ok(expected.into()));
    };
    let all = "PROBABILITIES FP32 [ -1, -1, -1 ], TEXT BYTES [ -1, 1 ], SCORE FP32 [ -1, 1 ]";
    check(vec![], vec![], 0, all);
    check(vec![], vec![], 8, all);
    let one = "x FP32 [ -1, -1, 97 ], t BYTES [ -1, 1 ]";
    check(input(&[-1, 97]), text(&[1]), 8, one);
    check(input(&[-1, 97]), text(&[]), 8, one);
    check(input(&[-1, -1, 97]), text(&[-1, 1]), 0, one); // A batch axis of the user's own.
    check(input(&[-1, -1, 97]), text(&[]), 0, one);
    check(input(&[-1, 97]), text(&[1]), 0, "x FP32 [ -1, 97 ], t BYTES [ 1 ]"); // One row.
    check(input(&[]), text(&[1]), 0, "x FP32 [ -1, -1 ], t BYTES [ 1 ]");
    check(vec![], text(&[1]), 8, "PROBABILITIES FP32 [ -1, -1, -1 ], t BYTES [ -1, 1 ]");
}

#[test]
fn refuses_what_does_not_fit() {
    let check = |inputs, outputs, rows_max, expected: &str| {
        assert_eq!(complete(inputs, outputs, rows_max), Err(expected.into()));
    };
    let dims = "input 'x' must have dims [ steps, classes ], not ";
    check(input(&[97]), text(&[1]), 0, &format!("{dims}[ 97 ]"));
    check(input(&[-1, -1, 97]), text(&[1]), 8, &format!("{dims}[ -1, -1, 97 ]"));
    check(input(&[-1, 97]), text(&[2]), 8, "output 't' must have dims [ 1 ], not [ 2 ]");
    let rows = "output 't' must have dims [ -1, 1 ], not [ 1 ]";
    check(input(&[-1, -1, 97]), text(&[1]), 0, rows);
    let outputs = "ctc_greedy_decode has an output of TYPE_STRING, the text, and at most one of \
        TYPE_FP32, the score; the configuration has others";
    check(vec![], vec![tensor("s", DataType::Fp32, &[1])], 8, outputs);
    check(vec![], [text(&[1]), text(&[1])].concat(), 8, outputs);
    let two = "the postprocess backend has one input, the configuration has 2\n\
        input 'i' must be TYPE_FP32, not TYPE_INT64";
    check([input(&[-1, 97]), vec![tensor("i", DataType::Int64, &[])]].concat(), vec![], 8, two);
}

#[test]
fn a_model_without_labels_is_told_what_to_add() {
    let signature = Signature { inputs: vec![], outputs: text(&[1]), ..Signature::default() };
    let error = labels(&signature).unwrap_err().to_string();
    assert!(error.contains("output 't' has no labels: write output [ { name: \"t\""), "{error}");
    assert!(error.contains("label_filename"), "{error}");
}
