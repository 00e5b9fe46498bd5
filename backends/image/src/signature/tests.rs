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
    let user = Signature { inputs: user.0, outputs: user.1, ..Signature::default() };
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
    let image = tensor("IMAGE", DataType::Bytes, &[-1, 1]);
    let expected = Signature {
        inputs: vec![TensorSpec { is_read_on_host: true, ..image }],
        outputs: vec![tensor("PIXELS", DataType::Fp32, &[-1, 3, 5, 7])],
        ..Signature::default()
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
            "input 'x' of TYPE_STRING must have dims [ 1 ], which follow",
        ),
        (
            (vec![tensor("x", DataType::Uint8, &[-1])], vec![]),
            8,
            "input 'x' of TYPE_UINT8 needs allow_ragged_batch: true",
        ),
        (([bytes(), bytes()].concat(), vec![]), 8, "has 1 input(s), the configuration has 2"),
        (
            (bytes(), bytes()),
            8,
            "output 'x' must be TYPE_UINT8, TYPE_FP16, TYPE_FP32, TYPE_FP64, not TYPE_STRING",
        ),
        (
            (bytes(), fp32(&[3, 32, -1])),
            8,
            "output 'y' of TYPE_FP32 must have dims [ 3, 48, -1 ], which follow from the parameters, \
             not [ 3, 32, -1 ]",
        ),
        ((bytes(), fp32(&[3, 48, 320])), 8, "equal width_min and width_max make the width fixed"),
        ((bytes(), fp32(&[3, 48])), 8, "must have dims [ 3, 48, -1 ]"),
        ((bytes(), fp32(&[-1, 3, 48, -1])), 0, "must have dims [ 3, 48, -1 ]"),
    ];
    for ((inputs, outputs), rows_max, expected) in cases {
        let user = Signature { inputs, outputs, ..Signature::default() };
        let error = complete(&user, rows_max, &line()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

type Dims<'a> = &'a [i64];

/// The wire dims of all inputs and outputs.
fn told(
    user: (Vec<TensorSpec>, Vec<TensorSpec>),
    rows_max: usize,
    text: &str,
) -> Result<Vec<Vec<i64>>, String> {
    let user = Signature { inputs: user.0, outputs: user.1, ..Signature::default() };
    let told = complete(&user, rows_max, &options(text)).map_err(|error| error.to_string())?;
    let wire = |tensor: &TensorSpec| tensor.dims.iter().map(|dim| dim.to_wire()).collect();
    Ok(told.inputs.iter().chain(&told.outputs).map(wire).collect())
}

#[test]
fn levels_have_their_axes() {
    let input = |wire: &[i64]| (vec![tensor("x", DataType::Uint8, wire)], vec![]);
    let cases: [(&str, Dims<'_>, usize, &[Dims<'_>]); 5] = [
        ("input_format=rgb", &[-1, -1, 3], 8, &[&[-1, -1, -1, 3], &[-1, 3, 5, 7]]),
        ("input_format=bgr", &[720, 1280, 3], 8, &[&[-1, 720, 1280, 3], &[-1, 3, 5, 7]]),
        ("input_format=gray", &[-1, -1, 1], 0, &[&[-1, -1, 1], &[3, 5, 7]]),
        ("input_format=rgb", &[-1, -1, -1, 3], 0, &[&[-1, -1, -1, 3], &[-1, 3, 5, 7]]),
        ("input_format=nv12;layout=NHWC", &[-1, 640], 1, &[&[-1, -1, 640], &[-1, 5, 7, 3]]),
    ];
    for (format, wire, rows_max, expected) in cases {
        let text = format!("width=7;height=5;{format}");
        assert_eq!(told(input(wire), rows_max, &text).unwrap(), expected, "{format}");
    }
    let error = told(input(&[-1, -1, 1]), 8, "width=7;height=5;input_format=rgb").unwrap_err();
    assert!(error.contains("input 'x' of TYPE_UINT8 must have dims [ -1, -1, 3 ]"), "{error}");
    let bytes = (vec![tensor("x", DataType::Bytes, &[1])], vec![]);
    let error = told(bytes, 8, "width=7;height=5;input_format=rgb").unwrap_err();
    assert!(error.contains("input 'x' must be TYPE_UINT8, as input_format is not"), "{error}");
}

#[test]
fn only_files_and_boxes_are_read_on_the_host() {
    let check = |text: &str, data_type, wire: &[i64], expected: &[bool]| {
        let user = Signature { inputs: vec![tensor("x", data_type, wire)], ..Signature::default() };
        let told = complete(&user, 0, &options(&format!("width=7;height=5;{text}"))).unwrap();
        let are: Vec<_> = told.inputs.iter().map(|input| input.is_read_on_host).collect();
        assert_eq!(are, expected, "{text}");
    };
    let (bytes, uint8) = (DataType::Bytes, DataType::Uint8);
    check("input_format=file", bytes, &[1], &[true]);
    check("input_format=rgb", uint8, &[-1, -1, 3], &[false]);
    check("input_format=nv12", uint8, &[-1, -1], &[false]);
    check("operation=crop", bytes, &[1], &[true, true]);
    check("operation=crop;input_format=rgb", uint8, &[-1, -1, 3], &[false, true]);
}

#[test]
fn sizes_and_transforms_are_made_for_who_lists_them() {
    let size = |wire: &[i64]| tensor(ORIGINAL_SIZE, DataType::Int32, wire);
    let transform = |wire: &[i64]| tensor(TRANSFORM, DataType::Fp32, wire);
    let pixels = |wire: &[i64]| tensor("y", DataType::Fp16, wire);
    let stretch = "width=7;height=5";
    let all = vec![size(&[2]), pixels(&[3, 5, 7]), transform(&[4])];
    let expected: [&[i64]; 4] = [&[-1, 1], &[-1, 2], &[-1, 3, 5, 7], &[-1, 4]];
    assert_eq!(told((vec![], all), 8, stretch).unwrap(), expected);
    let single = vec![pixels(&[3, 5, 7]), size(&[2])];
    let expected: [&[i64]; 3] = [&[1], &[3, 5, 7], &[2]];
    assert_eq!(
        told((vec![tensor("x", DataType::Bytes, &[1])], single), 0, stretch).unwrap(),
        expected
    );
    let bad = vec![pixels(&[3, 5, 7]), transform(&[2]), tensor("z", DataType::Fp32, &[3, 5, 7])];
    let error = told((vec![], bad), 8, stretch).unwrap_err();
    assert!(error.contains("output 'z': beside one output of pictures, which is 'y'"), "{error}");
    assert!(error.contains("output 'TRANSFORM' of TYPE_FP32 must have dims [ 4 ]"), "{error}");
}

#[test]
fn crops_are_a_batch_of_one_picture() {
    let stretch = "operation=crop;width=7;height=5";
    let expected: [&[i64]; 3] = [&[1], &[-1, 4], &[-1, 3, 5, 7]];
    assert_eq!(told((vec![], vec![]), 0, stretch).unwrap(), expected);
    let inputs =
        || vec![tensor("x", DataType::Uint8, &[-1]), tensor("b", DataType::Fp32, &[-1, 4])];
    let outputs = vec![
        tensor("y", DataType::Uint8, &[-1, 3, 5, 7]),
        tensor(TRANSFORM, DataType::Fp32, &[-1, 4]),
    ];
    let expected: [&[i64]; 4] = [&[-1], &[-1, 4], &[-1, 3, 5, 7], &[-1, 4]];
    assert_eq!(told((inputs(), outputs), 0, stretch).unwrap(), expected);
    let error = told((inputs(), vec![]), 4, stretch).unwrap_err();
    assert!(error.contains("set max_batch_size to 0"), "{error}");
    let boxes = vec![tensor("x", DataType::Bytes, &[1]), tensor("b", DataType::Int32, &[-1, 5])];
    let error = told((boxes, vec![]), 0, stretch).unwrap_err();
    assert!(error.contains("input 'b' must be TYPE_FP32, not TYPE_INT32"), "{error}");
    assert!(error.contains("input 'b' of TYPE_INT32 must have dims [ -1, 4 ]"), "{error}");
}
