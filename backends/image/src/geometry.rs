//! How large pictures become, and where they lie. All sizes are in pixels.

use nereid_backend::spec::Dim;
use nereid_kernels::cpu::{AXIS_MAX, ChannelOrder, Frame, Layout};

/// Most pixels of one picture of an output, 24 bytes each at most.
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
    /// As large as fits this size in its proportions, with padding around it.
    Letterbox {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Where the picture is put.
        anchor: Anchor,
    },
    /// The shorter side to this length, and of that the middle.
    CenterCrop {
        /// Of the shorter side.
        shorter: usize,
        /// Columns of the middle, at most `shorter`.
        width: usize,
        /// Rows of the middle, at most `shorter`.
        height: usize,
    },
    /// To this height, the width by proportion, with padding on the right.
    FixedHeight {
        /// Rows.
        height: usize,
        /// Which widths are allowed.
        widths: Widths,
    },
    /// As large as it came, with padding on the right and below where others are larger.
    None,
}

/// Where a picture is put in a larger frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// In the middle; the odd pixel of padding is on the right and below.
    #[default]
    Center,
    /// At the top left, all padding on the right and below.
    TopLeft,
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
    /// Where a picture of `width` x `height` lies, if it is alone.
    pub(crate) fn frame(&self, (width, height): (usize, usize)) -> Frame {
        debug_assert!((1..=AXIS_MAX).contains(&width) && (1..=AXIS_MAX).contains(&height));
        match *self {
            Self::Stretch { width, height } => Frame::full((width, height)),
            Self::Letterbox { width: canvas_width, height: canvas_height, anchor } => {
                let canvas = (canvas_width, canvas_height);
                let picture = fitting((width, height), canvas);
                let offset = match anchor {
                    Anchor::TopLeft => (0, 0),
                    Anchor::Center => (half(canvas.0 - picture.0), half(canvas.1 - picture.1)),
                };
                Frame { picture, canvas, offset }
            }
            Self::CenterCrop { shorter, width: canvas_width, height: canvas_height } => {
                let picture = with_shorter_side((width, height), shorter);
                let cut = |picture: usize, canvas: usize| -half_to_even(picture - canvas);
                let offset = (cut(picture.0, canvas_width), cut(picture.1, canvas_height));
                Frame { picture, canvas: (canvas_width, canvas_height), offset }
            }
            Self::FixedHeight { height: fixed, widths } => {
                // Rounded up, so that nothing becomes thinner than it was.
                let picture = (fixed * width).div_ceil(height).min(widths.max);
                let padded = picture.max(widths.min).next_multiple_of(widths.multiple);
                Frame { picture: (picture, fixed), canvas: (padded, fixed), offset: (0, 0) }
            }
            Self::None => Frame::full((width, height)),
        }
    }

    /// The canvas of a request's pictures: room for the largest of each side.
    pub(crate) fn canvas(&self, frames: impl Iterator<Item = Frame>) -> (usize, usize) {
        let least = match *self {
            Self::Stretch { width, height }
            | Self::Letterbox { width, height, .. }
            | Self::CenterCrop { width, height, .. } => (width, height),
            Self::FixedHeight { height, widths } => (widths.min, height),
            Self::None => (1, 1),
        };
        frames.fold(least, |(width, height), Frame { canvas, .. }| {
            (width.max(canvas.0), height.max(canvas.1))
        })
    }

    /// The axes of one picture in the output.
    pub(crate) fn dims(&self, order: ChannelOrder, layout: Layout) -> [Dim; 3] {
        let channels = Dim::Fixed(order.channels());
        let (width, height) = match *self {
            Self::Stretch { width, height }
            | Self::Letterbox { width, height, .. }
            | Self::CenterCrop { width, height, .. } => (Dim::Fixed(width), Dim::Fixed(height)),
            Self::FixedHeight { height, widths } if widths.min == widths.max => {
                (Dim::Fixed(widths.max), Dim::Fixed(height))
            }
            Self::FixedHeight { height, .. } => (Dim::Any, Dim::Fixed(height)),
            Self::None => (Dim::Any, Dim::Any),
        };
        match layout {
            Layout::Planar => [channels, height, width],
            Layout::Interleaved => [height, width, channels],
        }
    }

    /// Most pixels of one picture, padding included, as far as the configuration tells.
    pub(crate) fn pixels_max(&self) -> usize {
        match *self {
            Self::Stretch { width, height }
            | Self::Letterbox { width, height, .. }
            | Self::CenterCrop { width, height, .. } => width * height,
            Self::FixedHeight { height, widths } => widths.max * height,
            Self::None => 0,
        }
    }
}

/// The largest size of the proportions of `size` inside of `canvas`, the other side rounded to the
/// nearest, halves up.
fn fitting((width, height): (usize, usize), canvas: (usize, usize)) -> (usize, usize) {
    let rounded = |side: usize, to: usize, of: usize| ((2 * side * to + of) / (2 * of)).max(1);
    if canvas.0 * height <= canvas.1 * width {
        (canvas.0, rounded(height, canvas.0, width).min(canvas.1))
    } else {
        (rounded(width, canvas.1, height).min(canvas.0), canvas.1)
    }
}

