use nereid_backend::tensor::Storage;

use super::*;
use crate::http::decode;

fn encoded(outputs: &[(Arc<str>, Tensor, bool)]) -> Result<Encoded, String> {
    let response = InferResponse { id: "", model: "simple", version: 1, outputs };
    encode(&response).map_err(|error| error.to_string())
}

fn bytes(data_type: DataType, shape: Vec<usize>, bytes: Vec<u8>) -> Tensor {
    Tensor::new(data_type, shape, Storage::Host(bytes.into())).unwrap()
}

/// What stands in the `data` of an output.
fn data_text(tensor: Tensor) -> Result<String, String> {
    let header = encoded(&[("Y".into(), tensor, false)])?.header;
    let text = String::from_utf8(header.to_vec()).unwrap();
    let (_, data) = text.split_once("\"data\":").unwrap();
    Ok(data.strip_suffix("}]}").unwrap().to_owned())
}

#[test]
fn a_recorded_response() {
    let outputs = [
        (
            "OUTPUT0".into(),
            Tensor::from_values(vec![1, 16], (1..17).collect::<Vec<i32>>()).unwrap(),
            false,
        ),
        (
            "OUTPUT1".into(),
            Tensor::from_values(vec![1, 16], (-1..15).collect::<Vec<i32>>()).unwrap(),
            false,
        ),
    ];
    let response = InferResponse { id: "my-id", model: "simple", version: 1, outputs: &outputs };
    let Encoded { header, binary } = encode(&response).unwrap();
    let expected = r#"{"id":"my-id","model_name":"simple","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,16],"data":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"data":[-1,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]}]}"#;
    assert_eq!(header, expected);
    assert!(binary.is_empty());
}

#[test]
fn elements_of_every_type() {
    let check =
        |tensor: Tensor, expected: &str| assert_eq!(data_text(tensor).as_deref(), Ok(expected));
    check(bytes(DataType::Bool, vec![2], vec![1, 0]), "[true,false]");
    check(Tensor::from_values(vec![2], vec![u8::MAX, 0]).unwrap(), "[255,0]");
    check(Tensor::from_values(vec![1], vec![i8::MIN]).unwrap(), "[-128]");
    check(Tensor::from_values(vec![1], vec![u64::MAX]).unwrap(), "[18446744073709551615]");
    check(Tensor::from_values(vec![1], vec![i64::MIN]).unwrap(), "[-9223372036854775808]");
    check(Tensor::from_values(vec![3], vec![0.1f32, 1.0, -0.0]).unwrap(), "[0.1,1.0,-0.0]");
    check(Tensor::from_values(vec![2], vec![0.1f64, 1e300]).unwrap(), "[0.1,1e300]");
    let special = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    check(Tensor::from_values(vec![3], special).unwrap(), "[NaN,Infinity,-Infinity]");
    check(
        Tensor::from_strings(vec![2], &["hé\n\u{1}", "b\"c\\"]).unwrap(),
        r#"["hé\n\u0001","b\"c\\"]"#,
    );
    check(Tensor::from_values(vec![0], Vec::<i32>::new()).unwrap(), "[]");
}

#[test]
fn outputs_that_json_cannot_carry() {
    let half = bytes(DataType::Fp16, vec![1], vec![0, 0]);
    let text = "sending FP16 data via JSON is not supported. Please use the binary data format for output Y";
    assert_eq!(data_text(half), Err(text.to_owned()));
    let text = data_text(Tensor::from_strings(vec![1], &[b"\xFF\xFE"]).unwrap()).unwrap_err();
    assert!(text.starts_with("output 'Y' holds bytes that are not UTF-8"), "{text}");
}

#[test]
fn binary_outputs_follow_and_are_shared() {
    let tensor = Tensor::from_values(vec![2], vec![1i32, 2]).unwrap();
    let half = bytes(DataType::Fp16, vec![1], vec![0, 60]);
    let outputs = [("A".into(), tensor.clone(), true), ("B".into(), half, true)];
    let Encoded { header, binary } = encoded(&outputs).unwrap();
    let expected = r#"{"model_name":"simple","model_version":"1","outputs":[{"name":"A","datatype":"INT32","shape":[2],"parameters":{"binary_data_size":8}},{"name":"B","datatype":"FP16","shape":[1],"parameters":{"binary_data_size":2}}]}"#;
    assert_eq!(header, expected);
    assert_eq!(binary, [vec![1, 0, 0, 0, 2, 0, 0, 0], vec![0, 60]]);
    assert_eq!(binary[0].as_ptr(), tensor.host().unwrap().as_ptr(), "copied");
}

/// A response's outputs have the form of a request's inputs, so they can be read back.
#[test]
fn what_is_written_reads_back_the_same() {
    let floats = [0.1f32, 1e-45, f32::MAX, f32::MIN_POSITIVE, 16_777_217.0, -0.0, f32::INFINITY];
    let tensors = [
        Tensor::from_values(vec![7], floats.to_vec()).unwrap(),
        Tensor::from_values(vec![3, 1], vec![f64::MAX, 5e-324, 0.3]).unwrap(),
        Tensor::from_values(vec![2], vec![i64::MIN, i64::MAX]).unwrap(),
        Tensor::from_values(vec![1, 2], vec![u16::MAX, 0]).unwrap(),
        Tensor::from_strings(vec![3], &["", "\"\\/\u{8}\u{c}\r\t\u{1f}\u{7f}", "😀é"]).unwrap(),
        bytes(DataType::Bool, vec![3], vec![0, 1, 1]),
    ];
    for form in 0..1 << tensors.len() {
        let outputs: Vec<(Arc<str>, Tensor, bool)> = tensors
            .iter()
            .enumerate()
            .map(|(index, tensor)| {
                (format!("T{index}").into(), tensor.clone(), form >> index & 1 == 1)
            })
            .collect();
        let Encoded { header, binary } = encoded(&outputs).unwrap();
        let header =
            String::from_utf8(header.to_vec()).unwrap().replace("\"outputs\"", "\"inputs\"");
        let body = Bytes::from([header.as_bytes(), &binary.concat()].concat());
        let request = decode(&body, Some(header.len()), "simple").unwrap();
        for ((name, tensor, _), input) in outputs.iter().zip(&request.inputs) {
            assert_eq!((&**name, tensor.data_type()), (input.name.as_str(), input.data_type));
            assert_eq!(
                (tensor.shape(), tensor.host().unwrap()),
                (&input.shape[..], &input.data[..])
            );
        }
        assert_eq!(request.inputs.len(), outputs.len());
    }
}
