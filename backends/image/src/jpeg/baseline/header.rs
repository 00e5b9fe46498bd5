//! What a baseline JPEG says before its pixel data.

use super::huffman::Table;
use crate::jpeg::structure::{self, next_marker, segment};

/// Coefficients of a block.
const BLOCK: usize = 64;

/// The tables of each kind that a baseline file can have at a time.
const TABLES: usize = 4;

/// Where coefficients lie in their block, row by row, in the order in which they are written
/// (ITU-T T.81, figure 5).
const ZIGZAG: [u8; BLOCK] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

const HUFFMAN_TABLES: u8 = 0xC4;
const QUANTIZATION_TABLES: u8 = 0xDB;
const RESTART_INTERVAL: u8 = 0xDD;
const ADOBE: u8 = 0xEE;

/// Every step from a coefficient to the next, those beyond a block too.
pub(super) const PLACES: usize = 256;

/// Where the coefficient of a step belongs, and what it is multiplied by.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// In a pair of blocks, for the first of them; the second one's is [`SECOND`] further.
    pub(super) index: u8,
    pub(super) factor: i16,
}

/// From a place in the first block of a pair to that in the second one.
pub(super) const SECOND: u8 = 8;

/// Where coefficients go that no block has: behind both.
const NOWHERE: Place = Place { index: 240, factor: 0 };

/// Luma or chroma.
pub(super) struct Component {
    /// Blocks in an MCU, along x and y.
    pub(super) blocks: (usize, usize),
    pub(super) places: [Place; PLACES],
    pub(super) first: Table,
    pub(super) other: Table,
}

/// All that pixel data need to be decoded.
pub(super) struct Header<'a> {
    /// Columns and rows of the picture.
    pub(super) size: (usize, usize),
    /// One, or three: luma, Cb and Cr.
    pub(super) components: Vec<Component>,
    /// MCUs between restart markers; 0 if there are none.
    pub(super) interval: usize,
    /// From the first byte of pixel data on.
    pub(super) data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Of a file that begins with a start marker; `None` if it is not of the usual kind, or wrong.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut tables = Tables::default();
        let mut position = 2;
        loop {
            let (marker, after) = next_marker(bytes, position)?;
            let segment = segment(bytes, after)?.ok()?;
            let (_length, content) = segment.split_first_chunk::<2>()?;
            position = after + segment.len();
            match marker {
                structure::BASELINE | structure::EXTENDED => tables.frame(content)?,
                HUFFMAN_TABLES => tables.huffman(content)?,
                QUANTIZATION_TABLES => tables.quantization(content)?,
                RESTART_INTERVAL => {
                    tables.interval = u16::from_be_bytes(*content.first_chunk()?).into();
                }
                ADOBE if !is_ycc(content) => return None,
                structure::START_OF_SCAN => {
                    let (components, data) = (tables.scan(content)?, &bytes[position..]);
                    let Tables { size, interval, .. } = tables;
                    return Some(Self { size, components, interval, data });
                }
                _ => {}
            }
        }
    }
}

/// Whether Adobe's marker says that the colours are YCbCr, or is none.
fn is_ycc(content: &[u8]) -> bool {
    content.get(11).is_none_or(|&transform| !content.starts_with(b"Adobe") || transform == 1)
}

/// What was seen of the file.
#[derive(Default)]
struct Tables {
    size: (usize, usize),
    /// The name, factors and quantization table of each component.
    frame: Vec<[u8; 3]>,
    first: [Option<Table>; TABLES],
    other: [Option<Table>; TABLES],
    quantization: [Option<[i16; BLOCK]>; TABLES],
    interval: usize,
}

impl Tables {
    fn frame(&mut self, content: &[u8]) -> Option<()> {
        let (&[precision, y0, y1, x0, x1, count], components) = content.split_first_chunk()?;
        let is_first = self.frame.is_empty();
        self.size = (u16::from_be_bytes([x0, x1]).into(), u16::from_be_bytes([y0, y1]).into());
        let (components, rest) = components.as_chunks::<3>();
        let is_usual = match components {
            // Of names without a marker of Adobe's, these say that the colours are RGB.
            [[b'R', ..], [b'G', ..], [b'B', ..]] => false,
            [[_, 0x11, _]] | [[_, 0x11 | 0x21 | 0x22, _], [_, 0x11, _], [_, 0x11, _]] => true,
            _ => false,
        };
        let is_whole = rest.is_empty() && components.len() == usize::from(count);
        self.frame = components.to_vec();
        (precision == 8 && is_first && is_usual && is_whole).then_some(())
    }

    fn huffman(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = content.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(count)?;
            match kind >> 4 {
                0 => *self.first.get_mut(usize::from(kind))? = Some(Table::first(counts, symbols)?),
                1 => {
                    let table = Table::other(counts, symbols)?;
                    *self.other.get_mut(usize::from(kind & 15))? = Some(table);
                }
                _ => return None,
            }
            content = rest;
        }
        Some(())
    }

    fn quantization(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = content.split_first() {
            let (factors, rest) = match kind >> 4 {
                0 => {
                    let (factors, rest) = rest.split_first_chunk::<BLOCK>()?;
                    (factors.map(i16::from), rest)
                }
                1 => {
                    let (factors, rest) = rest.split_first_chunk::<{ 2 * BLOCK }>()?;
                    let (factors, _) = factors.as_chunks();
                    (std::array::from_fn(|index| i16::from_be_bytes(factors[index])), rest)
                }
                _ => return None,
            };
            *self.quantization.get_mut(usize::from(kind & 15))? = Some(factors);
            content = rest;
        }
        Some(())
    }

    /// The components, if the scan has all of them, in the order of the frame.
    fn scan(&self, content: &[u8]) -> Option<Vec<Component>> {
        let (&count, rest) = content.split_first()?;
        let (chosen, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let (chosen, _) = chosen.as_chunks::<2>();
        // All coefficients, in one pass.
        if rest != [0, 63, 0] || chosen.len() != self.frame.len() {
            return None;
        }
        self.frame
            .iter()
            .zip(chosen)
            .map(|(frame, chosen)| self.component(*frame, *chosen))
            .collect()
    }

    fn component(
        &self,
        [name, blocks, quantization]: [u8; 3],
        [chosen, tables]: [u8; 2],
    ) -> Option<Component> {
        let factors = self.quantization.get(usize::from(quantization))?.as_ref()?;
        let mut places = [NOWHERE; PLACES];
        for ((place, &at), &factor) in places.iter_mut().zip(&ZIGZAG).zip(factors) {
            // A row of the second block follows each of the first.
            *place = Place { index: at / SECOND * SECOND + at, factor };
        }
        let table = |tables: &[Option<Table>], index: u8| tables.get(usize::from(index))?.clone();
        (name == chosen).then_some(Component {
            blocks: (usize::from(blocks >> 4), usize::from(blocks & 15)),
            places,
            first: table(&self.first, tables >> 4)?,
            other: table(&self.other, tables & 15)?,
        })
    }
}
