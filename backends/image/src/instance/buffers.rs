//! Where the pictures of a batch are written: one buffer for each width that occurs, so that
//! requests of the same shape lie side by side, and the next model reads its batch in place.

use std::ops::Range;
use std::slice::ChunksExactMut;

use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

/// Colour channels of a picture.
const CHANNELS: usize = 3;

/// The buffers of one batch, whose pictures are all of the same height.
pub(super) struct Buffers {
    height: usize,
    buffers: Vec<Buffer>,
}

/// Pictures of one shape, without gaps.
struct Buffer {
    width: usize,
    rows_max: usize,
    elements: Vec<f32>,
}

/// Where the pictures of one request are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which of [`Buffers::into_tensors`].
    pub(super) buffer: usize,
    /// Which rows of it.
    pub(super) rows: Range<usize>,
}

impl Buffers {
    /// Buffers for pictures of `height`.
    pub(super) fn new(height: usize) -> Self {
        Self { height, buffers: Vec::new() }
    }

    /// Says that `rows` pictures of `width` will come. Takes no memory yet.
    pub(super) fn expect(&mut self, width: usize, rows: usize) {
        let index = self.index(width);
        self.buffers[index].rows_max += rows;
    }

    /// Has `write` fill the next `rows` pictures of `width`, each as planes one after the other.
    /// If it fails, the next ones are written over them.
    ///
    /// # Errors
    /// The error of `write`, or [`InferError::Overloaded`] when there is no memory.
    pub(super) fn write(
        &mut self,
        width: usize,
        rows: usize,
        write: impl FnOnce(ChunksExactMut<'_, f32>) -> Result<(), InferError>,
    ) -> Result<Place, InferError> {
        let size = CHANNELS * self.height * width;
        let index = self.index(width);
        let Buffer { rows_max, elements, .. } = &mut self.buffers[index];
        let start = elements.len();
        // All at once: if the buffer moved while it grows, that would be a copy.
        let missing = (size * *rows_max).saturating_sub(start);
        elements.try_reserve_exact(missing).map_err(|_| no_memory(missing))?;
        elements.resize(start + size * rows, 0.0);
        if let Err(error) = write(elements[start..].chunks_exact_mut(size)) {
            elements.truncate(start);
            return Err(error);
        }
        Ok(Place { buffer: index, rows: start / size..start / size + rows })
    }

    /// One tensor for each buffer, in the order that [`Place::buffer`] counts. Without a batch
    /// axis a buffer is one picture.
    pub(super) fn into_tensors(self, has_batch_axis: bool) -> Vec<Result<Tensor, InferError>> {
        let height = self.height;
        let tensor = |Buffer { width, elements, .. }: Buffer| {
            let rows = elements.len() / (CHANNELS * height * width);
            let shape = [rows, CHANNELS, height, width];
            let shape = &shape[usize::from(!has_batch_axis)..];
            Tensor::from_values(shape.to_vec(), elements)
                .map_err(|error| InferError::Backend(format!("pictures: {error}").into()))
        };
        self.buffers.into_iter().map(tensor).collect()
    }

    /// The buffer of pictures of `width`, which is made if it is new.
    fn index(&mut self, width: usize) -> usize {
        self.buffers.iter().position(|buffer| buffer.width == width).unwrap_or_else(|| {
            self.buffers.push(Buffer { width, rows_max: 0, elements: Vec::new() });
            self.buffers.len() - 1
        })
    }
}

fn no_memory(elements: usize) -> InferError {
    let size_bytes = elements * size_of::<f32>();
    InferError::Overloaded(format!("no memory for a batch of pictures of {size_bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffers: &mut Buffers, width: usize, values: &[f32]) -> Result<Place, InferError> {
        buffers.write(width, values.len(), |rows| {
            rows.zip(values).for_each(|(row, &value)| row.fill(value));
            if values.contains(&f32::MAX) {
                return Err(InferError::Invalid("bad".into()));
            }
            Ok(())
        })
    }

    #[test]
    fn pictures_of_one_width_lie_side_by_side() {
        let mut buffers = Buffers::new(2);
        for (width, rows) in [(1, 2), (3, 1), (1, 2), (1, 1)] {
            buffers.expect(width, rows);
        }
        let places = [
            fill(&mut buffers, 1, &[1.0, 2.0]).ok(),
            fill(&mut buffers, 3, &[3.0]).ok(),
            fill(&mut buffers, 1, &[4.0, f32::MAX]).ok(),
            fill(&mut buffers, 1, &[5.0]).ok(),
        ];
        let place = |buffer, rows| Some(Place { buffer, rows });
        assert_eq!(places, [place(0, 0..2), place(1, 0..1), None, place(0, 2..3)]);
        let tensors: Vec<_> = buffers.into_tensors(true).into_iter().map(Result::unwrap).collect();
        assert_eq!(tensors[0].shape(), [3, 3, 2, 1]);
        assert_eq!(tensors[1].shape(), [1, 3, 2, 3]);
        let expected = [[1.0_f32; 6], [2.0; 6], [5.0; 6]].concat();
        assert_eq!(tensors[0].values::<f32>().unwrap(), expected);
    }

    #[test]
    fn without_a_batch_axis_there_is_one_picture() {
        let mut buffers = Buffers::new(2);
        fill(&mut buffers, 1, &[1.0]).unwrap();
        let tensors = buffers.into_tensors(false);
        assert_eq!(tensors[0].as_ref().unwrap().shape(), [3, 2, 1]);
    }

    #[test]
    fn too_large_a_batch_is_an_error() {
        let mut buffers = Buffers::new(1 << 16);
        buffers.expect(1 << 16, 1 << 28);
        let refused = fill(&mut buffers, 1 << 16, &[1.0]);
        assert!(matches!(refused, Err(InferError::Overloaded(_))), "{refused:?}");
    }
}
