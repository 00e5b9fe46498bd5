//! From the pixels of a model's input back to those of the picture that it was made of.

/// How a picture was brought into a model's input: `x_input = x_picture * scale + offset`, and the
/// same along y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Along x and y; not 0.
    pub scale: [f32; 2],
    /// Along x and y, in the input's pixels.
    pub offset: [f32; 2],
    /// Width and height of the picture, if what lies outside is to be moved to its edge.
    pub size: Option<[f32; 2]>,
}

impl Default for Letterbox {
    /// The input is the picture.
    fn default() -> Self {
        Self { scale: [1.0; 2], offset: [0.0; 2], size: None }
    }
}

impl Letterbox {
    /// `(x - offset) / scale`, then limited to 0 ..= size. With a size, a NaN becomes 0.
    pub fn undo(&self, point: [f32; 2]) -> [f32; 2] {
        std::array::from_fn(|axis| {
            let place = (point[axis] - self.offset[axis]) / self.scale[axis];
            match self.size {
                None => place,
                Some(size) => {
                    let place = if place > 0.0 { place } else { 0.0 };
                    if place > size[axis] { size[axis] } else { place }
                }
            }
        })
    }

    /// Both corners of a box.
    pub fn undo_box(&self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        let ([left, top], [right, bottom]) = (self.undo([left, top]), self.undo([right, bottom]));
        [left, top, right, bottom]
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "bits are what is tested")]
mod tests {
    use super::*;

    #[test]
    fn a_box_comes_back_and_stays_inside() {
        let letterbox = Letterbox { scale: [0.5, 0.25], offset: [0.0, 10.0], size: None };
        assert_eq!(letterbox.undo_box([10.0, 5.0, 20.0, 20.0]), [20.0, -20.0, 40.0, 40.0]);
        let letterbox = Letterbox { size: Some([30.0, 100.0]), ..letterbox };
        assert_eq!(letterbox.undo_box([10.0, 5.0, 20.0, 20.0]), [20.0, 0.0, 30.0, 40.0]);
        assert_eq!(letterbox.undo([f32::NAN, f32::INFINITY]), [0.0, 100.0]);
        assert_eq!(Letterbox::default().undo([-1.0, 7.5]), [-1.0, 7.5]);
    }
}