/// The size of the proportions of `size` whose shorter side is `shorter`, the other one rounded
/// down, and not above [`AXIS_MAX`].
fn with_shorter_side((width, height): (usize, usize), shorter: usize) -> (usize, usize) {
    let longer = |long: usize, short: usize| (shorter * long / short).min(AXIS_MAX);
    if width <= height {
        (shorter, longer(height, width))
    } else {
        (longer(width, height), shorter)
    }
}

/// Half of it, rounded down.
fn half(pixels: usize) -> isize {
    isize::try_from(pixels / 2).unwrap_or(0)
}

/// Half of it, rounded to the nearest even number, as torchvision's `CenterCrop` does.
fn half_to_even(pixels: usize) -> isize {
    let down = half(pixels);
    if pixels.is_multiple_of(2) { down } else { down + down % 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Size = (usize, usize);

    const LINE: Resize =
        Resize::FixedHeight { height: 48, widths: Widths { multiple: 32, min: 64, max: 320 } };

    const fn letterbox(anchor: Anchor) -> Resize {
        Resize::Letterbox { width: 64, height: 32, anchor }
    }

    #[test]
    fn frames_follow_the_proportions() {
        let crop = Resize::CenterCrop { shorter: 10, width: 8, height: 7 };
        let center = letterbox(Anchor::Center);
        let cases = [
            (LINE, (48, 48), (48, 48), (64, 48), (0, 0)),
            (LINE, (65, 48), (65, 48), (96, 48), (0, 0)),
            (LINE, (640, 97), (317, 48), (320, 48), (0, 0)),
            (LINE, (1, AXIS_MAX), (1, 48), (64, 48), (0, 0)),
            (LINE, (AXIS_MAX, 1), (320, 48), (320, 48), (0, 0)),
            (Resize::Stretch { width: 7, height: 5 }, (100, 10), (7, 5), (7, 5), (0, 0)),
            (Resize::None, (100, 10), (100, 10), (100, 10), (0, 0)),
            (center, (100, 50), (64, 32), (64, 32), (0, 0)),
            (center, (50, 50), (32, 32), (64, 32), (16, 0)),
            (center, (100, 47), (64, 30), (64, 32), (0, 1)),
            (center, (100, 43), (64, 28), (64, 32), (0, 2)),
            (center, (51, 50), (33, 32), (64, 32), (15, 0)),
            (center, (1, AXIS_MAX), (1, 32), (64, 32), (31, 0)),
            (center, (AXIS_MAX, 1), (64, 1), (64, 32), (0, 15)),
            (letterbox(Anchor::TopLeft), (50, 50), (32, 32), (64, 32), (0, 0)),
            (crop, (20, 20), (10, 10), (8, 7), (-1, -2)),
            (crop, (33, 20), (16, 10), (8, 7), (-4, -2)),
            (crop, (20, 33), (10, 16), (8, 7), (-1, -4)),
            (crop, (1, AXIS_MAX), (10, AXIS_MAX), (8, 7), (-1, -32_764)),
        ];
        for (resize, size, picture, canvas, offset) in cases {
            let expected = Frame { picture, canvas, offset };
            assert_eq!(resize.frame(size), expected, "{resize:?} {size:?}");
        }
    }

    #[test]
    fn a_canvas_has_room_for_all() {
        let canvas = |resize: Resize, sizes: &[(usize, usize)]| {
            resize.canvas(sizes.iter().map(|&size| resize.frame(size)))
        };
        let cases: [(Resize, &[Size], Size); 5] = [
            (Resize::None, &[(10, 20), (20, 5)], (20, 20)),
            (LINE, &[(10, 20), (200, 50)], (192, 48)),
            (LINE, &[], (64, 48)),
            (letterbox(Anchor::Center), &[], (64, 32)),
            (Resize::None, &[], (1, 1)),
        ];
        for (resize, sizes, expected) in cases {
            assert_eq!(canvas(resize, sizes), expected, "{resize:?} {sizes:?}");
        }
    }

    #[test]
    fn dims_leave_open_what_pictures_decide() {
        let fixed = Widths { multiple: 32, min: 320, max: 320 };
        let cases = [
            (Resize::Stretch { width: 7, height: 5 }, [3, 5, 7]),
            (letterbox(Anchor::Center), [3, 32, 64]),
            (LINE, [3, 48, -1]),
            (Resize::FixedHeight { height: 48, widths: fixed }, [3, 48, 320]),
            (Resize::None, [3, -1, -1]),
        ];
        for (resize, expected) in cases {
            let wire = |order, layout| resize.dims(order, layout).map(Dim::to_wire);
            assert_eq!(wire(ChannelOrder::Bgr, Layout::Planar), expected, "{resize:?}");
            let [_, height, width] = expected;
            let interleaved = [height, width, 1];
            assert_eq!(wire(ChannelOrder::Gray, Layout::Interleaved), interleaved, "{resize:?}");
        }
    }
}
