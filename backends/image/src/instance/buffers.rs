//! Where the pictures of a batch are written: one buffer for each size that occurs, so that
//! requests of the same shape lie side by side, and the next model reads its batch in place.

use std::ops::Range;
use std::slice::ChunksExactMut;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::tensor::{Storage, Tensor};
use nereid_kernels::cpu::{ChannelOrder, Layout};
use nereid_kernels::host_pool::{HostBuffer, HostPool};

/// Columns and rows, padding included.
pub(super) type Canvas = (usize, usize);

/// What all pictures of a model have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelSpec {
    /// The type of a level.
    pub(super) data_type: DataType,
    /// Channels.
    pub(super) order: ChannelOrder,
    /// The order of the axes.
    pub(super) layout: Layout,
}

impl PixelSpec {
    pub(super) fn shape(self, (width, height): Canvas) -> [usize; 3] {
        match self.layout {
            Layout::Planar => [self.order.channels(), height, width],
            Layout::Interleaved => [height, width, self.order.channels()],
        }
    }

    pub(super) fn size_bytes(self, (width, height): Canvas) -> usize {
        let element = self.data_type.size_bytes().unwrap_or_default();
        element * self.order.channels() * width * height
    }
}

/// The buffers of one batch.
pub(super) struct Buffers<'a> {
    pool: &'a HostPool,
    spec: PixelSpec,
    by_canvas: Vec<Buffer>,
}

/// Pictures of one shape, without gaps.
struct Buffer {
    canvas: Canvas,
    /// How many will come at most.
    rows_max: usize,
    /// How many are there.
    rows: usize,
    /// Taken when the first comes.
    memory: Option<HostBuffer>,
}

/// Where the pictures of one request are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which of [`Buffers::into_tensors`].
    pub(super) buffer: usize,
    /// Which rows of it.
    pub(super) rows: Range<usize>,
}

impl<'a> Buffers<'a> {
    /// Buffers from `pool`.
    pub(super) fn new(pool: &'a HostPool, spec: PixelSpec) -> Self {
        Self { pool, spec, by_canvas: Vec::new() }
    }

    /// Says that `rows` pictures on a `canvas` will come. Takes no memory yet.
    pub(super) fn expect(&mut self, canvas: Canvas, rows: usize) {
        let index = self.index(canvas);
        self.by_canvas[index].rows_max += rows;
    }

