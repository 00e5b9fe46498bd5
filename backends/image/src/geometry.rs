//! How large pictures become. All sizes are in pixels.

use nereid_backend::spec::Dim;
use nereid_kernels::cpu::AXIS_MAX;

/// Most pixels of one picture of an output, 12 bytes each.
pub(crate) const OUTPUT_PIXELS_MAX: usize = 64 << 20;

/// How a picture is brought to the size that a model wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resize {
    /// To exactly this size, whatever that does to its proportions.
    Stretch {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// To this height, the width by proportion, with padding on the right.
    FixedHeight {
        /// Rows.
        height: usize,
        /// Which widths are allowed.
        widths: Widths,
    },
}

/// The widths that a request's pictures may have, padding included. `min` and `max` are multiples
/// of `multiple`, and `min` is not more than `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Widths {
    /// Every width is a multiple of this.
    pub(crate) multiple: usize,
    /// The least width.
    pub(crate) min: usize,
    /// The greatest width. A wider picture is squeezed into it.
    pub(crate) max: usize,
}

impl Resize {
    /// Rows of every picture.
    pub(crate) fn height(&self) -> usize {
        match *self {
            Self::Stretch { height, .. } | Self::FixedHeight { height, .. } => height,
        }
    }

    /// The width of a picture of `width` x `height`, without padding:
    /// `ceil(fixed height * width / height)`, so that nothing becomes thinner than it was.
    pub(crate) fn picture_width(&self, (width, height): (usize, usize)) -> usize {
        debug_assert!((1..=AXIS_MAX).contains(&width) && (1..=AXIS_MAX).contains(&height));
        match *self {
            Self::Stretch { width, .. } => width,
            Self::FixedHeight { height: fixed, widths } => {
                (fixed * width).div_ceil(height).min(widths.max)
            }
        }
    }

    /// The width of a request whose widest picture is `widest`, padding included.
    pub(crate) fn padded_width(&self, widest: usize) -> usize {
        match *self {
            Self::Stretch { width, .. } => width,
            Self::FixedHeight { widths, .. } => {
                widest.max(widths.min).next_multiple_of(widths.multiple)
            }
        }
    }

    /// The axes of one picture in the output: channels, height, width.
    pub(crate) fn dims(&self) -> [Dim; 3] {
        let width = match *self {
            Self::Stretch { width, .. } => Dim::Fixed(width),
            Self::FixedHeight { widths, .. } if widths.min == widths.max => Dim::Fixed(widths.max),
            Self::FixedHeight { .. } => Dim::Any,
        };
        [Dim::Fixed(3), Dim::Fixed(self.height()), width]
    }

    /// Most pixels of one picture, padding included.
    pub(crate) fn pixels_max(&self) -> usize {
        let width = match *self {
            Self::Stretch { width, .. } => width,
            Self::FixedHeight { widths, .. } => widths.max,
        };
        width * self.height()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Resize =
        Resize::FixedHeight { height: 48, widths: Widths { multiple: 32, min: 64, max: 320 } };

    #[test]
    fn widths_follow_the_proportions() {
        let cases = [
            (LINE, (48, 48), 48, 64),
            (LINE, (64, 48), 64, 64),
            (LINE, (65, 48), 65, 96),
            (LINE, (640, 97), 317, 320),
            (LINE, (1, AXIS_MAX), 1, 64),
            (LINE, (AXIS_MAX, 1), 320, 320),
            (Resize::Stretch { width: 7, height: 5 }, (100, 10), 7, 7),
        ];
        for (resize, size, picture, padded) in cases {
            assert_eq!(resize.picture_width(size), picture, "{size:?}");
            assert_eq!(resize.padded_width(picture), padded, "{size:?}");
        }
    }

    #[test]
    fn dims_leave_open_what_pictures_decide() {
        let fixed = Widths { multiple: 32, min: 320, max: 320 };
        let cases = [
            (Resize::Stretch { width: 7, height: 5 }, [3, 5, 7]),
            (LINE, [3, 48, -1]),
            (Resize::FixedHeight { height: 48, widths: fixed }, [3, 48, 320]),
        ];
        for (resize, expected) in cases {
            assert_eq!(resize.dims().map(Dim::to_wire), expected, "{resize:?}");
        }
    }
}
