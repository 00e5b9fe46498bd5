use super::*;

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
type Shown<'a> = (&'a str, &'a [usize], &'a [u8]);

#[track_caller]
fn check(request: ModelInferRequest, expected: Result<&[Shown<'_>], &str>) {
    let ask = ask(request).map_err(|error| error.to_string());
    let inputs = ask.as_ref().map(|ask| {
        let inputs = ask.inputs.iter();
        let shown = inputs.map(|input| (input.data_type.name(), &*input.shape, &*input.data));
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
    let narrow = "contents of input tensor 'a' for model 'm' cannot be INT8: send it in \
                  raw_input_contents";
    check(typed("INT8", ints()), Err(narrow));
    let other = "unexpected explicit tensor data for input tensor 'a' for model 'm' of type \
                 'FP32', in the contents of another type";
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
    let negative = "[request id: <id_unknown>] shape of input 'a' has a negative size: [-1]";
    check(request(vec![input("a", "FP32", &[-1])], &[&[]]), Err(negative));
    check(request(vec![input("a", "FP8", &[1])], &[&[]]), Err("invalid datatype for input a"));
}

#[test]
fn timeouts_are_understood() {
    let mut asked = request(vec![], &[]);
    let parameter = |choice| InferParameter { parameter_choice: Some(choice) };
    asked.parameters.insert("timeout".into(), parameter(ParameterChoice::Int64Param(1_500)));
    assert_eq!(ask(asked.clone()).unwrap().timeout, Some(Duration::from_micros(1_500)));
    asked.parameters.insert("timeout".into(), parameter(ParameterChoice::BoolParam(true)));
    assert!(ask(asked).is_err());

    let header = |value: &str| {
        let mut asked = Request::new(());
        asked.metadata_mut().insert("grpc-timeout", value.parse().unwrap());
        grpc_timeout(&asked).ok()
    };
    assert_eq!(header("2S"), Some(Some(Duration::from_secs(2))));
    assert_eq!(header("99999999n"), Some(Some(Duration::from_nanos(99_999_999))));
    assert_eq!((header("123456789n"), header("S"), header("1x")), (None, None, None));
    assert_eq!(header(""), None);
    assert_eq!(grpc_timeout(&Request::new(())).unwrap(), None);
}
