//! The encoded files in an input.

use nereid_backend::data_type::DataType;
use nereid_backend::tensor::Tensor;

/// Each element of a BYTES tensor, or each row of a UINT8 tensor; `None` for what is not on the
/// host.
pub(super) fn of(tensor: &Tensor) -> Option<Vec<&[u8]>> {
    if tensor.data_type() == DataType::Bytes {
        return Some(tensor.strings()?.collect());
    }
    let bytes = tensor.host()?;
    let (&length, rows) = tensor.shape().split_last()?;
    let rows: usize = rows.iter().product();
    Some((0..rows).filter_map(|row| bytes.get(row * length..(row + 1) * length)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_each_element_or_row() {
        let uint8 = |shape: &[usize], values: &[u8]| {
            Tensor::from_values(shape.to_vec(), values.to_vec()).unwrap()
        };
        let bytes = |shape: &[usize], strings: &[&str]| {
            Tensor::from_strings(shape.to_vec(), strings).unwrap()
        };
        let cases: [(Tensor, &[&[u8]]); 6] = [
            (bytes(&[2, 1], &["a", ""]), &[b"a", b""]),
            (bytes(&[1], &["abc"]), &[b"abc"]),
            (uint8(&[2, 3], b"abcdef"), &[b"abc", b"def"]),
            (uint8(&[3], b"abc"), &[b"abc"]),
            (uint8(&[1, 0], b""), &[b""]),
            (uint8(&[0, 4], b""), &[]),
        ];
        for (tensor, expected) in cases {
            assert_eq!(of(&tensor).unwrap(), expected, "{tensor:?}");
        }
    }
}
