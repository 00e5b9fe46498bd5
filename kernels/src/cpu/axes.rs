//! A dense tensor seen along one of its axes: `outer` blocks of `length` lines of `inner` elements.

/// The sizes of a row-major tensor around one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisView {
    /// Product of the axes before it.
    pub outer: usize,
    /// Its own size.
    pub length: usize,
    /// Product of the axes behind it.
    pub inner: usize,
}

impl AxisView {
    /// Around axis `from_end` of `shape`, 1 being the last; `None` if there is no such axis, or
    /// the sizes overflow.
    pub fn of(shape: &[usize], from_end: usize) -> Option<Self> {
        let axis = shape.len().checked_sub(from_end).filter(|_| from_end > 0)?;
        let product =
            |part: &[usize]| part.iter().try_fold(1_usize, |all, &size| all.checked_mul(size));
        Some(Self {
            outer: product(&shape[..axis])?,
            length: shape[axis],
            inner: product(&shape[axis + 1..])?,
        })
    }

    /// Elements of all, or as many as can be counted.
    pub(crate) fn numbers(self) -> usize {
        self.outer.saturating_mul(self.length).saturating_mul(self.inner)
    }

    /// Elements of one block.
    pub(super) fn block(self) -> usize {
        self.length * self.inner
    }

    /// `numbers` as blocks of lines. Sizes of 0 give none.
    pub(super) fn blocks<T>(self, numbers: &[T]) -> std::slice::ChunksExact<'_, T> {
        numbers.chunks_exact(self.block().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_counted_from_the_end() {
        let view = |outer, length, inner| Some(AxisView { outer, length, inner });
        assert_eq!(AxisView::of(&[2, 3, 4], 1), view(6, 4, 1));
        assert_eq!(AxisView::of(&[2, 3, 4], 2), view(2, 3, 4));
        assert_eq!(AxisView::of(&[2, 3, 4], 3), view(1, 2, 12));
        for missing in [0, 4, usize::MAX] {
            assert_eq!(AxisView::of(&[2, 3, 4], missing), None);
        }
        assert_eq!(AxisView::of(&[usize::MAX, 2, 1], 1), None);
    }
}
