use std::fmt::Write as _;

use nereid_backend::parts::Parameters;

use super::*;
use crate::infer::{LIST_LENGTH_MAX, RegionPart};

const ONES: &str = r#"{"name":"INPUT1","datatype":"INT32","shape":[1,2],"data":[1,1]}"#;

/// A body for the model `simple` of this JSON and these bytes behind it.
fn body(json: &str, binary: &[u8]) -> (Bytes, Option<usize>) {
    ([json.as_bytes(), binary].concat().into(), (!binary.is_empty()).then_some(json.len()))
}

fn read(json: &str, binary: &[u8]) -> Result<InferRequest, InferError> {
    let (body, header_length) = body(json, binary);
    decode(&body, header_length, "simple")
}

/// A request of one input, of which these are the members after the name.
fn input(members: &str) -> String {
    format!(r#"{{"inputs":[{{"name":"INPUT0",{members}}}]}}"#)
}

#[track_caller]
fn refused(json: &str, binary: &[u8], expected: &str) {
    match read(json, binary) {
        Err(InferError::Invalid(text)) => assert_eq!(text, expected, "{json}"),
        other => panic!("{other:?} for {json}"),
    }
}

/// What `data` of `shape` are in memory.
#[track_caller]
fn data(data_type: &str, shape: &str, data: &str, expected: &[u8]) {
    let json = input(&format!(r#""datatype":"{data_type}","shape":{shape},"data":{data}"#));
    let request = read(&json, &[]).unwrap_or_else(|error| panic!("{error} for {json}"));
    assert_eq!(&**request.inputs[0].sent(), expected, "{json}");
}

/// Why `data` of one element are no tensor.
#[track_caller]
fn wrong_data(data_type: &str, data: &str, expected: &str) {
    let json = input(&format!(r#""datatype":"{data_type}","shape":[1],"data":[{data}]"#));
    refused(&json, &[], expected);
}

fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

fn strings(strings: &[&str]) -> Vec<u8> {
    let mut framed = Vec::new();
    for string in strings {
        framed.extend(u32::try_from(string.len()).unwrap().to_le_bytes());
        framed.extend(string.as_bytes());
    }
    framed
}

/// Recorded from Triton 2.51.0: what its HTTP front end says of requests to its model `simple`.
#[test]
fn refusals_are_in_triton_s_words() {
    refused(
        "{nope",
        &[],
        "failed to parse the request JSON buffer: Missing a name for object member. at 1",
    );
    let missing = |name: &str| {
        format!("Unable to parse '{name}': attempt to access non-existing object member '{name}'")
    };
    refused("{}", &[], &missing("inputs"));
    let non = |name: &str, what: &str| {
        format!("Unable to parse '{name}': attempt to access JSON non-{what} as {what}")
    };
    refused(r#"{"inputs":{}}"#, &[], &non("inputs", "array"));
    refused(&format!(r#"{{"inputs":[{ONES}],"id":5}}"#), &[], &non("id", "string"));
    let check = |members: &str, expected: &str| refused(&input(members), &[], expected);
    let head = r#""datatype":"INT32","shape":[1,2]"#;
    check(r#""datatype":"FOO","shape":[1,2],"data":[0,1]"#, "invalid datatype for input INPUT0");
    check(r#""datatype":"INT32","shape":"x","data":[0,1]"#, &non("shape", "array"));
    check(r#""datatype":"INT32","shape":[-1,2],"data":[0,1]"#, &non("shape", "unsigned-integer"));
    check(r#""datatype":"INT32","data":[0,1]"#, &missing("shape"));
    check(r#""shape":[1,2],"data":[0,1]"#, &missing("datatype"));
    let nameless = r#"{"inputs":[{"datatype":"INT32","shape":[1,2],"data":[0,1]}]}"#;
    refused(nameless, &[], &missing("name"));
    let count = "Unable to parse 'data': Shape does not match true shape of 'data' field";
    check(&format!(r#"{head},"data":[0]"#), count);
    check(&format!(r#"{head},"data":[0,1,2]"#), count);
    check(&format!(r#"{head},"data":["a","a"]"#), &non("data", "signed-integer"));
    check(&format!(r#"{head},"data":[1.5,1.5]"#), &non("data", "signed-integer"));
    check(&format!(r#"{head},"data":[true,true]"#), &non("data", "signed-integer"));
    check(&format!(r#"{head},"data":null"#), &non("data", "array"));
    check(&format!(r#"{head},"data":5"#), &non("data", "array"));
    check(
        r#""datatype":"BYTES","shape":[1,2],"data":["a",5]"#,
        "Unable to parse JSON bytes array: attempt to access JSON non-string as string",
    );
    let one = "Input must set only one of the following fields: 'data', 'binary_data_size' in \
               'parameters', 'shared_memory_region' in 'parameters'. But ";
    check(head, &format!("{one}no field is set"));
    check(
        &format!(r#"{head},"data":[0,1],"parameters":{{"binary_data_size":8}}"#),
        &format!("{one}set 'data' 'binary_data_size'"),
    );
}

/// Recorded from Triton 2.51.0, as above.
#[test]
fn refused_parameters_are_in_triton_s_words() {
    let check = |parameters: &str, expected: &str| {
        refused(&format!(r#"{{"inputs":[{ONES}],"parameters":{parameters}}}"#), &[], expected);
    };
    check(
        r#"{"triton_x":1}"#,
        "parameter keys starting with 'triton_' are reserved for Triton usage and should not be \
         specified.",
    );
    let invalid = "parameter 'o' has invalid type. It should be either 'int', 'bool', or 'string'.";
    check(r#"{"o":{"a":1}}"#, invalid);
    check(r#"{"o":[1]}"#, invalid);
    check(r#"{"o":null}"#, invalid);
    let unsigned = |name: &str| {
        format!(
            "Unable to parse '{name}': attempt to access JSON non-unsigned-integer as \
             unsigned-integer"
        )
    };
    check(r#"{"priority":-1}"#, &unsigned("priority"));
    check(r#"{"timeout":"5"}"#, &unsigned("timeout"));
    // These are not recorded.
    check(r#"{"timeout":-5}"#, &unsigned("timeout"));
    check(r#"{"timeout":1.5}"#, &unsigned("timeout"));
    check(r#"{"timeout":9223372036854775808}"#, &unsigned("timeout"));
    check(
        r#"{"binary_data_output":1}"#,
        "Unable to parse 'binary_data_output': attempt to access JSON non-boolean as boolean",
    );
    check("5", "Unable to parse 'parameters': attempt to access JSON non-object as object");
    let at = format!(r#"{{"inputs":[{ONES}],"parameters":{{"o":"#).len();
    check(
        r#"{"o":nope}"#,
        &format!("failed to parse the request JSON buffer: Invalid value. at {at}"),
    );
}

/// Recorded from Triton 2.51.0, as above.
#[test]
fn wrong_lengths_are_in_triton_s_words() {
    let input = |index: u8, size: u8| {
        format!(
            r#"{{"name":"INPUT{index}","datatype":"INT32","shape":[1,2],"parameters":{{"binary_data_size":{size}}}}}"#
        )
    };
    let json = format!(r#"{{"inputs":[{},{}]}}"#, input(0, 8), input(1, 8));
    assert!(read(&json, &[0; 16]).is_ok());
    let short = "unexpected size for input 'INPUT1', expecting 8 additional bytes for model \
                 'simple'";
    refused(&json, &[0; 8], short);
    let all_but_one =
        "unexpected size for input 'INPUT1', expecting 1 additional bytes for model 'simple'";
    refused(&json, &[0; 15], all_but_one);
    refused(&json, &[0; 17], "unexpected additional input data for model 'simple'");
    let (body, _) = body(&json, &[0; 16]);
    let error = decode(&body, Some(99_999), "simple").unwrap_err().to_string();
    let size = body.len();
    assert_eq!(error, format!("inference header size should be in range (0, {size}), got: 99999"));
    let error = wrong_header_length("-1", 338).to_string();
    assert_eq!(error, "inference header size should be in range (0, 338), got: -1");
    // A size that is not what type and shape need is the model's to refuse, as in Triton.
    assert!(read(&json.replacen("_size\":8", "_size\":7", 1), &[0; 15]).is_ok());
}

#[test]
fn what_no_recording_has_is_refused_in_the_same_style() {
    let check = |json: &str, expected: &str| refused(json, &[], expected);
    let non = |name: &str, what: &str| {
        format!("Unable to parse '{name}': attempt to access JSON non-{what} as {what}")
    };
    check("[]", "attempt to access JSON non-object as object");
    check(r#"{"inputs":[5]}"#, &non("inputs", "object"));
    check(r#"{"inputs":[{"name":5}]}"#, &non("name", "string"));
    check(r#"{"inputs":[{"datatype":null}]}"#, &non("datatype", "string"));
    check(r#"{"inputs":[{"shape":[1.5]}]}"#, &non("shape", "unsigned-integer"));
    check(r#"{"inputs":[{"shape":[99999999999999999999]}]}"#, &non("shape", "unsigned-integer"));
    check(r#"{"inputs":[{"parameters":[]}]}"#, &non("parameters", "object"));
    check(
        r#"{"inputs":[{"parameters":{"binary_data_size":-1}}]}"#,
        &non("binary_data_size", "unsigned-integer"),
    );
    check(r#"{"inputs":[],"outputs":{}}"#, &non("outputs", "array"));
    check(r#"{"inputs":[],"outputs":[{"name":1}]}"#, &non("name", "string"));
    check(r#"{"inputs":[],"outputs":[{"name":"y","parameters":1}]}"#, &non("parameters", "object"));
    check(
        r#"{"inputs":[],"outputs":[{"name":"y","parameters":{"binary_data":"yes"}}]}"#,
        &non("binary_data", "boolean"),
    );
    check(
        r#"{"inputs":[],"outputs":[{}]}"#,
        "Unable to parse 'name': attempt to access non-existing object member 'name'",
    );
    check(
        r#"{"inputs":[]} x"#,
        "failed to parse the request JSON buffer: The document root must not be followed by other \
         values. at 14",
    );
    check(
        r#"{"inputs":[],"id":"\q"}"#,
        "failed to parse the request JSON buffer: Invalid escape character in string. at 19",
    );
}

fn part(offset: u64, size_bytes: u64) -> RegionPart {
    RegionPart { region: "r".into(), offset, size_bytes }
}

#[test]
fn an_input_may_lie_in_shared_memory() {
    let check = |parameters: &str, expected: Result<RegionPart, &str>| {
        let json = format!(r#""datatype":"INT32","shape":[2],"parameters":{{{parameters}}}"#);
        let read = read(&input(&json), &[]).map(|mut request| request.inputs.remove(0));
        let found = read.map(|input| (input.shape, input.data)).map_err(|error| error.to_string());
        let expected = expected.map(|part| (vec![2], Data::Shared(part)));
        assert_eq!(found, expected.map_err(str::to_owned), "{parameters}");
    };
    let region = r#""shared_memory_region":"r""#;
    check(region, Ok(part(0, 0)));
    check(&format!(r#""shared_memory_byte_size":8,{region}"#), Ok(part(0, 8)));
    check(
        &format!(r#"{region},"shared_memory_offset":4,"x":{{}},"shared_memory_byte_size":8"#),
        Ok(part(4, 8)),
    );
    check(
        r#""shared_memory_region":1"#,
        Err("Unable to parse 'shared_memory_region': attempt to access JSON non-string as string"),
    );
    let number = |name: &str| {
        format!(
            "Unable to parse '{name}': attempt to access JSON non-unsigned-integer as \
             unsigned-integer"
        )
    };
    for name in ["shared_memory_offset", "shared_memory_byte_size"] {
        check(&format!(r#"{region},"{name}":-1"#), Err(&number(name)));
        check(&format!(r#"{region},"{name}":18446744073709551616"#), Err(&number(name)));
    }
    let text = "Input must set only one of the following fields: 'data', 'binary_data_size' in \
                'parameters', 'shared_memory_region' in 'parameters'. But set ";
    let both = format!("{text}'binary_data_size' 'shared_memory_region'");
    check(&format!(r#"{region},"binary_data_size":8"#), Err(&both));
}

#[test]
fn an_output_may_be_written_to_shared_memory() {
    let place = |parameters: &str| read(&outputs(parameters), &[]).unwrap().outputs.remove(0).place;
    assert_eq!(place(""), None);
    let region = r#""shared_memory_region":"r","binary_data":false,"shared_memory_byte_size":64"#;
    assert_eq!(place(region), Some(part(0, 64)));
}

/// A request of no inputs and one output with these parameters.
fn outputs(parameters: &str) -> String {
    format!(r#"{{"inputs":[],"outputs":[{{"name":"y","parameters":{{{parameters}}}}}]}}"#)
}

#[test]
fn classes_may_be_wanted_of_an_output() {
    let check = |parameters: &str, expected: Result<(Option<usize>, bool), &str>| {
        let outcome = read(&outputs(parameters), &[]).map(|request| {
            let output = &request.outputs[0];
            (output.classes.map(NonZeroUsize::get), output.is_binary)
        });
        let outcome = outcome.map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{parameters}");
    };
    check("", Ok((None, false)));
    check(r#""classification":3"#, Ok((Some(3), false)));
    // Stock clients ask for both.
    check(r#""classification":3,"binary_data":true"#, Ok((Some(3), true)));
    check(r#""classification":0"#, Ok((None, false)));
    check(
        r#""classification":-1"#,
        Err("Unable to parse 'classification': attempt to access JSON non-unsigned-integer as \
             unsigned-integer"),
    );
    for (other, name) in
        [(r#""classification":3"#, "classification"), (r#""binary_data":true"#, "binary_data")]
    {
        let text = format!("Output can't set both 'shared_memory_region' and '{name}'");
        check(&format!(r#"{other},"shared_memory_region":"r""#), Err(&text));
        check(&format!(r#""shared_memory_region":"r",{other}"#), Err(&text));
    }
}

#[test]
fn every_type_is_read_from_json() {
    data("BOOL", "[2]", "[true,false]", &[1, 0]);
    data("INT8", "[3]", "[-128,0,127]", bytes(&[-128_i8, 0, 127]));
    data("INT16", "[2]", "[-32768,32767]", bytes(&[i16::MIN, i16::MAX]));
    data("INT32", "[2]", "[-2147483648,2147483647]", bytes(&[i32::MIN, i32::MAX]));
    let longest = format!("[{},{}]", i64::MIN, i64::MAX);
    data("INT64", "[2]", &longest, bytes(&[i64::MIN, i64::MAX]));
    data("UINT8", "[2]", "[0,255]", &[0, 255]);
    data("UINT16", "[2]", "[0,65535]", bytes(&[0, u16::MAX]));
    data("UINT32", "[2]", "[0,4294967295]", bytes(&[0, u32::MAX]));
    data("UINT64", "[2]", "[0,18446744073709551615]", bytes(&[0, u64::MAX]));
    data("FP32", "[4]", "[1,-1.5,1e-3,-0]", bytes(&[1.0_f32, -1.5, 1e-3, -0.0]));
    data("FP64", "[3]", "[0.1,1e300,-7E+2]", bytes(&[0.1_f64, 1e300, -7e2]));
    data("BYTES", "[3]", r#"["a","","h\u00e9é\ud83d\ude00"]"#, &strings(&["a", "", "héé😀"]));
}

#[test]
fn floats_may_be_no_numbers() {
    let special = "[NaN,Infinity,-Infinity]";
    data("FP32", "[3]", special, bytes(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]));
    data("FP64", "[3]", special, bytes(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]));
    let signed = "Unable to parse 'data': attempt to access JSON non-signed-integer as \
                  signed-integer";
    wrong_data("INT32", "NaN", signed);
    wrong_data("INT32", "-Infinity", signed);
}

#[test]
fn what_does_not_fit_its_type_is_refused() {
    for (data_type, least, most) in [
        ("INT8", i128::from(i8::MIN), i128::from(i8::MAX)),
        ("INT16", i128::from(i16::MIN), i128::from(i16::MAX)),
        ("INT32", i128::from(i32::MIN), i128::from(i32::MAX)),
        ("INT64", i128::from(i64::MIN), i128::from(i64::MAX)),
        ("UINT8", 0, i128::from(u8::MAX)),
        ("UINT16", 0, i128::from(u16::MAX)),
        ("UINT32", 0, i128::from(u32::MAX)),
        ("UINT64", 0, i128::from(u64::MAX)),
    ] {
        let text =
            |number: i128| format!("Unable to parse 'data': {number} does not fit {data_type}");
        wrong_data(data_type, &(most + 1).to_string(), &text(most + 1));
        if least < 0 {
            wrong_data(data_type, &(least - 1).to_string(), &text(least - 1));
        } else {
            let unsigned = "Unable to parse 'data': attempt to access JSON non-unsigned-integer \
                            as unsigned-integer";
            wrong_data(data_type, "-1", unsigned);
        }
        wrong_data(data_type, &i128::MAX.to_string(), &text(i128::MAX));
    }
    wrong_data("FP32", "1e39", "Unable to parse 'data': 1e39 does not fit FP32");
    wrong_data("FP64", "-1e999", "Unable to parse 'data': -1e999 does not fit FP64");
}

#[test]
fn elements_of_another_type_are_refused() {
    let non = |what| format!("Unable to parse 'data': attempt to access JSON non-{what} as {what}");
    wrong_data("BOOL", "1", &non("boolean"));
    wrong_data("BOOL", "null", &non("boolean"));
    wrong_data("UINT8", "1.0", &non("unsigned-integer"));
    wrong_data("INT8", "1e2", &non("signed-integer"));
    wrong_data("FP32", "\"1\"", &non("double"));
    wrong_data("FP64", "true", &non("double"));
    wrong_data("FP32", "{}", &non("double"));
}

#[test]
fn half_floats_have_no_json_form() {
    for data_type in ["FP16", "BF16"] {
        let text = format!(
            "receiving {data_type} data via JSON is not supported. Please use the binary data \
             format for input INPUT0"
        );
        wrong_data(data_type, "1.0", &text);
    }
}

#[test]
fn data_may_be_nested_and_come_before_what_explains_them() {
    let expected = bytes(&[1_i16, 2, 3, 4]);
    for nested in ["[1,2,3,4]", "[[1,2],[3,4]]", "[[[1],[2]],[[3],[4]]]", "[1,[2,[3]],4]"] {
        data("INT16", "[2,2]", nested, expected);
    }
    for members in [
        r#""data":[[1,2],[3,4]],"datatype":"INT16","shape":[2,2]"#,
        r#""shape":[2,2],"data":[[1,2],[3,4]],"datatype":"INT16""#,
        r#""datatype":"INT16","data":[[1,2],[3,4]],"shape":[2,2]"#,
    ] {
        assert_eq!(&**read(&input(members), &[]).unwrap().inputs[0].sent(), expected, "{members}");
    }
    let late = r#""data":[1,true],"datatype":"INT16","shape":[2]"#;
    let text = "Unable to parse 'data': attempt to access JSON non-signed-integer as \
                signed-integer";
    refused(&input(late), &[], text);
    let late = r#""data":["a"],"datatype":"FP16","shape":[1]"#;
    assert!(read(&input(late), &[]).unwrap_err().to_string().starts_with("receiving FP16 data"));
}

#[test]
fn tensors_may_be_empty() {
    data("FP32", "[0,16]", "[]", &[]);
    data("FP32", "[2,0]", "[[],[]]", &[]);
    data("BYTES", "[0]", "[]", &[]);
    data("INT8", "[]", "[5]", &[5]);
    let none = r#""datatype":"FP32","shape":[0],"parameters":{"binary_data_size":0}"#;
    assert!(read(&input(none), &[]).unwrap().inputs[0].sent().is_empty());
    let count = "Unable to parse 'data': Shape does not match true shape of 'data' field";
    refused(&input(r#""datatype":"FP32","shape":[0],"data":[1]"#), &[], count);
}

/// A count of elements that were taken at its word would take more memory than there is.
#[test]
fn a_lying_shape_takes_no_memory() {
    let count = "Unable to parse 'data': Shape does not match true shape of 'data' field";
    for data_type in ["BOOL", "FP64", "BYTES"] {
        for shape in [[1_u64 << 62, 1].as_slice(), &[1 << 20; 3], &[1 << 40, 1 << 40]] {
            let element = if data_type == "BYTES" { "\"a\"" } else { "true" };
            let element = if data_type == "FP64" { "1" } else { element };
            let early = format!(r#""datatype":"{data_type}","shape":{shape:?},"data":[{element}]"#);
            refused(&input(&early), &[], count);
            let late = format!(r#""data":[{element}],"datatype":"{data_type}","shape":{shape:?}"#);
            refused(&input(&late), &[], count);
        }
    }
}

#[test]
fn nothing_is_nested_beyond_the_limit() {
    let deep = |depth: usize| {
        let data = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        [
            input(&format!(r#""datatype":"INT8","shape":[1],"data":{data}"#)),
            input(&format!(r#""data":{data},"datatype":"INT8","shape":[1]"#)),
        ]
    };
    // The request, its inputs and one of them are around the data.
    for json in deep(97) {
        assert_eq!(&**read(&json, &[]).unwrap().inputs[0].sent(), [1]);
    }
    for json in deep(98) {
        let text = read(&json, &[]).unwrap_err().to_string();
        assert!(text.contains("Nested too deeply. at "), "{text}");
    }
}

#[test]
fn binary_data_of_every_type_are_shares_of_the_body() {
    let types = [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16",
        "FP32", "FP64", "BF16", "BYTES",
    ];
    let mut inputs = String::new();
    for (size, name) in types.iter().enumerate() {
        let separator = if size == 0 { "" } else { "," };
        write!(
            inputs,
            r#"{separator}{{"name":"{name}","datatype":"{name}","shape":[1,{size}],"parameters":{{"binary_data_size":{size}}}}}"#
        )
        .unwrap();
    }
    let binary: Vec<u8> = (0..u8::try_from((0..types.len()).sum::<usize>()).unwrap()).collect();
    let (body, header_length) = body(&format!(r#"{{"inputs":[{inputs}]}}"#), &binary);
    let request = decode(&body, header_length, "simple").unwrap();
    let mut at = header_length.unwrap();
    for (size, input) in request.inputs.iter().enumerate() {
        assert_eq!(
            (&*input.name, input.data_type.map(DataType::name)),
            (types[size], Some(types[size]))
        );
        assert_eq!(input.shape, [1, i64::try_from(size).unwrap()]);
        assert_eq!(*input.sent(), body.slice(at..at + size));
        assert_eq!(input.sent().as_ptr(), body[at..].as_ptr(), "{}", input.name);
        at += size;
    }
    assert_eq!(at, body.len());
}

#[test]
fn json_and_binary_data_may_be_mixed() {
    let json = format!(
        r#"{{"inputs":[{{"name":"a","datatype":"UINT8","shape":[2],"parameters":{{"binary_data_size":2}}}},{ONES},{{"parameters":{{"x":1,"binary_data_size":1}},"name":"b","shape":[1],"datatype":"UINT8"}}]}}"#
    );
    let request = read(&json, &[7, 8, 9]).unwrap();
    let data: Vec<_> = request.inputs.iter().map(|input| input.sent().to_vec()).collect();
    assert_eq!(data, [vec![7, 8], bytes(&[1_i32, 1]).to_vec(), vec![9]]);
}

#[test]
fn all_else_of_a_request_is_read() {
    let json = format!(
        r#"{{"zzz":[{{}}],"id":"my\u0020id","inputs":[{ONES}],
            "outputs":[{{"name":"a","parameters":{{"binary_data":true,"other":1}}}},
                       {{"name":"b","more":null}}],
            "parameters":{{"priority":1,"timeout":1000000,"s":"bar","n":-3,"b":true,"d":1.5,
                          "big":1e20,"binary_data_output":true}}}}"#
    );
    let request = read(&json, &[]).unwrap();
    assert_eq!((&*request.id, request.is_output_binary), ("my id", true));
    let output = |name: &str, is_binary| NamedOutput {
        name: name.into(),
        is_binary,
        classes: None,
        place: None,
    };
    assert_eq!(request.outputs, [output("a", true), output("b", false)]);
    let expected = [
        ("priority", Parameter::Int(1)),
        ("timeout", Parameter::Int(1_000_000)),
        ("s", Parameter::Text("bar".into())),
        ("n", Parameter::Int(-3)),
        ("b", Parameter::Bool(true)),
        ("d", Parameter::Double(1.5)),
        ("big", Parameter::Double(1e20)),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(request.parameters, Parameters::from(expected));
    let none = read(r#"{"inputs":[]}"#, &[]).unwrap();
    assert!(none.id.is_empty() && none.inputs.is_empty() && none.outputs.is_empty());
    assert!(!none.is_output_binary && none.parameters.is_empty());
}

#[test]
fn lists_are_bounded() {
    let list = |element: &str| vec![element; LIST_LENGTH_MAX + 1].join(",");
    let check = |body: String| {
        let error = decode(&Bytes::from(body), None, "m").unwrap_err().to_string();
        assert_eq!(error, "a request may list at most 1024 of anything");
    };
    check(format!("{{\"inputs\":[{}]}}", list("{\"name\":\"x\"}")));
    check(format!("{{\"outputs\":[{}]}}", list("{\"name\":\"y\"}")));
    check(format!("{{\"inputs\":[{{\"shape\":[{}]}}]}}", list("1")));
}
