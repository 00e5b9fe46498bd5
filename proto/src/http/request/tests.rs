use super::*;

/// Recorded requests to Triton 2.51.0, each with the text of the error that its codec makes.
const GOLDEN: &str = include_str!("../../../tests/data/requests.jsonl");

#[derive(Clone)]
struct Recorded {
    label: String,
    body: Vec<u8>,
    header_length: Option<usize>,
    error: Option<String>,
}

fn recorded(line: &str) -> Recorded {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    // Recorded as one character per byte.
    let byte = |character| u8::try_from(u32::from(character)).unwrap();
    Recorded {
        label: text("label").unwrap(),
        body: text("body").unwrap().chars().map(byte).collect(),
        header_length: line["header_length"].as_u64().map(|n| usize::try_from(n).unwrap()),
        error: text("error"),
    }
}

const INPUT: &str = r#""name":"X","datatype":"INT32","shape":[2]"#;

fn text_of(body: &[u8], header_length: Option<usize>) -> Result<InferRequest, String> {
    let body = Bytes::copy_from_slice(body);
    decode(&body, header_length, "simple").map_err(|error| error.to_string())
}

/// The bytes of one input of this type, or the error.
fn data(data_type: &str, shape: &str, data: &str) -> Result<Vec<u8>, String> {
    let orders = [
        format!(r#"{{"name":"X","datatype":"{data_type}","shape":{shape},"data":{data}}}"#),
        format!(r#"{{"data":{data},"shape":{shape},"datatype":"{data_type}","name":"X"}}"#),
    ];
    let [one, two] = orders.map(|input| {
        let body = format!(r#"{{"inputs":[{input}]}}"#);
        text_of(body.as_bytes(), None).map(|request| request.inputs[0].data.to_vec())
    });
    assert_eq!(one, two, "the order of members must not matter");
    one
}

#[test]
fn recorded_requests() {
    let (mut good, mut bad) = (0, 0);
    for Recorded { label, body, header_length, error } in GOLDEN.lines().map(recorded) {
        match (text_of(&body, header_length), error) {
            (Ok(_), None) => good += 1,
            (Err(actual), Some(expected)) => {
                assert_eq!(actual, expected, "{label}");
                bad += 1;
            }
            (actual, expected) => panic!("{label}: {actual:?}, expected {expected:?}"),
        }
    }
    assert_eq!((good, bad), (19, 27));
}

#[test]
fn elements_of_every_type() {
    let check = |data_type: &str, text: &str, expected: &[u8]| {
        assert_eq!(data(data_type, "[2]", text).as_deref(), Ok(expected), "{data_type} {text}");
    };
    check("BOOL", "[true, false]", &[1, 0]);
    check("INT8", "[-128, 127]", &[0x80, 0x7F]);
    check("UINT8", "[0, 255]", &[0, 255]);
    check("INT16", "[-1, 258]", &[0xFF, 0xFF, 2, 1]);
    check("UINT16", "[65535, 1]", &[0xFF, 0xFF, 1, 0]);
    check("INT32", "[[-2], [1]]", &[0xFE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]);
    check("UINT32", "[4294967295, 0]", &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    let (low, high) = (i64::MIN.to_le_bytes(), i64::MAX.to_le_bytes());
    check("INT64", "[-9223372036854775808, 9223372036854775807]", &[low, high].concat());
    let (low, high) = (0u64.to_le_bytes(), u64::MAX.to_le_bytes());
    check("UINT64", "[0, 18446744073709551615]", &[low, high].concat());
    check("FP32", "[1, -2.5e-1]", &[1f32.to_le_bytes(), (-0.25f32).to_le_bytes()].concat());
    check("FP64", "[0.1, 1E+2]", &[0.1f64.to_le_bytes(), 100f64.to_le_bytes()].concat());
    let infinite = [f32::INFINITY.to_le_bytes(), f32::NEG_INFINITY.to_le_bytes()].concat();
    check("FP32", "[Infinity, -Infinity]", &infinite);
    check(
        "BYTES",
        r#"["", "h\u00e9\n\ud83d\ude00"]"#,
        b"\0\0\0\0\x08\0\0\0h\xC3\xA9\n\xF0\x9F\x98\x80",
    );
    let nan = data("FP64", "[1]", "[NaN]").unwrap();
    assert!(f64::from_le_bytes(nan.try_into().unwrap()).is_nan());
    assert_eq!(data("INT32", "[0, 16]", "[]").as_deref(), Ok(&[][..]));
}

#[test]
fn elements_that_do_not_fit() {
    let check = |data_type: &str, text: &str, expected: &str| {
        let expected = format!("Unable to parse {expected}");
        assert_eq!(data(data_type, "[1]", text), Err(expected), "{data_type} {text}");
    };
    check("INT32", "[3000000000]", "'data': 3000000000 does not fit INT32");
    check("INT8", "[-129]", "'data': -129 does not fit INT8");
    check("UINT64", "[18446744073709551616]", "'data': 18446744073709551616 does not fit UINT64");
    check("FP32", "[1e39]", "'data': 1e39 does not fit FP32");
    check("FP64", "[-1e309]", "'data': -1e309 does not fit FP64");
    let unsigned = "'data': attempt to access JSON non-unsigned-integer as unsigned-integer";
    check("UINT8", "[-1]", unsigned);
    check("UINT8", "[1.0]", unsigned);
    check("BOOL", "[1]", "'data': attempt to access JSON non-boolean as boolean");
    check("FP32", "[\"1\"]", "'data': attempt to access JSON non-double as double");
    let count = "'data': Shape does not match true shape of 'data' field";
    check("INT32", "[[1], [2]]", count);
    check("INT32", "[]", count);
    let half = |name: &str| {
        format!(
            "receiving {name} data via JSON is not supported. Please use the binary data format for input X"
        )
    };
    assert_eq!(data("FP16", "[1]", "[1]"), Err(half("FP16")));
    assert_eq!(data("BF16", "[1]", "[1]"), Err(half("BF16")));
}

#[test]
fn a_count_that_no_text_can_hold_takes_no_memory() {
    let count = "Unable to parse 'data': Shape does not match true shape of 'data' field";
    assert_eq!(data("FP64", "[1000000000000]", "[1]"), Err(count.to_owned()));
    assert!(data("FP64", "[4294967296, 4294967296, 4294967296]", "[1]").is_err());
}

#[test]
fn binary_tensors_are_slices_of_the_body() {
    let inputs = r#"[{"parameters":{"binary_data_size":3},"name":"A","shape":[3],"datatype":"UINT8"},
        {"name":"B","datatype":"INT8","shape":[1],"data":[7]},
        {"name":"C","shape":[1],"datatype":"INT16","parameters":{"binary_data_size":2}}]"#;
    let json =
        format!(r#"{{"inputs":{inputs},"parameters":{{"binary_data_output":true,"f":1.5}}}}"#);
    let body = Bytes::from([json.as_bytes(), &[1, 2, 3, 4, 5]].concat());
    let request = decode(&body, Some(json.len()), "m").unwrap();
    let data: Vec<&[u8]> = request.inputs.iter().map(|input| &input.data[..]).collect();
    assert_eq!(data, [&[1, 2, 3][..], &[7], &[4, 5]]);
    assert_eq!(request.inputs[0].data.as_ptr(), body[json.len()..].as_ptr(), "copied");
    assert!(request.is_output_binary);
    assert_eq!(request.parameters, Parameters::from([("f".to_owned(), Parameter::Double(1.5))]));
}

#[test]
fn parameters_of_every_type() {
    let read = |parameters: &str| {
        let body = format!(r#"{{"inputs":[],"parameters":{{{parameters}}}}}"#);
        text_of(body.as_bytes(), None).map(|request| request.parameters.into_values().next())
    };
    let check =
        |text: &str, expected: Parameter| assert_eq!(read(text), Ok(Some(expected)), "{text}");
    check(r#""a":"b""#, Parameter::Text("b".to_owned()));
    check(r#""a":true"#, Parameter::Bool(true));
    check(r#""a":-3"#, Parameter::Int(-3));
    check(r#""a":3.0"#, Parameter::Double(3.0));
    check(r#""a":1e2"#, Parameter::Double(100.0));
    check(r#""timeout":7"#, Parameter::Int(7));
    let text = "parameter 'a' has invalid type. It should be either 'int', 'bool', or 'string'.";
    for wrong in ["null", "[1]", "{}", "9223372036854775808"] {
        assert_eq!(read(&format!(r#""a":{wrong}"#)), Err(text.to_owned()), "{wrong}");
    }
}

#[test]
fn lists_have_a_limit() {
    let check = |body: String, is_good: bool| {
        let read = text_of(body.as_bytes(), None);
        let is_limit = read.as_ref().is_err_and(|text| text.contains("at most 1024"));
        assert_eq!((read.is_ok(), is_limit), (is_good, !is_good), "{read:?}");
    };
    let input = format!("{{{INPUT},\"data\":[1,2]}}");
    let inputs =
        |count: usize| format!(r#"{{"inputs":[{}]}}"#, vec![input.as_str(); count].join(","));
    check(inputs(LIST_LENGTH_MAX), true);
    check(inputs(LIST_LENGTH_MAX + 1), false);
    let outputs = |count: usize| vec![r#"{"name":"Y"}"#; count].join(",");
    check(format!(r#"{{"inputs":[],"outputs":[{}]}}"#, outputs(LIST_LENGTH_MAX)), true);
    check(format!(r#"{{"inputs":[],"outputs":[{}]}}"#, outputs(LIST_LENGTH_MAX + 1)), false);
    let parameters =
        |count: usize| (0..count).map(|n| format!(r#""p{n}":1"#)).collect::<Vec<_>>().join(",");
    check(format!(r#"{{"inputs":[],"parameters":{{{}}}}}"#, parameters(LIST_LENGTH_MAX)), true);
    check(
        format!(r#"{{"inputs":[],"parameters":{{{}}}}}"#, parameters(LIST_LENGTH_MAX + 1)),
        false,
    );
}

/// Xorshift: all that is needed to change bodies in ways that repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn mutated_bodies_are_answered() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let bits = b"{}[]:,\"\\u-.0eE9NIn tf\n\xC3\x00\xFF";
    let seeds: Vec<_> = GOLDEN.lines().map(recorded).filter(|seed| seed.error.is_none()).collect();
    let (mut good, mut bad) = (0, 0);
    for round in 0..20_000 {
        let Recorded { mut body, header_length: mut length, .. } =
            seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(body.len());
            match random.below(4) {
                0 => body.insert(at, bits[random.below(bits.len())]),
                1 => drop(body.drain(at..(at + random.below(9)).min(body.len()))),
                2 => body.truncate(body.len() - random.below(body.len() / 4)),
                _ => body
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = bits[random.below(bits.len())]),
            }
        }
        if random.below(4) == 0 {
            length = Some(random.below(body.len() + 2));
        }
        match text_of(&body, length) {
            Ok(_) => good += 1,
            Err(text) => {
                bad += 1;
                assert!(!text.is_empty());
            }
        }
    }
    assert!(good > 200 && bad > 200, "{good} good, {bad} bad");
}
