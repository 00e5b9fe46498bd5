use super::*;
use crate::infer::{LIST_LENGTH_MAX, RegionPart};

fn input(name: &str, datatype: &str, shape: &[i64]) -> InferInputTensor {
    InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: shape.to_vec(),
        ..InferInputTensor::default()
    }
}

fn request(inputs: Vec<InferInputTensor>, raw: &[&'static [u8]]) -> ModelInferRequest {
    ModelInferRequest {
        model_name: "m".to_owned(),
        inputs,
        raw_input_contents: raw.iter().map(|bytes| Bytes::from_static(bytes)).collect(),
        ..ModelInferRequest::default()
    }
}

/// Type, shape and bytes of an input.
type Shown<'a> = (&'a str, &'a [i64], &'a [u8]);

#[track_caller]
fn check(request: ModelInferRequest, expected: Result<&[Shown<'_>], &str>) {
    let decoded = decode(request).map_err(|error| error.to_string());
    let inputs = decoded.as_ref().map(|decoded| {
        let inputs = decoded.inputs.iter();
        let name = |data_type: Option<DataType>| data_type.map_or("none", DataType::name);
        let shown = inputs.map(|input| (name(input.data_type), &*input.shape, &**input.sent()));
        shown.collect::<Vec<_>>()
    });
    assert_eq!(inputs.as_deref().map_err(|error| error.as_str()), expected);
}

#[test]
fn raw_tensors_come_in_the_order_of_the_inputs() {
    let inputs = || vec![input("a", "UINT8", &[2]), input("b", "INT16", &[1])];
    let both: &[Shown<'_>] = &[("UINT8", &[2], &[1, 2]), ("INT16", &[1], &[3, 0])];
    check(request(inputs(), &[&[1, 2], &[3, 0]]), Ok(both));
    let text = "unable to find data for input tensor 'b' for model 'm' in request.";
    check(request(inputs(), &[&[1, 2]]), Err(text));
    check(
        request(inputs(), &[&[1, 2], &[3, 0], &[]]),
        Err("expected 2 entries of raw_input_contents for model 'm', one for each input; got more"),
    );
}

fn typed(datatype: &str, contents: InferTensorContents) -> ModelInferRequest {
    let contents = Some(contents);
    request(vec![InferInputTensor { contents, ..input("a", datatype, &[2]) }], &[])
}

#[test]
fn typed_contents_become_bytes() {
    let ints = || InferTensorContents { int_contents: vec![-1, 2], ..Default::default() };
    check(typed("INT8", ints()), Ok(&[("INT8", &[2], &[255, 2])]));
    check(typed("INT16", ints()), Ok(&[("INT16", &[2], &[255, 255, 2, 0])]));
    check(typed("INT32", ints()), Ok(&[("INT32", &[2], &[255, 255, 255, 255, 2, 0, 0, 0])]));
    let bools = InferTensorContents { bool_contents: vec![true, false], ..Default::default() };
    check(typed("BOOL", bools), Ok(&[("BOOL", &[2], &[1, 0])]));
    let floats = InferTensorContents { fp32_contents: vec![1.0, -2.0], ..Default::default() };
    check(typed("FP32", floats), Ok(&[("FP32", &[2], &[0, 0, 128, 63, 0, 0, 0, 192])]));
    let strings = vec![Bytes::from_static(b"x"), Bytes::new()];
    let strings = InferTensorContents { bytes_contents: strings, ..Default::default() };
    check(typed("BYTES", strings), Ok(&[("BYTES", &[2], &[1, 0, 0, 0, b'x', 0, 0, 0, 0])]));
}

#[test]
fn contents_that_do_not_fit_are_refused() {
    let ints = || InferTensorContents { int_contents: vec![300, 2], ..Default::default() };
    let narrow = "contents of input tensor 'a' for model 'm': value 300 does not fit INT8";
    check(typed("INT8", ints()), Err(narrow));
    let uints = InferTensorContents { uint_contents: vec![1, 1 << 16], ..Default::default() };
    let narrow = "contents of input tensor 'a' for model 'm': value 65536 does not fit UINT16";
    check(typed("UINT16", uints), Err(narrow));
    for half in ["FP16", "BF16"] {
        let text = format!(
            "contents of input tensor 'a' for model 'm' cannot be {half}: send it in \
             raw_input_contents"
        );
        check(typed(half, ints()), Err(&text));
    }
    let other = "unexpected explicit tensor data for input tensor 'a' for model 'm' of type \
                 'INT32', expected datatype 'FP32'";
    check(typed("FP32", ints()), Err(other));
    let mut twice = typed("INT32", ints());
    twice.raw_input_contents.push(Bytes::from_static(&[0; 8]));
    let both = "contents field must not be specified when using raw_input_contents for 'a' for \
                model 'm'";
    check(twice, Err(both));
}

#[test]
fn inputs_without_data_have_no_elements() {
    check(request(vec![input("a", "FP32", &[0, 3])], &[]), Ok(&[("FP32", &[0, 3], &[])]));
    let text = "unable to find data for input tensor 'a' for model 'm' in request.";
    check(request(vec![input("a", "FP32", &[1, 3])], &[]), Err(text));
}

/// Only the server, which knows the model, can say what it expected.
#[test]
fn types_and_sizes_that_do_not_exist_are_left_to_the_server() {
    check(request(vec![input("a", "FP32", &[-1])], &[&[]]), Ok(&[("FP32", &[-1], &[])]));
    check(request(vec![input("a", "FP8", &[1])], &[&[7]]), Ok(&[("none", &[1], &[7])]));
    let ints = InferTensorContents { int_contents: vec![1, 2], ..Default::default() };
    check(typed("FP8", ints), Ok(&[("none", &[2], &[])]));
}

fn parameter(choice: ParameterChoice) -> InferParameter {
    InferParameter { parameter_choice: Some(choice) }
}

#[test]
fn parameters_are_read_or_refused() {
    let check = |name: &str, value, expected: Result<Parameter, &str>| {
        let mut message = request(vec![], &[]);
        message.parameters.insert(name.to_owned(), InferParameter { parameter_choice: value });
        let decoded = decode(message).map(|decoded| decoded.parameters[name].clone());
        assert_eq!(decoded.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    };
    check("a", Some(ParameterChoice::BoolParam(true)), Ok(Parameter::Bool(true)));
    check("a", Some(ParameterChoice::DoubleParam(0.5)), Ok(Parameter::Double(0.5)));
    check("a", Some(ParameterChoice::StringParam("s".into())), Ok(Parameter::Text("s".into())));
    check("a", Some(ParameterChoice::Int64Param(-1)), Ok(Parameter::Int(-1)));
    check("a", None, Err("invalid value type for 'a' parameter"));
    check("priority", Some(ParameterChoice::Uint64Param(7)), Ok(Parameter::Int(7)));
    let wrong =
        "invalid value type for 'priority' parameter, expected int64_param or uint64_param.";
    check("priority", Some(ParameterChoice::Uint64Param(u64::MAX)), Err(wrong));
    check("priority", Some(ParameterChoice::Int64Param(-1)), Err(wrong));
    check("priority", Some(ParameterChoice::BoolParam(true)), Err(wrong));
    let wrong = "invalid value type for 'timeout' parameter, expected int64_param.";
    check("timeout", Some(ParameterChoice::StringParam("1".into())), Err(wrong));
    check("timeout", Some(ParameterChoice::Int64Param(-1)), Ok(Parameter::Int(-1)));
    let reserved = "parameter keys starting with 'triton_' are reserved for Triton usage. \
                    Only the following keys starting with 'triton_' are allowed: \
                    triton_enable_empty_final_response";
    check("triton_x", Some(ParameterChoice::BoolParam(true)), Err(reserved));
    let wrong = "invalid value type for 'triton_enable_empty_final_response' parameter, expected \
                 bool_param.";
    check(EMPTY_FINAL, Some(ParameterChoice::Int64Param(1)), Err(wrong));
    let mut message = request(vec![], &[]);
    let allowed = parameter(ParameterChoice::BoolParam(true));
    message.parameters.insert(EMPTY_FINAL.to_owned(), allowed);
    assert_eq!(decode(message).unwrap().parameters, Parameters::new());
}

fn in_region(more: &[(&str, ParameterChoice)]) -> BTreeMap<String, InferParameter> {
    let region = ("shared_memory_region", ParameterChoice::StringParam("r".to_owned()));
    let all = std::iter::once(region).chain(more.iter().cloned());
    all.map(|(name, choice)| (name.to_owned(), parameter(choice))).collect()
}

#[test]
fn inputs_in_shared_memory_have_no_raw_contents() {
    let (offset, size) = ("shared_memory_offset", "shared_memory_byte_size");
    let shared = |more: &[_]| {
        let parameters = in_region(more);
        InferInputTensor { parameters, ..input("a", "FP32", &[1]) }
    };
    let decoded = |inputs, raw: &[_]| decode(request(inputs, raw)).map_err(|it| it.to_string());
    let int = ParameterChoice::Int64Param;
    let first = shared(&[(offset, int(8)), (size, ParameterChoice::Uint64Param(4))]);
    let inputs = vec![first, input("b", "UINT8", &[2])];
    let read = decoded(inputs.clone(), &[&[1, 2]]).unwrap().inputs;
    let part = RegionPart { region: "r".into(), offset: 8, size_bytes: 4 };
    assert_eq!(read[0].data, Data::Shared(part));
    assert_eq!(&**read[1].sent(), [1, 2]);
    let text =
        "expected 1 entries of raw_input_contents for model 'm', one for each input; got more";
    assert_eq!(decoded(inputs, &[&[1], &[2]]).err().as_deref(), Some(text));
    let check = |input, expected: &str| {
        assert_eq!(decoded(vec![input], &[]).err().as_deref(), Some(expected));
    };
    let wrong = |name: &str, expected: &str| {
        format!("invalid value type for '{name}' parameter for tensor 'a', expected {expected}.")
    };
    for (name, choice) in [(offset, ParameterChoice::BoolParam(true)), (size, int(-1))] {
        let is_negative = choice == int(-1);
        let expected = if is_negative { "int64_param that is not negative" } else { "int64_param" };
        check(shared(&[(name, choice)]), &wrong(name, expected));
    }
    let region = ("shared_memory_region", int(1));
    check(shared(&[region]), &wrong("shared_memory_region", "string_param"));
    let contents = InferTensorContents { fp32_contents: vec![1.0], ..Default::default() };
    check(
        InferInputTensor { contents: Some(contents), ..shared(&[]) },
        "unexpected 'content' provided when using shared memory for input tensor 'a' for model 'm'",
    );
}

#[test]
fn an_output_may_be_written_to_shared_memory() {
    let decoded = |more: &[_]| {
        let output =
            InferRequestedOutputTensor { name: "y".to_owned(), parameters: in_region(more) };
        decode(ModelInferRequest { outputs: vec![output], ..request(vec![], &[]) })
    };
    let size = ("shared_memory_byte_size", ParameterChoice::Int64Param(4));
    let place = decoded(&[size]).unwrap().outputs.remove(0).place;
    let part = RegionPart { region: "r".into(), offset: 0, size_bytes: 4 };
    assert_eq!(place, Some(part));
    let both = decoded(&[("classification", ParameterChoice::Int64Param(1))]).unwrap_err();
    let text = "Output can't set both 'shared_memory_region' and 'classification'";
    assert_eq!(both.to_string(), text);
}

#[test]
fn classes_are_asked_for_by_number() {
    let wrong = "invalid value type for 'classification' parameter, expected int64_param";
    let table = [
        (ParameterChoice::Int64Param(3), Ok(NonZeroUsize::new(3))),
        (ParameterChoice::Int64Param(0), Ok(None)),
        (ParameterChoice::Int64Param(-1), Err(wrong)),
        (ParameterChoice::StringParam("3".to_owned()), Err(wrong)),
    ];
    for (choice, expected) in table {
        let parameters = BTreeMap::from([("classification".to_owned(), parameter(choice))]);
        let output = InferRequestedOutputTensor { name: "y".to_owned(), parameters };
        let decoded = decode(ModelInferRequest { outputs: vec![output], ..request(vec![], &[]) });
        let classes = decoded.map(|request| request.outputs[0].classes);
        assert_eq!(classes.map_err(|fault| fault.to_string()), expected.map_err(str::to_owned));
    }
}

#[test]
fn outputs_are_named_and_binary() {
    let outputs = ["y", "x"].map(|name| InferRequestedOutputTensor {
        name: name.to_owned(),
        ..InferRequestedOutputTensor::default()
    });
    let message = ModelInferRequest { outputs: outputs.to_vec(), ..request(vec![], &[]) };
    let decoded = decode(message).unwrap();
    let expected = ["y", "x"].map(|name| NamedOutput {
        name: name.into(),
        is_binary: true,
        classes: None,
        place: None,
    });
    assert_eq!((&*decoded.outputs, decoded.is_output_binary), (&expected[..], true));
}

#[test]
fn lists_are_bounded() {
    let many = LIST_LENGTH_MAX + 1;
    let check = |message: ModelInferRequest| {
        let error = decode(message).unwrap_err().to_string();
        assert_eq!(error, "a request may list at most 1024 of anything");
    };
    let parameters = || -> BTreeMap<_, _> {
        let value = || parameter(ParameterChoice::BoolParam(true));
        (0..many).map(|index| (index.to_string(), value())).collect()
    };
    check(request(vec![input("a", "FP32", &[1]); many], &[]));
    check(request(vec![input("a", "FP32", &vec![1; many])], &[&[0; 4]]));
    let crowded = InferInputTensor { parameters: parameters(), ..input("a", "FP32", &[1]) };
    check(request(vec![crowded], &[&[0; 4]]));
    check(ModelInferRequest { parameters: parameters(), ..request(vec![], &[]) });
    let output = InferRequestedOutputTensor::default;
    check(ModelInferRequest { outputs: vec![output(); many], ..request(vec![], &[]) });
    let crowded = InferRequestedOutputTensor { parameters: parameters(), ..output() };
    check(ModelInferRequest { outputs: vec![crowded], ..request(vec![], &[]) });
    let most = vec![output(); LIST_LENGTH_MAX];
    assert!(decode(ModelInferRequest { outputs: most, ..request(vec![], &[]) }).is_ok());
}

/// What is told beforehand is no less than what decoding writes.
#[test]
fn the_size_of_typed_contents_is_known_beforehand() {
    let check = |datatype, contents, expected: usize| {
        let message = typed(datatype, contents);
        assert_eq!(contents::rewritten_bytes(&message), expected, "{datatype}");
        assert!(decode(message).unwrap().inputs[0].sent().len() <= expected, "{datatype}");
    };
    let doubles = InferTensorContents { fp64_contents: vec![0.0; 3], ..Default::default() };
    check("FP64", doubles, 24);
    let ints = InferTensorContents { int_contents: vec![0; 3], ..Default::default() };
    check("INT8", ints, 12);
    let strings = vec![Bytes::from_static(b"xyz"), Bytes::new()];
    let strings = InferTensorContents { bytes_contents: strings, ..Default::default() };
    check("BYTES", strings, 11);
    assert_eq!(contents::rewritten_bytes(&request(vec![input("a", "INT8", &[2])], &[&[1, 2]])), 0);
}
