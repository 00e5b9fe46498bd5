//! Element types and their numbers, which are the same in ONNX's files (`TensorProto.DataType`) and
//! in ONNX Runtime's C API (`ONNXTensorElementDataType`).

use nereid_backend::data_type::DataType;
use ort::sys::ONNXTensorElementDataType as OrtType;

/// What can be served.
const TABLE: [(OrtType, DataType); 14] = [
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, DataType::Bool),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, DataType::Uint8),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16, DataType::Uint16),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32, DataType::Uint32),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64, DataType::Uint64),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, DataType::Int8),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, DataType::Int16),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, DataType::Int32),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, DataType::Int64),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, DataType::Fp16),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, DataType::Fp32),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, DataType::Fp64),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16, DataType::Bf16),
    (OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, DataType::Bytes),
];

/// What cannot, for errors.
const OTHERS: [(i32, &str); 9] = [
    (14, "COMPLEX64"),
    (15, "COMPLEX128"),
    (17, "FLOAT8E4M3FN"),
    (18, "FLOAT8E4M3FNUZ"),
    (19, "FLOAT8E5M2"),
    (20, "FLOAT8E5M2FNUZ"),
    (21, "UINT4"),
    (22, "INT4"),
    (23, "FLOAT4E2M1"),
];

/// The type of this number.
///
/// # Errors
/// Its name, if it cannot be served.
pub(crate) fn from_onnx(number: i32) -> Result<DataType, String> {
    if let Some(&(_, data_type)) = TABLE.iter().find(|row| row.0 as i32 == number) {
        return Ok(data_type);
    }
    let name = OTHERS.iter().find(|row| row.0 == number).map(|row| row.1.to_owned());
    Err(name.unwrap_or_else(|| format!("number {number}")))
}

/// What ONNX Runtime calls this type.
pub(crate) fn to_onnx(data_type: DataType) -> OrtType {
    let row = TABLE.iter().find(|row| row.1 == data_type);
    row.map_or(OrtType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED, |row| row.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_served_type_goes_there_and_back() {
        for (ort_type, data_type) in TABLE {
            assert_eq!(from_onnx(ort_type as i32), Ok(data_type));
            assert_eq!(to_onnx(data_type), ort_type);
        }
        assert_eq!(from_onnx(14), Err("COMPLEX64".into()));
        assert_eq!(from_onnx(99), Err("number 99".into()));
    }
}
