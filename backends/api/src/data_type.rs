//! Element types, under their two names: `FP32` on the wire, `TYPE_FP32` in `config.pbtxt`.

/// `KServe` v2 element types, with Triton's BF16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// One byte, 0 or 1.
    Bool,
    /// 8-bit unsigned integer.
    Uint8,
    /// 16-bit unsigned integer.
    Uint16,
    /// 32-bit unsigned integer.
    Uint32,
    /// 64-bit unsigned integer.
    Uint64,
    /// 8-bit signed integer.
    Int8,
    /// 16-bit signed integer.
    Int16,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 16-bit IEEE float.
    Fp16,
    /// 32-bit IEEE float.
    Fp32,
    /// 64-bit IEEE float.
    Fp64,
    /// The upper half of a 32-bit IEEE float.
    Bf16,
    /// Byte strings, each after its length as a little-endian `u32`.
    Bytes,
}

/// Every type with its wire name, its name in `config.pbtxt`, and its size.
const TABLE: [(DataType, &str, &str, Option<usize>); 14] = [
    (DataType::Bool, "BOOL", "TYPE_BOOL", Some(1)),
    (DataType::Uint8, "UINT8", "TYPE_UINT8", Some(1)),
    (DataType::Uint16, "UINT16", "TYPE_UINT16", Some(2)),
    (DataType::Uint32, "UINT32", "TYPE_UINT32", Some(4)),
    (DataType::Uint64, "UINT64", "TYPE_UINT64", Some(8)),
    (DataType::Int8, "INT8", "TYPE_INT8", Some(1)),
    (DataType::Int16, "INT16", "TYPE_INT16", Some(2)),
    (DataType::Int32, "INT32", "TYPE_INT32", Some(4)),
    (DataType::Int64, "INT64", "TYPE_INT64", Some(8)),
    (DataType::Fp16, "FP16", "TYPE_FP16", Some(2)),
    (DataType::Fp32, "FP32", "TYPE_FP32", Some(4)),
    (DataType::Fp64, "FP64", "TYPE_FP64", Some(8)),
    (DataType::Bf16, "BF16", "TYPE_BF16", Some(2)),
    (DataType::Bytes, "BYTES", "TYPE_STRING", None),
];

impl DataType {
    /// Bytes per element, or `None` for [`DataType::Bytes`].
    pub fn size_bytes(self) -> Option<usize> {
        TABLE.iter().find(|row| row.0 == self).and_then(|row| row.3)
    }

    /// Its name in requests and responses, such as `FP32`.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Its name in `config.pbtxt`, such as `TYPE_FP32`.
    pub fn config_name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }

    /// The type that requests call `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The type that `config.pbtxt` calls `name`.
    pub fn from_config_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.2 == name).map(|row| row.0)
    }
}

/// A Rust type that is the elements of a tensor.
pub trait Element: bytemuck::NoUninit + bytemuck::AnyBitPattern + Send + Sync {
    /// What the wire calls it.
    const DATA_TYPE: DataType;
}

macro_rules! elements {
    ($($rust:ty => $data_type:ident),+ $(,)?) => {
        $(impl Element for $rust { const DATA_TYPE: DataType = DataType::$data_type; })+
    };
}

elements! {
    u8 => Uint8, u16 => Uint16, u32 => Uint32, u64 => Uint64,
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    half::f16 => Fp16, f32 => Fp32, f64 => Fp64, half::bf16 => Bf16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_both_names() {
        for (data_type, name, config_name, size) in TABLE {
            assert_eq!(DataType::from_name(name), Some(data_type));
            assert_eq!(DataType::from_config_name(config_name), Some(data_type));
            assert_eq!((data_type.name(), data_type.config_name()), (name, config_name));
            assert_eq!(data_type.size_bytes(), size);
        }
        assert_eq!(DataType::from_name("TYPE_FP32"), None);
    }
}
