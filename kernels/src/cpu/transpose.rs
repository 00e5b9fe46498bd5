//! The axes of a tensor of four in another order.

/// An order of four axes: axis `i` of the result is axis `order[i]` of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisOrder([usize; 4]);

impl AxisOrder {
    /// `None` unless each of 0 to 3 is there once.
    pub fn new(order: [usize; 4]) -> Option<Self> {
        (0..4).all(|axis| order.contains(&axis)).then_some(Self(order))
    }

    /// The result's sizes, or what else there is of each axis, of the source's.
    pub fn of<T: Copy>(self, axes: [T; 4]) -> [T; 4] {
        self.0.map(|axis| axes[axis])
    }

    /// Which axis of the source each of the result's is.
    pub fn axes(self) -> [usize; 4] {
        self.0
    }
}

/// How many elements lie between neighbours along each axis of a row-major tensor.
pub fn strides(shape: [usize; 4]) -> [usize; 4] {
    let [_, b, c, d] = shape;
    [b * c * d, c * d, d, 1]
}

/// `numbers`, of `shape`, with its axes in this order.
///
/// # Panics
/// When `numbers` are fewer than the shape says.
pub fn transpose<T: Copy>(numbers: &[T], shape: [usize; 4], order: AxisOrder) -> Vec<T> {
    let ([a, b, c, d], step) = (order.of(shape), order.of(strides(shape)));
    let mut out = Vec::with_capacity(a * b * c * d);
    for first in 0..a {
        for second in 0..b {
            for third in 0..c {
                let start = first * step[0] + second * step[1] + third * step[2];
                out.extend((0..d).map(|fourth| numbers[start + fourth * step[3]]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_change_places_with_pixels() {
        let numbers: Vec<u8> = (0..12).collect();
        let to_planes = AxisOrder::new([0, 3, 1, 2]).unwrap();
        let planes = transpose(&numbers, [1, 2, 2, 3], to_planes);
        assert_eq!(planes, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        let back = AxisOrder::new([0, 2, 3, 1]).unwrap();
        assert_eq!(transpose(&planes, [1, 3, 2, 2], back), numbers);
        assert_eq!(transpose(&numbers, [0, 2, 2, 3], back), []);
    }

    #[test]
    fn an_order_has_each_axis_once() {
        for wrong in [[0, 1, 2, 2], [1, 2, 3, 4], [0; 4]] {
            assert_eq!(AxisOrder::new(wrong), None);
        }
    }
}
