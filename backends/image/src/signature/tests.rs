use std::collections::BTreeMap;

use super::*;

fn dims(wire: &[i64]) -> Vec<Dim> {
    wire.iter().filter_map(|&size| Dim::from_wire(size)).collect()
}

fn options(text: &str) -> Options {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let parameters: BTreeMap<_, _> = pairs.map(|(key, value)| (key.into(), value.into())).collect();
    Options::parse(&parameters).unwrap()
}

fn line() -> Options {
    options("resize=fixed_height;height=48")
}

fn tensor(name: &str, data_type: DataType, wire: &[i64]) -> TensorSpec {
    TensorSpec::new(name, data_type, dims(wire))
}

fn ragged(mut tensor: TensorSpec) -> TensorSpec {
    tensor.is_ragged = true;
    tensor
}

fn check(user: (Vec<TensorSpec>, Vec<TensorSpec>), rows_max: usize, expected: [&[i64]; 2]) {
    let user = Signature { inputs: user.0, outputs: user.1 };
    let told = complete(&user, rows_max, &line()).unwrap();
    let got = [&told.inputs[0], &told.outputs[0]];
    assert_eq!(got.map(|tensor| tensor.dims.clone()), expected.map(dims), "{user:?}, {rows_max}");
    for (user, got) in user.inputs.iter().chain(&user.outputs).zip(got) {
        assert_eq!((&user.name, user.is_ragged), (&got.name, got.is_ragged));
    }
}

#[test]
fn what_is_left_out_is_filled_in() {
    let (bytes, uint8, fp32) = (DataType::Bytes, DataType::Uint8, DataType::Fp32);
    let batched: [&[i64]; 2] = [&[-1, 1], &[-1, 3, 48, -1]];
    let single: [&[i64]; 2] = [&[1], &[3, 48, -1]];
    check((vec![], vec![]), 0, batched);
    check((vec![], vec![]), 8, batched);
    check((vec![tensor("x", bytes, &[1])], vec![]), 8, batched);
    check((vec![tensor("x", bytes, &[1])], vec![]), 0, single);
    check((vec![tensor("x", bytes, &[-1, 1])], vec![]), 0, batched);
    let output = |wire: &[i64]| vec![tensor("y", fp32, wire)];
    check((vec![tensor("x", bytes, &[1])], output(&[3, 48, -1])), 8, batched);
    check((vec![tensor("x", bytes, &[1])], output(&[-1, -1, -1])), 8, batched);
    check((vec![tensor("x", bytes, &[1])], output(&[3, 48, -1])), 0, single);
    check((vec![tensor("x", bytes, &[-1, 1])], output(&[-1, 3, 48, -1])), 0, batched);
    let ragged = ragged(tensor("x", uint8, &[-1]));
    check((vec![ragged], output(&[3, 48, -1])), 8, [&[-1, -1], &[-1, 3, 48, -1]]);
    check((vec![tensor("x", uint8, &[-1])], vec![]), 0, [&[-1], &[3, 48, -1]]);
}

#[test]
fn names_and_types_have_defaults() {
    let told = complete(&Signature::default(), 8, &options("width=7;height=5")).unwrap();
    let expected = Signature {
        inputs: vec![tensor("IMAGE", DataType::Bytes, &[-1, 1])],
        outputs: vec![tensor("PIXELS", DataType::Fp32, &[-1, 3, 5, 7])],
    };
    assert_eq!(told, expected);
}

#[test]
fn what_does_not_fit_is_refused() {
    let bytes = || vec![tensor("x", DataType::Bytes, &[1])];
    let fp32 = |wire: &[i64]| vec![tensor("y", DataType::Fp32, wire)];
    let cases = [
        ((fp32(&[1]), vec![]), 8, "input 'y' must be TYPE_STRING, or TYPE_UINT8 with"),
        (
            (vec![tensor("x", DataType::Bytes, &[-1])], vec![]),
            8,
            "input 'x' of TYPE_STRING must have dims [ 1 ], not [ -1 ]",
        ),
        (
            (vec![tensor("x", DataType::Uint8, &[-1])], vec![]),
            8,
            "input 'x' of TYPE_UINT8 needs allow_ragged_batch: true",
        ),
        (([bytes(), bytes()].concat(), vec![]), 8, "has one input, the configuration has 2"),
        ((bytes(), bytes()), 8, "output 'x' must be TYPE_FP32, not TYPE_STRING"),
        (
            (bytes(), fp32(&[3, 32, -1])),
            8,
            "output 'y' must have dims [ 3, 48, -1 ], which follow from the parameters, \
             not [ 3, 32, -1 ]",
        ),
        ((bytes(), fp32(&[3, 48, 320])), 8, "equal width_min and width_max make the width fixed"),
        ((bytes(), fp32(&[3, 48])), 8, "must have dims [ 3, 48, -1 ]"),
        ((bytes(), fp32(&[-1, 3, 48, -1])), 0, "must have dims [ 3, 48, -1 ]"),
    ];
    for ((inputs, outputs), rows_max, expected) in cases {
        let user = Signature { inputs, outputs };
        let error = complete(&user, rows_max, &line()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
