//! `Dims`, and sizes that are known only at run time.

/// As of `NvInferRuntimeBase.h`: the rank, -1 for none, and up to eight sizes.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dims {
    pub(crate) rank: i32,
    pub(crate) sizes: [i64; 8],
}

impl Dims {
    pub(crate) const INVALID: Self = Self { rank: -1, sizes: [0; 8] };

    pub(crate) fn new(sizes: &[i64]) -> Self {
        let mut dims = Self { rank: i32::try_from(sizes.len()).unwrap_or(-1), sizes: [0; 8] };
        dims.sizes.iter_mut().zip(sizes).for_each(|(to, from)| *to = *from);
        dims
    }

    pub(crate) fn sizes(&self) -> &[i64] {
        self.sizes.get(..usize::try_from(self.rank).unwrap_or(0)).unwrap_or_default()
    }

    pub(crate) fn elements(&self) -> i64 {
        self.sizes().iter().product()
    }
}

/// A size of a tensor in a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
    Fixed(i64),
    /// `-1`: of an input, what the caller says; of an output, that of the first input.
    Dynamic,
    /// `?`: half of the first input's first, which is known only when it ran.
    Half,
    /// `@2`: the value of the host input, at this place.
    Value(usize),
}

impl Size {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "-1" => Some(Self::Dynamic),
            "?" => Some(Self::Half),
            _ => match text.strip_prefix('@') {
                Some(place) => place.parse().ok().map(Self::Value),
                None => text.parse().ok().map(Self::Fixed),
            },
        }
    }

    /// As an engine tells it, before anything runs.
    pub(crate) fn declared(self) -> i64 {
        if let Self::Fixed(size) = self { size } else { -1 }
    }
}
