use nereid_backend::tensor::Storage;

use super::*;
use crate::http::tests::Random;

const HEAD: &str = r#"{"model_name":"m","model_version":"1","outputs":["#;

fn encoded(id: &str, outputs: &[(Arc<str>, Tensor, bool)]) -> Result<Encoded, InferError> {
    encode(&InferResponse { id, model: "m", version: 1, outputs, placed: &[] })
}

fn json(outputs: &[(Arc<str>, Tensor, bool)]) -> String {
    let encoded = encoded("", outputs).unwrap();
    String::from_utf8(encoded.header.to_vec()).unwrap()
}

/// The text of the elements of `tensor`.
#[track_caller]
fn check(tensor: Tensor, expected: &str) {
    let (data_type, shape) = (tensor.data_type().name(), format!("{:?}", tensor.shape()));
    let shape = shape.replace(' ', "");
    let output =
        format!(r#"{{"name":"y","datatype":"{data_type}","shape":{shape},"data":[{expected}]}}"#);
    assert_eq!(json(&[("y".into(), tensor, false)]), format!("{HEAD}{output}]}}"));
}

fn tensor<T: Element>(values: &[T]) -> Tensor {
    Tensor::from_values(vec![values.len()], values.to_vec()).unwrap()
}

fn host(data_type: DataType, shape: &[usize], bytes: impl Into<Bytes>) -> Tensor {
    Tensor::new(data_type, shape.to_vec(), Storage::Host(bytes.into())).unwrap()
}

/// The texts between the brackets of the data.
fn elements(tensor: Tensor) -> Vec<String> {
    let json = json(&[("y".into(), tensor, false)]);
    let (_, data) = json.split_once(r#""data":["#).unwrap();
    data.trim_end_matches("]}]}").split(',').map(str::to_owned).collect()
}

#[test]
fn every_type_has_its_text() {
    check(host(DataType::Bool, &[3], vec![0, 1, 1]), "false,true,true");
    check(tensor(&[0, u8::MAX]), "0,255");
    check(tensor(&[0, u16::MAX]), "0,65535");
    check(tensor(&[0, u32::MAX]), "0,4294967295");
    check(tensor(&[0, u64::MAX]), "0,18446744073709551615");
    check(tensor(&[i8::MIN, i8::MAX]), "-128,127");
    check(tensor(&[i16::MIN, i16::MAX]), "-32768,32767");
    check(tensor(&[i32::MIN, i32::MAX]), "-2147483648,2147483647");
    check(tensor(&[i64::MIN, i64::MAX]), "-9223372036854775808,9223372036854775807");
    check(tensor(&[1.0_f32, -0.5, 0.1, -0.0, 1e30]), "1.0,-0.5,0.1,-0.0,1e30");
    check(tensor(&[1.0_f64, 0.1, 1e300, 5e-324]), "1.0,0.1,1e300,5e-324");
    check(Tensor::from_strings(vec![2], &["a", ""]).unwrap(), r#""a","""#);
}

#[test]
fn shapes_and_empty_tensors_have_their_text() {
    check(Tensor::from_values(vec![2, 1, 2], vec![1_i32, 2, 3, 4]).unwrap(), "1,2,3,4");
    check(host(DataType::Fp32, &[0, 16], Bytes::new()), "");
    check(host(DataType::Bytes, &[0], Bytes::new()), "");
    check(Tensor::from_values(vec![], vec![7_i8]).unwrap(), "7");
}

#[test]
fn what_is_no_number_is_named() {
    check(tensor(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]), "NaN,Infinity,-Infinity");
    check(tensor(&[-f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), "NaN,Infinity,-Infinity");
}

#[test]
fn the_text_of_a_float_reads_back_as_the_same() {
    let mut random = Random(1);
    let values: Vec<f32> = (0..20_000).map(|_| f32::from_bits(random.word())).collect();
    for (value, text) in values.iter().zip(elements(tensor(&values))) {
        let read: f32 = text.parse().unwrap();
        assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(), "{text}");
    }
    let values: Vec<f64> = (0..20_000).map(|_| f64::from_bits(random.next())).collect();
    for (value, text) in values.iter().zip(elements(tensor(&values))) {
        let read: f64 = text.parse().unwrap();
        assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(), "{text}");
    }
}

#[test]
fn strings_are_escaped() {
    let strings = ["\"\\/", "\n\t\r\u{8}\u{c}", "\0\u{1f}\u{7f}", "h\u{e9}\u{1f600}"];
    let expected =
        [r#""\"\\/""#, r#""\n\t\r\b\f""#, "\"\\u0000\\u001f\u{7f}\"", "\"h\u{e9}\u{1f600}\""];
    check(Tensor::from_strings(vec![4], &strings).unwrap(), &expected.join(","));
    let outputs = [("\"y\"".into(), tensor(&[1_i8]), false)];
    let encoded = encode(&InferResponse {
        id: "a\nb",
        model: "\"m\"",
        version: 12,
        outputs: &outputs,
        placed: &[],
    });
    let expected = concat!(
        r#"{"id":"a\nb","model_name":"\"m\"","model_version":"12","outputs":["#,
        r#"{"name":"\"y\"","datatype":"INT8","shape":[1],"data":[1]}]}"#,
    );
    assert_eq!(encoded.unwrap().header, expected);
}

#[test]
fn what_json_cannot_carry_is_refused() {
    #[track_caller]
    fn refused(tensor: Tensor, expected: &str) {
        match encoded("", &[("y".into(), tensor.clone(), false)]) {
            Err(InferError::Invalid(text)) => assert_eq!(text, expected),
            other => panic!("{other:?}"),
        }
        let bytes = tensor.host_bytes().unwrap();
        assert_eq!(encoded("", &[("y".into(), tensor, true)]).unwrap().binary, [bytes]);
    }
    let strings: [&[u8]; 2] = [b"fine", b"\xff\xfe"];
    refused(
        Tensor::from_strings(vec![2], &strings).unwrap(),
        "output 'y' holds bytes that are not UTF-8, which JSON cannot carry: ask for it with the \
         parameter 'binary_data'",
    );
    let half = |data_type| {
        format!(
            "sending {data_type} data via JSON is not supported. Please use the binary data \
             format for output y"
        )
    };
    refused(host(DataType::Fp16, &[1], vec![0; 2]), &half("FP16"));
    refused(host(DataType::Bf16, &[1], vec![0; 2]), &half("BF16"));
}

#[test]
fn json_and_binary_outputs_may_be_mixed() {
    let (a, b, c) = (tensor(&[1_i16, 2]), tensor(&[3_i32]), tensor(&[4_u8, 5, 6]));
    let shares: Vec<_> = [&a, &c].map(|tensor| tensor.host_bytes().unwrap()).into();
    let outputs = [("a".into(), a, true), ("b".into(), b, false), ("c".into(), c, true)];
    let encoded = encoded("7", &outputs).unwrap();
    let expected = concat!(
        r#"{"id":"7","model_name":"m","model_version":"1","outputs":["#,
        r#"{"name":"a","datatype":"INT16","shape":[2],"parameters":{"binary_data_size":4}},"#,
        r#"{"name":"b","datatype":"INT32","shape":[1],"data":[3]},"#,
        r#"{"name":"c","datatype":"UINT8","shape":[3],"parameters":{"binary_data_size":3}}]}"#,
    );
    assert_eq!(encoded.header, expected);
    assert_eq!(encoded.binary, shares);
    for (sent, share) in encoded.binary.iter().zip(&shares) {
        assert_eq!(sent.as_ptr(), share.as_ptr(), "it is shared, not copied");
    }
}

#[test]
fn a_response_may_have_no_outputs() {
    assert_eq!(json(&[]), format!("{HEAD}]}}"));
    assert!(encoded("", &[]).unwrap().binary.is_empty());
}

/// An output may be a slice of anything, at any place.
#[test]
fn tensors_need_not_be_aligned() {
    let values = [1.5_f64, -2.25];
    for offset in 0..8 {
        let mut bytes = vec![0xAA; offset];
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let tensor = host(DataType::Fp64, &[2], Bytes::from(bytes).slice(offset..));
        check(tensor, "1.5,-2.25");
    }
    let bytes = Bytes::from(vec![0xAA, 1, 2, 3, 4, 5, 6]).slice(1..);
    check(host(DataType::Uint16, &[3], bytes), "513,1027,1541");
    let rows = tensor(&[1_i32, 2, 3, 4]).rows(1..3).unwrap();
    check(rows, "2,3");
}
