//! `Dims`, as `NvInferRuntimeBase.h` has it.

/// Most axes of a tensor. (`Dims64::MAX_DIMS`.)
const RANK_MAX: usize = 8;

/// The rank and the sizes of a tensor, -1 where a size is not known.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dims {
    /// -1 if there are none to tell.
    rank: i32,
    sizes: [i64; RANK_MAX],
}

impl Dims {
    /// Of a shape; `None` if it has too many axes, or one that is too long.
    pub(crate) fn of(shape: &[usize]) -> Option<Self> {
        let mut sizes = [0; RANK_MAX];
        for (to, size) in sizes.get_mut(..shape.len())?.iter_mut().zip(shape) {
            *to = i64::try_from(*size).ok()?;
        }
        Some(Self { rank: i32::try_from(shape.len()).ok()?, sizes })
    }

    /// The size of each axis; `None` if the library had none to tell.
    pub(crate) fn sizes(&self) -> Option<&[i64]> {
        self.sizes.get(..usize::try_from(self.rank).ok()?)
    }

    /// The shape, if all of it is known.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        self.sizes()?.iter().map(|size| usize::try_from(*size).ok()).collect()
    }
}

impl std::fmt::Debug for Dims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sizes().fmt(f)
    }
}
