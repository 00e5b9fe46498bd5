//! Element types and their numbers in TensorRT.

use nereid_backend::data_type::DataType;

/// By `nvinfer1::DataType`, which has them in this order; `None` for what requests have no name for.
/// (`NvInferRuntimeBase.h`.)
const TABLE: [(&str, Option<DataType>); 12] = [
    ("kFLOAT", Some(DataType::Fp32)),
    ("kHALF", Some(DataType::Fp16)),
    ("kINT8", Some(DataType::Int8)),
    ("kINT32", Some(DataType::Int32)),
    ("kBOOL", Some(DataType::Bool)),
    ("kUINT8", Some(DataType::Uint8)),
    ("kFP8", None),
    ("kBF16", Some(DataType::Bf16)),
    ("kINT64", Some(DataType::Int64)),
    ("kINT4", None),
    ("kFP4", None),
    ("kE8M0", None),
];

/// The type of this number.
///
/// # Errors
/// What TensorRT calls it, if requests cannot.
pub(crate) fn from_number(number: i32) -> Result<DataType, String> {
    let row = usize::try_from(number).ok().and_then(|number| TABLE.get(number));
    let (name, data_type) = row.ok_or_else(|| format!("number {number}"))?;
    data_type.ok_or_else(|| (*name).to_owned())
}
