//! The largest of many numbers, and where it is, at the speed of memory.
//!
//! A recogniser has thousands of classes and a hundred steps a row, so this is where the decoder's
//! time goes. Comparing and remembering the position in one pass keeps a compiler from using
//! vector registers; two passes do not: the largest number first, then its position.

/// Numbers that are compared at once: two vector registers of 256 bits.
const LANES: usize = 16;

/// The position of the largest number and the number itself; the first, if several are as large.
/// A NaN is never the largest. `None` if there is no number.
pub fn argmax(numbers: &[f32]) -> Option<(usize, f32)> {
    let max = max(numbers);
    let is_max = |number: &f32| *number >= max; // Also false for a NaN.
    for (block, numbers) in numbers.chunks(LANES).enumerate() {
        // Without an early end, a block is one vector comparison.
        if numbers.iter().fold(false, |any, number| any | is_max(number)) {
            let within = numbers.iter().position(is_max)?;
            return Some((block * LANES + within, max));
        }
    }
    None
}

/// The largest number, or negative infinity if there is none.
fn max(numbers: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let blocks = numbers.chunks_exact(LANES);
    let rest = larger_of_all(f32::NEG_INFINITY, blocks.remainder());
    for block in blocks {
        for (lane, &number) in lanes.iter_mut().zip(block) {
            *lane = larger(*lane, number);
        }
    }
    larger_of_all(rest, &lanes)
}

fn larger_of_all(first: f32, numbers: &[f32]) -> f32 {
    numbers.iter().fold(first, |max, &number| larger(max, number))
}

/// Written as what `maxps` does, which takes the second operand if one is a NaN.
fn larger(max: f32, number: f32) -> f32 {
    if number > max { number } else { max }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f32 = f32::NAN;
    const INFINITY: f32 = f32::INFINITY;

    #[test]
    fn finds_the_first_of_the_largest() {
        let check =
            |numbers: &[f32], expected| assert_eq!(argmax(numbers), expected, "{numbers:?}");
        check(&[], None);
        check(&[3.0], Some((0, 3.0)));
        check(&[1.0, 4.0, 2.0, 4.0], Some((1, 4.0)));
        check(&[-2.0, -1.0, -3.0], Some((1, -1.0)));
        check(&[NAN, 1.0, NAN, 2.0, NAN], Some((3, 2.0)));
        check(&[NAN, NAN], None);
        check(&[NAN, -INFINITY], Some((1, -INFINITY)));
        check(&[1.0, INFINITY], Some((1, INFINITY)));
    }

    #[test]
    fn finds_it_at_every_place_of_every_length() {
        for length in 1..3 * LANES {
            for place in 0..length {
                let mut numbers = vec![0.5; length];
                numbers[place] = 0.75;
                assert_eq!(argmax(&numbers), Some((place, 0.75)));
            }
        }
    }
}
