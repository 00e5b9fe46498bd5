//! The one thing that EXIF says of a picture here: which way up it is.
//!
//! One tag of the first directory is read, by hand: a library would read all that cameras write,
//! and refuse what is wrong with parts that nobody asks for.

use nereid_kernels::cpu::Orientation;

/// What comes before the data in a JPEG, and in some PNGs.
pub(crate) const NAME: &[u8] = b"Exif\0\0";
/// The tag `Orientation` (TIFF 6.0, section 8).
const ORIENTATION: u16 = 0x0112;
/// The type of a tag's value: a 16-bit number.
const SHORT: u16 = 3;
/// Bytes of a directory's entry, and of the count before the entries.
const ENTRY_BYTES: usize = 12;
const COUNT_BYTES: usize = 2;

/// The orientation that EXIF data state; upright if they state none, or are broken.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    stated(exif.strip_prefix(NAME).unwrap_or(exif)).unwrap_or_default()
}

fn stated(tiff: &[u8]) -> Option<Orientation> {
    let order = match tiff.first_chunk()? {
        b"II*\0" => u16::from_le_bytes,
        b"MM\0*" => u16::from_be_bytes,
        _ => return None,
    };
    let short = |at: usize| Some(order(*tiff.get(at..)?.first_chunk()?));
    // The directory's place has 32 bits, of which the low half is where the order puts it.
    let halves = (usize::from(short(4)?), usize::from(short(6)?));
    let is_little = tiff.starts_with(b"I");
    let (low, high) = if is_little { halves } else { (halves.1, halves.0) };
    let directory = low + (high << 16);
    let entries = usize::from(short(directory)?);
    let places = (0..entries).map(|entry| directory + COUNT_BYTES + ENTRY_BYTES * entry);
    let tag = places.map_while(|at| Some((short(at)?, at))).find(|&(tag, _)| tag == ORIENTATION);
    let (_, at) = tag?;
    if short(at + 2)? != SHORT {
        return None;
    }
    Orientation::from_exif(short(at + 8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of one other tag and the orientation.
    fn exif(is_little: bool, tag: u16, kind: u16, value: u16) -> Vec<u8> {
        let short =
            |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let long =
            |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let entry = |tag, kind, value| {
            [&short(tag)[..], &short(kind), &long(1), &short(value), &[0, 0]].concat()
        };
        let magic: &[u8] = if is_little { b"II*\0" } else { b"MM\0*" };
        [magic, &long(10), &[0; 2], &short(2), &entry(0x0100, SHORT, 5), &entry(tag, kind, value)]
            .concat()
    }

    #[test]
    fn the_tag_is_found_in_both_orders() {
        for is_little in [true, false] {
            for number in 1..=8 {
                let data = exif(is_little, ORIENTATION, SHORT, number);
                let expected = Orientation::from_exif(number).unwrap();
                assert_eq!(orientation(&data), expected);
                assert_eq!(orientation(&[NAME, &data].concat()), expected);
            }
        }
    }

    #[test]
    fn what_is_missing_or_broken_is_upright() {
        let good = exif(true, ORIENTATION, SHORT, 6);
        for length in 0..good.len() - 2 {
            assert!(orientation(&good[..length]).is_upright(), "{length}");
        }
        for bad in [
            exif(true, ORIENTATION, SHORT, 9),
            exif(true, ORIENTATION, 4, 6),
            exif(false, 0x0111, SHORT, 6),
            [&good[..4], &[0xFF; 4], &good[8..]].concat(),
        ] {
            assert!(orientation(&bad).is_upright());
        }
    }
}
