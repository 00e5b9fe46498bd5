//! Numbers that are the same in each run: a test says the seed of the case that fails.

/// `SplitMix64` (Steele, Lea and Flood, 2014).
pub struct Random(u64);

// The lowest bits of numbers are wanted, or all of small ones.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
impl Random {
    /// The same numbers for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of the numbers below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of `low` to `high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below((high - low + 1) as u64) as usize
    }

    /// One of `all`, which is not empty.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.between(0, all.len() - 1)]
    }

    /// So many.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// From `low` to less than `high`.
    pub fn float(&mut self, low: f32, high: f32) -> f32 {
        let part = (self.next() >> 40) as u32;
        low + (high - low) * (part as f32 / (1_u32 << 24) as f32)
    }

    /// So many, as [`Random::float`].
    pub fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(low, high)).collect()
    }
}