    /// Has `write` fill the next `rows` pictures, of those that were expected; what is in their
    /// memory before is of other requests, so it must write all of it. If it fails, the next ones
    /// are written over them.
    ///
    /// # Errors
    /// The error of `write`, or [`InferError::Overloaded`] when there is no memory.
    pub(super) fn write(
        &mut self,
        canvas: Canvas,
        rows: usize,
        write: impl FnOnce(ChunksExactMut<'_, u8>) -> Result<(), InferError>,
    ) -> Result<Place, InferError> {
        let size = self.spec.size_bytes(canvas);
        let index = self.index(canvas);
        let Buffer { rows_max, rows: done, memory, .. } = &mut self.by_canvas[index];
        if memory.is_none() {
            let size_bytes = size.saturating_mul(*rows_max);
            *memory = Some(self.pool.take(size_bytes).map_err(|_| no_memory(size_bytes))?);
        }
        let bytes = memory.as_mut().map(HostBuffer::as_mut).unwrap_or_default();
        let place = *done..*done + rows;
        let Some(bytes) = bytes.get_mut(size * place.start..size * place.end) else {
            return Err(InferError::Backend("more pictures than were expected".into()));
        };
        write(bytes.chunks_exact_mut(size))?;
        *done = place.end;
        Ok(Place { buffer: index, rows: place })
    }

    /// One tensor for each buffer, in the order that [`Place::buffer`] counts. Without a batch
    /// axis a buffer is one picture.
    pub(super) fn into_tensors(self, has_batch_axis: bool) -> Vec<Result<Tensor, InferError>> {
        let spec = self.spec;
        let tensor = |Buffer { canvas, rows, memory, .. }: Buffer| {
            let bytes = memory.map(Bytes::from_owner).unwrap_or_default();
            let bytes = bytes.slice(..rows * spec.size_bytes(canvas));
            let [first, second, third] = spec.shape(canvas);
            let shape = &[rows, first, second, third][usize::from(!has_batch_axis)..];
            Tensor::new(spec.data_type, shape.to_vec(), Storage::Host(bytes))
                .map_err(|error| InferError::Backend(format!("pictures: {error}").into()))
        };
        self.by_canvas.into_iter().map(tensor).collect()
    }

    /// The buffer of pictures on a `canvas`, which is made if it is new.
    fn index(&mut self, canvas: Canvas) -> usize {
        self.by_canvas.iter().position(|buffer| buffer.canvas == canvas).unwrap_or_else(|| {
            self.by_canvas.push(Buffer { canvas, rows_max: 0, rows: 0, memory: None });
            self.by_canvas.len() - 1
        })
    }
}

fn no_memory(size_bytes: usize) -> InferError {
    InferError::Overloaded(format!("no memory for a batch of pictures of {size_bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: PixelSpec =
        PixelSpec { data_type: DataType::Uint8, order: ChannelOrder::Rgb, layout: Layout::Planar };

    fn fill(buffers: &mut Buffers<'_>, canvas: Canvas, values: &[u8]) -> Result<Place, InferError> {
        buffers.write(canvas, values.len(), |rows| {
            rows.zip(values).for_each(|(row, &value)| row.fill(value));
            if values.contains(&u8::MAX) {
                return Err(InferError::Invalid("bad".into()));
            }
            Ok(())
        })
    }

    #[test]
    fn pictures_of_one_size_lie_side_by_side() {
        let pool = HostPool::new(0);
        let mut buffers = Buffers::new(&pool, SPEC);
        for (canvas, rows) in [((1, 2), 2), ((3, 2), 1), ((1, 2), 2), ((1, 2), 1)] {
            buffers.expect(canvas, rows);
        }
        let places = [
            fill(&mut buffers, (1, 2), &[1, 2]).ok(),
            fill(&mut buffers, (3, 2), &[3]).ok(),
            fill(&mut buffers, (1, 2), &[4, u8::MAX]).ok(),
            fill(&mut buffers, (1, 2), &[5]).ok(),
        ];
        let place = |buffer, rows| Some(Place { buffer, rows });
        assert_eq!(places, [place(0, 0..2), place(1, 0..1), None, place(0, 2..3)]);
        let tensors: Vec<_> = buffers.into_tensors(true).into_iter().map(Result::unwrap).collect();
        assert_eq!(tensors[0].shape(), [3, 3, 2, 1]);
        assert_eq!(tensors[1].shape(), [1, 3, 2, 3]);
        assert_eq!(tensors[0].host().unwrap(), [[1; 6], [2; 6], [5; 6]].concat());
    }

    #[test]
    fn shapes_follow_layout_and_channels() {
        let pool = HostPool::new(0);
        let spec = PixelSpec { order: ChannelOrder::Gray, layout: Layout::Interleaved, ..SPEC };
        let mut buffers = Buffers::new(&pool, spec);
        buffers.expect((1, 2), 1);
        fill(&mut buffers, (1, 2), &[1]).unwrap();
        let tensors = buffers.into_tensors(false);
        assert_eq!(tensors[0].as_ref().unwrap().shape(), [2, 1, 1]);
    }

    #[test]
    fn memory_goes_back_to_the_pool() {
        let pool = HostPool::new(8 << 20);
        let mut buffers = Buffers::new(&pool, SPEC);
        buffers.expect((1024, 1024), 1);
        fill(&mut buffers, (1024, 1024), &[1]).unwrap();
        let tensors = buffers.into_tensors(true);
        assert_eq!(pool.kept_bytes(), 0);
        drop(tensors);
        assert_eq!(pool.kept_bytes(), 4 << 20);
    }

    #[test]
    fn too_large_a_batch_is_an_error() {
        let pool = HostPool::new(0);
        let mut buffers = Buffers::new(&pool, SPEC);
        buffers.expect((1 << 16, 1 << 16), 1 << 28);
        let refused = fill(&mut buffers, (1 << 16, 1 << 16), &[1]);
        assert!(matches!(refused, Err(InferError::Overloaded(_))), "{refused:?}");
    }
}
