//! Codes of pixel data, and the values behind them (ITU-T T.81, annex C and F.2.2).

use super::bits::Bits;

/// Bits that a look-up tells at once: a code, and most often the value that follows it.
const LOOKUP_BITS: u32 = 10;
/// Of the longest code.
const CODE_BITS_MAX: usize = 16;
/// Of the largest difference of first coefficients, of 8-bit samples (table F.1).
const FIRST_BITS_MAX: u8 = 11;
/// Of the largest other coefficient (table F.2).
const OTHER_BITS_MAX: u8 = 10;
/// Symbols of other coefficients without a value: no more of the block, and 16 zeros.
const END_OF_BLOCK: u8 = 0x00;
const ZEROS: u8 = 0xF0;

/// Steps that no coefficients could take: a block that ended is told from one that is full.
pub(super) const ENDED: u8 = 128;

/// The codes of one table.
#[derive(Clone)]
pub(super) struct Table {
    lookup: Box<[Entry; 1 << LOOKUP_BITS]>,
    symbols: Vec<Symbol>,
    lengths: [Length; CODE_BITS_MAX],
}

/// What a code stands for.
#[derive(Clone, Copy)]
struct Symbol {
    /// From the last coefficient to the one that the value is of.
    steps: u8,
    /// Bits of the value, which follow the code.
    bits: u8,
}

/// What the next bits are.
#[derive(Clone, Copy, Default)]
struct Entry {
    /// Of code and value together.
    bits: u8,
    /// As a symbol's; 0 where more bits must be seen.
    steps: u8,
    value: i16,
}

/// The codes of one length.
#[derive(Clone, Copy, Default)]
struct Length {
    /// Sixteen bits that begin with a code of at most this length are less than this.
    end: u32,
    /// From a code to its symbol.
    offset: i32,
}

impl Table {
    /// The table of the first coefficients of blocks: how many codes there are of each length,
    /// and their symbols. `None` if it is none that an encoder writes for samples of 8 bits.
    pub(super) fn first(counts: &[u8; CODE_BITS_MAX], symbols: &[u8]) -> Option<Self> {
        let symbol = |bits| (bits <= FIRST_BITS_MAX).then_some(Symbol { steps: 1, bits });
        Self::new(counts, symbols.iter().map(|&byte| symbol(byte)).collect::<Option<_>>()?)
    }

    /// The same of the other coefficients.
    pub(super) fn other(counts: &[u8; CODE_BITS_MAX], symbols: &[u8]) -> Option<Self> {
        let symbol = |byte: u8| match (byte, byte >> 4, byte & 15) {
            (END_OF_BLOCK, ..) => Some(Symbol { steps: ENDED, bits: 0 }),
            (ZEROS, ..) => Some(Symbol { steps: 16, bits: 0 }),
            (_, zeros, bits @ 1..=OTHER_BITS_MAX) => Some(Symbol { steps: zeros + 1, bits }),
            _ => None,
        };
        Self::new(counts, symbols.iter().map(|&byte| symbol(byte)).collect::<Option<_>>()?)
    }

    fn new(counts: &[u8; CODE_BITS_MAX], symbols: Vec<Symbol>) -> Option<Self> {
        let mut lookup = Box::new([Entry::default(); 1 << LOOKUP_BITS]);
        let mut lengths = [Length::default(); CODE_BITS_MAX];
        let (mut code, mut index) = (0_u32, 0_usize);
        for (bits, (&count, length)) in (1_u32..).zip(counts.iter().zip(&mut lengths)) {
            length.offset = i32::try_from(index).ok()? - i32::try_from(code).ok()?;
            for _ in 0..count {
                fill(lookup.as_mut_slice(), (code, bits), *symbols.get(index)?);
                (code, index) = (code + 1, index + 1);
            }
            // No code has ones only.
            if code >= 1 << bits && count > 0 {
                return None;
            }
            length.end = code << (16 - bits);
            code <<= 1;
        }
        (index == symbols.len()).then_some(Self { lookup, symbols, lengths })
    }

    /// Takes a code and its value: how many coefficients it goes on, and the value. `None` for
    /// bits that are no code. It takes 27 bits at most.
    #[inline]
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Option<(u8, i16)> {
        let mut entry = self.lookup[bits.peek(LOOKUP_BITS) as usize % (1 << LOOKUP_BITS)];
        if entry.steps == 0 {
            entry = self.long(bits.peek(32))?;
        }
        bits.skip(entry.bits.into());
        Some((entry.steps, entry.value))
    }

    /// What the next 32 bits are, where a look-up doesn't tell.
    #[inline(never)]
    fn long(&self, next: u32) -> Option<Entry> {
        let code = next >> 16;
        let (bits, &Length { offset, .. }) =
            (1_u8..).zip(&self.lengths).find(|(_, length)| code < length.end)?;
        let index = i32::try_from(code >> (16 - bits)).ok()? + offset;
        let symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        // In two steps: there may be none.
        let value = extended(next << bits >> 1 >> (31 - symbol.bits), symbol.bits);
        Some(Entry { bits: bits + symbol.bits, steps: symbol.steps, value })
    }
}

/// Writes what begins with a code, where the value behind it is seen whole.
fn fill(lookup: &mut [Entry], (code, bits): (u32, u32), symbol: Symbol) {
    let all = bits + u32::from(symbol.bits);
    if all > LOOKUP_BITS {
        return;
    }
    let rest = LOOKUP_BITS - all;
    for value in 0..1 << symbol.bits {
        let first = ((code << symbol.bits) + value) << rest;
        let entries = lookup.iter_mut().skip(first as usize).take(1 << rest);
        let value = extended(value, symbol.bits);
        let entry = Entry { bits: all.to_le_bytes()[0], steps: symbol.steps, value };
        entries.for_each(|to| *to = entry);
    }
}

/// The value of `bits` bits: the lower half of what they can say is negative (F.2.2.1).
#[inline]
fn extended(value: u32, bits: u8) -> i16 {
    let value = value.cast_signed();
    let half = (1 << bits) >> 1;
    let value = if value < half { value + 1 - (1 << bits) } else { value };
    i16::try_from(value).unwrap_or(0)
}
