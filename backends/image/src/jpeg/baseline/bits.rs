//! The bits of pixel data, first to last (ITU-T T.81, F.2.2.5).

/// Reads bits of an interval. Behind its end they are zero, and [`Bits::is_overrun`] tells.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not whole in `window`.
    position: usize,
    /// The next bits, the first one at the top.
    window: u64,
    /// How many bits of `window` count.
    count: u32,
}

impl<'a> Bits<'a> {
    /// Of `bytes` without stuffing.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, window: 0, count: 0 }
    }

    /// Makes sure that there are 56 bits at least.
    #[inline]
    pub(super) fn refill(&mut self) {
        let next = self.bytes.get(self.position..).and_then(<[u8]>::first_chunk);
        let next = next.copied().unwrap_or_else(|| last(self.bytes, self.position));
        self.window |= u64::from_be_bytes(next) >> self.count;
        // As many whole bytes as there was room for.
        let bytes = (63 - self.count) / 8;
        self.position += bytes as usize;
        self.count += 8 * bytes;
    }

    /// The next `count` bits, 1 to 32 of them, which stay.
    #[expect(clippy::cast_possible_truncation, reason = "no more are left after the shift")]
    #[inline]
    pub(super) fn peek(&self, count: u32) -> u32 {
        (self.window >> (64 - count)) as u32
    }

    /// Goes on by `count` bits, of those that there are.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    /// Whether more bits were taken than there are.
    pub(super) fn is_overrun(&self) -> bool {
        8 * self.position > 8 * self.bytes.len() + self.count as usize
    }
}

/// The last bytes, from `position` on, and zeros behind them.
#[cold]
fn last(bytes: &[u8], position: usize) -> [u8; 8] {
    let mut last = [0; 8];
    let rest = bytes.get(position..).unwrap_or_default();
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    last
}
