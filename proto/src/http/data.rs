//! The `data` of an input: arrays of JSON values become the bytes of a tensor.

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::tensor::PREFIX_BYTES;

use super::json::{Fault, Read, Reader};

/// Reads an array, flat or nested, of `count` elements in row-major order.
pub(super) fn read(reader: &mut Reader<'_>, data_type: DataType, count: usize) -> Read<Bytes> {
    // An element and its comma are two bytes of text at least: a count that the text cannot hold
    // must not take memory.
    let room = count.min(reader.left() / 2 + 1);
    let size = data_type.size_bytes().unwrap_or(PREFIX_BYTES);
    let mut bytes = Vec::with_capacity(room.saturating_mul(size));
    let mut left = count;
    elements(reader, &mut |reader| {
        left = left.checked_sub(1).ok_or_else(wrong_count)?;
        element(reader, data_type, &mut bytes)
    })?;
    if left > 0 { Err(wrong_count()) } else { Ok(bytes.into()) }
}

fn wrong_count() -> Fault {
    Fault::value("Shape does not match true shape of 'data' field")
}

fn elements(
    reader: &mut Reader<'_>,
    element: &mut dyn FnMut(&mut Reader<'_>) -> Read<()>,
) -> Read<()> {
    reader.array(|reader| match reader.peek() {
        Some(b'[') => elements(reader, element),
        _ => element(reader),
    })
}

fn element(reader: &mut Reader<'_>, data_type: DataType, bytes: &mut Vec<u8>) -> Read<()> {
    match data_type {
        DataType::Bool => bytes.push(u8::from(reader.boolean()?)),
        DataType::Int8 => bytes.extend(signed::<i8>(reader, data_type)?.to_le_bytes()),
        DataType::Int16 => bytes.extend(signed::<i16>(reader, data_type)?.to_le_bytes()),
        DataType::Int32 => bytes.extend(signed::<i32>(reader, data_type)?.to_le_bytes()),
        DataType::Int64 => bytes.extend(signed::<i64>(reader, data_type)?.to_le_bytes()),
        DataType::Uint8 => bytes.extend(unsigned::<u8>(reader, data_type)?.to_le_bytes()),
        DataType::Uint16 => bytes.extend(unsigned::<u16>(reader, data_type)?.to_le_bytes()),
        DataType::Uint32 => bytes.extend(unsigned::<u32>(reader, data_type)?.to_le_bytes()),
        DataType::Uint64 => bytes.extend(unsigned::<u64>(reader, data_type)?.to_le_bytes()),
        DataType::Fp32 => bytes.extend(float::<f32>(reader, data_type)?.to_le_bytes()),
        DataType::Fp64 => bytes.extend(float::<f64>(reader, data_type)?.to_le_bytes()),
        DataType::Bytes => string(reader, bytes)?,
        DataType::Fp16 | DataType::Bf16 => return Err(Fault::not("binary-data")),
    }
    Ok(())
}

/// Reads a whole number that fits; what overflows is refused, where Triton wraps it around.
fn signed<T: TryFrom<i64>>(reader: &mut Reader<'_>, data_type: DataType) -> Read<T> {
    let text = reader.number("signed-integer")?;
    let value = whole::<i64>(text, data_type, "signed-integer")?;
    T::try_from(value).map_err(|_| out_of_range(text, data_type))
}

/// See [`signed`].
fn unsigned<T: TryFrom<u64>>(reader: &mut Reader<'_>, data_type: DataType) -> Read<T> {
    let text = reader.number("unsigned-integer")?;
    if text.starts_with('-') {
        return Err(Fault::not("unsigned-integer"));
    }
    let value = whole::<u64>(text, data_type, "unsigned-integer")?;
    T::try_from(value).map_err(|_| out_of_range(text, data_type))
}

fn whole<T: std::str::FromStr>(text: &str, data_type: DataType, what: &str) -> Read<T> {
    let is_whole = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole {
        return Err(Fault::not(what));
    }
    text.parse().map_err(|_| out_of_range(text, data_type))
}

fn out_of_range(text: &str, data_type: DataType) -> Fault {
    Fault::value(format!("{text} does not fit {}", data_type.name()))
}

/// Reads a float; as with whole numbers, what overflows is refused.
fn float<T>(reader: &mut Reader<'_>, data_type: DataType) -> Read<T>
where
    T: std::str::FromStr + Copy + Into<f64>,
{
    let text = reader.number("double")?;
    let value: T = text.parse().map_err(|_| Fault::not("double"))?;
    let is_overflow = value.into().is_infinite() && !text.ends_with("Infinity");
    if is_overflow { Err(out_of_range(text, data_type)) } else { Ok(value) }
}

fn string(reader: &mut Reader<'_>, bytes: &mut Vec<u8>) -> Read<()> {
    let string = reader.string()?;
    let length = u32::try_from(string.len()).map_err(|_| Fault::value("a string is too long"))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(string.as_bytes());
    Ok(())
}
