//! The pictures in an input.

use nereid_backend::data_type::DataType;
use nereid_backend::tensor::Tensor;

use crate::error::PictureError;
use crate::options::{InputFormat, Options};
use crate::picture::{Levels, Picture};

/// What each row of an input is, before it is looked at.
pub(super) struct Rows<'a> {
    /// The bytes of each picture.
    bytes: Vec<Levels<'a>>,
    /// The axes of one picture.
    shape: &'a [usize],
}

impl<'a> Rows<'a> {
    /// Each element of a BYTES tensor, or each row of a UINT8 tensor; none of files that are not on the host.
    pub(super) fn of(tensor: &'a Tensor, input: InputFormat) -> Self {
        let axes = match input {
            InputFormat::File => 1,
            InputFormat::Pixels(_) => 3,
            InputFormat::Nv12 => 2,
        };
        let shape = tensor.shape();
        let (rows, shape) = shape.split_at(shape.len().saturating_sub(axes));
        let rows: usize = rows.iter().product();
        let length: usize = shape.iter().product();
        let row = |index| index * length..(index + 1) * length;
        let bytes = match tensor.host() {
            _ if tensor.data_type() == DataType::Bytes => {
                tensor.strings().map(|files| files.map(Levels::Host).collect())
            }
            Some(bytes) => Some(
                (0..rows).filter_map(|index| Some(Levels::Host(bytes.get(row(index))?))).collect(),
            ),
            None if input == InputFormat::File => None,
            // Without a batch axis, the tensor is the one picture.
            None if shape.len() == tensor.shape().len() => {
                Some(vec![Levels::Device(tensor.clone())])
            }
            None => {
                let picture = |index| tensor.rows(index..index + 1).map(Levels::Device);
                Some((0..rows).filter_map(picture).collect())
            }
        };
        Self { bytes: bytes.unwrap_or_default(), shape }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The picture of row `index`, which must be one of them.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub(super) fn picture(
        &self,
        index: usize,
        options: &Options,
    ) -> Result<Picture<'a>, PictureError> {
        let (levels, pixels_max) = (self.bytes[index].clone(), options.acceptance.pixels_max);
        match (options.input, self.shape, levels) {
            (InputFormat::Pixels(format), &[height, width, _], levels) => {
                Picture::levels(levels, format, (width, height), pixels_max)
            }
            (InputFormat::Nv12, &[rows, width], levels) => {
                Picture::nv12(levels, (width, rows), pixels_max)
            }
            (_, _, levels) => Picture::open(levels.on_host()?, options.acceptance),
        }
    }
}

#[cfg(test)]
mod tests {
    use nereid_kernels::cpu::PixelFormat;

    use super::*;

    #[test]
    fn a_picture_for_each_element_or_row() {
        let uint8 = |shape: &[usize], values: &[u8]| {
            Tensor::from_values(shape.to_vec(), values.to_vec()).unwrap()
        };
        let bytes = |shape: &[usize], strings: &[&str]| {
            Tensor::from_strings(shape.to_vec(), strings).unwrap()
        };
        let (file, gray) = (InputFormat::File, InputFormat::Pixels(PixelFormat::Gray));
        let cases: [(Tensor, InputFormat, &[&[u8]]); 9] = [
            (bytes(&[2, 1], &["a", ""]), file, &[b"a", b""]),
            (bytes(&[1], &["abc"]), file, &[b"abc"]),
            (uint8(&[2, 3], b"abcdef"), file, &[b"abc", b"def"]),
            (uint8(&[3], b"abc"), file, &[b"abc"]),
            (uint8(&[1, 0], b""), file, &[b""]),
            (uint8(&[0, 4], b""), file, &[]),
            (uint8(&[2, 1, 3, 1], b"abcdef"), gray, &[b"abc", b"def"]),
            (uint8(&[1, 3, 1], b"abc"), gray, &[b"abc"]),
            (uint8(&[2, 3, 2], b"abcdefABCDEF"), InputFormat::Nv12, &[b"abcdef", b"ABCDEF"]),
        ];
        for (tensor, input, expected) in cases {
            let rows = Rows::of(&tensor, input).bytes;
            let bytes: Vec<_> = rows.iter().map(|levels| levels.on_host().unwrap()).collect();
            assert_eq!(bytes, expected, "{tensor:?}");
        }
    }
}
