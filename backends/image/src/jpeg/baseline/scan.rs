//! From pixel data to planes of samples, an MCU at a time.

use nereid_kernels::cpu::{BLOCK_SIDE, BlockPair, flat_level, inverse_dct};

use super::bits::Bits;
use super::header::{Component, Header, PLACES, SECOND};
use super::huffman::ENDED;
use super::intervals::Intervals;

/// Coefficients of two blocks, and room for what is in neither.
const COEFFICIENTS: usize = 256;

/// Where the samples of a component are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// Of its first sample.
    pub(super) start: usize,
    /// Samples of a row, in whole blocks.
    pub(super) stride: usize,
    /// Rows, in whole blocks.
    pub(super) rows: usize,
}

impl Area {
    /// How many samples there are.
    pub(super) fn samples(&self) -> usize {
        self.stride * self.rows
    }
}

/// Writes the samples of all components; `None` if the data are not what they should be.
pub(super) fn decode(
    header: &Header<'_>,
    areas: &[Area],
    (across, down): (usize, usize),
    samples: &mut [u8],
) -> Option<()> {
    let intervals = Intervals::read(header.data)?;
    let mcus = across * down;
    let each = if header.interval == 0 { mcus } else { header.interval };
    if intervals.len() != mcus.div_ceil(each) {
        return None;
    }
    let units = units(header, areas);
    let mut scan = Scan { units: &units, before: [0; 3], coefficients: [0; COEFFICIENTS] };
    for (bytes, first) in intervals.iter().zip((0..mcus).step_by(each)) {
        let mut bits = Bits::new(bytes);
        scan.before = [0; 3];
        for mcu in first..mcus.min(first + each) {
            scan.mcu(&mut bits, (mcu % across, mcu / across), samples)?;
        }
    }
    Some(())
}

/// A block of an MCU.
struct Unit<'a> {
    /// Which component it is of.
    index: usize,
    component: &'a Component,
    /// Of the block in the first MCU.
    start: usize,
    stride: usize,
    /// From an MCU to the next, along x and y.
    steps: (usize, usize),
}

fn units<'a>(header: &'a Header<'_>, areas: &[Area]) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    for (index, (component, area)) in header.components.iter().zip(areas).enumerate() {
        let ((across, down), stride) = (component.blocks, area.stride);
        let steps = (BLOCK_SIDE * across, BLOCK_SIDE * down * stride);
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            let start = area.start + BLOCK_SIDE * (y * stride + x);
            units.push(Unit { index, component, start, stride, steps });
        }
    }
    units
}

struct Scan<'a> {
    units: &'a [Unit<'a>],
    /// The first coefficient of each component's last block.
    before: [i16; 3],
    coefficients: [i16; COEFFICIENTS],
}

impl Scan<'_> {
    fn mcu(
        &mut self,
        bits: &mut Bits<'_>,
        (x, y): (usize, usize),
        samples: &mut [u8],
    ) -> Option<()> {
        for pair in self.units.chunks(2) {
            self.coefficients[..2 * BLOCK_SIDE * BLOCK_SIDE].fill(0);
            let mut is_flat = true;
            for (unit, offset) in pair.iter().zip([0, SECOND]) {
                is_flat &= self.block(bits, unit, offset)?;
            }
            let places = pair
                .iter()
                .map(|unit| (unit.start + x * unit.steps.0 + y * unit.steps.1, unit.stride));
            if is_flat {
                for (place, offset) in places.zip([0, SECOND]) {
                    let level = flat_level(self.coefficients[usize::from(offset)]);
                    write(samples, place, [[level; BLOCK_SIDE]; BLOCK_SIDE])?;
                }
                continue;
            }
            let (blocks, _) = self.coefficients.split_first_chunk::<128>()?;
            let blocks: &BlockPair = bytemuck::cast_ref(blocks);
            let rows = inverse_dct(blocks);
            for (place, index) in places.zip([0, 1]) {
                let rows = std::array::from_fn(|y| rows[y / 2][index][y % 2]);
                write(samples, place, rows)?;
            }
        }
        (!bits.is_overrun()).then_some(())
    }

    /// Reads a block's coefficients; whether there is none but the first.
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, unit: &Unit<'_>, offset: u8) -> Option<bool> {
        let Component { first, other, places, .. } = unit.component;
        bits.refill();
        let before = &mut self.before[unit.index];
        *before = before.wrapping_add(first.next(bits)?.1);
        self.coefficients[usize::from(offset)] = before.wrapping_mul(places[0].factor);
        let mut position = 0_usize;
        while position < 63 {
            bits.refill();
            for _ in 0..2 {
                let (steps, value) = other.next(bits)?;
                position += usize::from(steps);
                let place = places[position % PLACES];
                let index = usize::from(place.index + offset);
                self.coefficients[index] = value.wrapping_mul(place.factor);
                if position >= 63 {
                    break;
                }
            }
        }
        match position {
            63 => Some(false),
            position if position >= usize::from(ENDED) => Some(position == usize::from(ENDED)),
            _ => None,
        }
    }
}

/// Writes a block at a place, of a picture of this many samples a row.
#[inline]
fn write(
    samples: &mut [u8],
    (start, stride): (usize, usize),
    rows: [[u8; BLOCK_SIDE]; BLOCK_SIDE],
) -> Option<()> {
    let end = start + (BLOCK_SIDE - 1) * stride + BLOCK_SIDE;
    let samples = samples.get_mut(start..end)?;
    for (to, row) in samples.chunks_mut(stride).zip(rows) {
        *to.first_chunk_mut()? = row;
    }
    Some(())
}
