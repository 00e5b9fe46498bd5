//! Where a JPEG ends: a walk over its markers that decodes nothing (ITU-T T.81, annex B).

use std::ops::RangeInclusive;

use crate::error::{Format, PictureError};
use crate::exif;

/// The first byte of every marker.
pub(super) const MARKER: u8 = 0xFF;
/// After [`MARKER`] in pixel data: the byte 0xFF itself.
pub(super) const STUFFING: u8 = 0x00;
const START_OF_IMAGE: u8 = 0xD8;
pub(super) const END_OF_IMAGE: u8 = 0xD9;
pub(super) const START_OF_SCAN: u8 = 0xDA;
/// Markers between the intervals of pixel data, and one that has no meaning; no length follows.
const RESTARTS: RangeInclusive<u8> = 0xD0..=0xD7;
const TEMPORARY: u8 = 0x01;
/// Where EXIF data are.
const APPLICATION_1: u8 = 0xE1;
/// Frames, of which these three can be decoded.
const FRAMES: RangeInclusive<u8> = 0xC0..=0xCF;
pub(super) const BASELINE: u8 = 0xC0;
pub(super) const EXTENDED: u8 = 0xC1;
const PROGRESSIVE: u8 = 0xC2;
/// Among the frames' markers, but none: Huffman tables, a reserved one, arithmetic conditioning.
const NO_FRAMES: [u8; 3] = [0xC4, 0xC8, 0xCC];

/// What the walk has found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// The bytes of the first image, end marker included.
    pub(super) bytes: &'a [u8],
    /// How many times the decoder goes over the picture.
    pub(super) scans: usize,
    /// Columns and rows, as the last frame header says; 0 if there is none.
    pub(super) size: (usize, usize),
    /// Whether it is laid out in a way that only the slower decoder gets right.
    pub(super) is_rare: bool,
    /// The first EXIF data, name and all.
    pub(super) exif: Option<&'a [u8]>,
}

/// Finds the first image in `bytes`, which begins with a start marker. What follows the end is ignored, as by other decoders: cameras put previews there.
///
/// # Errors
/// - [`PictureError::Truncated`] without an end, or with another start before it;
/// - [`PictureError::Scans`] with more than `scans_max` scans;
/// - [`PictureError::Broken`] with a segment of impossible length, or of a kind that the decoder gets
///   wrong.
pub(super) fn image(bytes: &[u8], scans_max: usize) -> Result<Image<'_>, PictureError> {
    let truncated = || PictureError::Truncated { format: Format::Jpeg, size_bytes: bytes.len() };
    let mut layout = Layout::default();
    let mut first_exif = None;
    let mut position = 2;
    loop {
        let (marker, after) = next_marker(bytes, position).ok_or_else(truncated)?;
        position = match marker {
            END_OF_IMAGE => {
                return Ok(layout.image(&bytes[..after], first_exif));
            }
            START_OF_IMAGE => return Err(truncated()),
            TEMPORARY => after,
            marker if RESTARTS.contains(&marker) => after,
            marker => {
                let segment = segment(bytes, after).ok_or_else(truncated)??;
                layout.note(marker, segment, scans_max)?;
                first_exif = first_exif.or_else(|| exif_of(marker, segment));
                after + segment.len()
            }
        };
    }
}

/// What was seen of the frame and its scans.
#[derive(Default)]
struct Layout {
    is_progressive: bool,
    /// Colour components; a missing frame is for the decoder to tell.
    components: u8,
    scans: usize,
    size: (usize, usize),
    is_rare: bool,
}

impl Layout {
    fn image<'a>(&self, bytes: &'a [u8], exif: Option<&'a [u8]>) -> Image<'a> {
        Image { bytes, scans: self.scans, size: self.size, is_rare: self.is_rare, exif }
    }

    /// Notes a segment, which begins with its length.
    fn note(&mut self, marker: u8, segment: &[u8], scans_max: usize) -> Result<(), PictureError> {
        let at = |index: usize| segment.get(index).copied().unwrap_or_default();
        match marker {
            START_OF_SCAN => self.scan(at(2), scans_max),
            marker if NO_FRAMES.contains(&marker) => Ok(()),
            BASELINE | EXTENDED | PROGRESSIVE => {
                self.is_progressive = marker == PROGRESSIVE;
                self.components = at(7);
                let side = |index| usize::from(u16::from_be_bytes([at(index), at(index + 1)]));
                self.size = (side(5), side(3));
                let components = segment.get(8..).unwrap_or_default().chunks_exact(3);
                self.is_rare |= is_rare(components.map(|component| component[1]));
                Ok(())
            }
            // The decoder skips frames of other kinds, and then misses them.
            marker if FRAMES.contains(&marker) => {
                Err(unsupported(&format!("its kind, SOF{},", marker - BASELINE)))
            }
            _ => Ok(()),
        }
    }

    fn scan(&mut self, components: u8, scans_max: usize) -> Result<(), PictureError> {
        self.scans += 1;
        if self.scans > scans_max {
            return Err(PictureError::Scans(scans_max));
        }
        // The faster decoder leaves rows out, and says that all is well.
        self.is_rare |= !self.is_progressive && (self.scans > 1 || components != self.components);
        Ok(())
    }
}

/// Whether components are sampled in a way that the faster decoder refuses, or gets wrong: it
/// wants factors that are powers of two, and the first component at full size. A byte is the
/// factor along x, and that along y.
fn is_rare(samplings: impl Iterator<Item = u8> + Clone) -> bool {
    let factors = samplings.map(|sampling| [sampling >> 4, sampling & 15]);
    let first = factors.clone().next().unwrap_or_default();
    let mut factors = factors;
    factors.any(|factors| {
        factors
            .iter()
            .zip(first)
            .any(|(&factor, first)| factor > first || !factor.is_power_of_two())
    })
}

/// The data of a segment of EXIF, which begins with its length.
fn exif_of(marker: u8, segment: &[u8]) -> Option<&[u8]> {
    let content = segment.get(2..)?;
    (marker == APPLICATION_1 && content.starts_with(exif::NAME)).then_some(content)
}

pub(super) fn unsupported(what: &str) -> PictureError {
    let text = "is not supported: send it as ordinary baseline or progressive";
    PictureError::broken(Format::Jpeg, format!("{what} {text}"))
}

/// The next marker at or after `start`, and the position after it. Between markers is pixel data,
/// or garbage that decoders skip.
pub(super) fn next_marker(bytes: &[u8], start: usize) -> Option<(u8, usize)> {
    let mut position = start;
    loop {
        let skipped = memchr::memchr(MARKER, bytes.get(position..)?)?;
        position += skipped + 1;
        match *bytes.get(position)? {
            STUFFING | MARKER => {} // A marker may be filled up with more 0xFF.
            marker => return Some((marker, position + 1)),
        }
    }
}

/// The segment at `start`, length and all: its first two bytes are its length, and count. `None`
/// when it is not all there.
pub(super) fn segment(bytes: &[u8], start: usize) -> Option<Result<&[u8], PictureError>> {
    let bytes = bytes.get(start..)?;
    match usize::from(u16::from_be_bytes(*bytes.first_chunk()?)) {
        size @ (0 | 1) => {
            let text = format!("the segment at byte {start} says that it has {size} bytes");
            Some(Err(PictureError::broken(Format::Jpeg, text)))
        }
        size => bytes.get(..size).map(Ok),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_at_the_end_of_the_image() {
        let truncated =
            |size_bytes| Err(PictureError::Truncated { format: Format::Jpeg, size_bytes });
        let broken = |text: &str| Err(PictureError::Broken(Format::Jpeg, text.to_owned()));
        let size = |bytes: &[u8]| image(bytes, 2).map(|image| image.bytes.len());
        let cases: [(&[u8], Result<usize, PictureError>); 12] = [
            (b"\xFF\xD8\xFF\xD9", Ok(4)),
            (b"\xFF\xD8\xFF\xD9garbage\xFF\xD9", Ok(4)),
            (b"\xFF\xD8", truncated(2)),
            (b"\xFF\xD8\xFF", truncated(3)),
            (b"\xFF\xD8\xFF\xFF\xFF\xD9", Ok(6)),
            (b"\xFF\xD8\xFF\xE0\x00\x04\xFF\xD9\xFF\xD9", Ok(10)),
            (b"\xFF\xD8\xFF\xE0\x00\x04\xFF\xD9", truncated(8)),
            (b"\xFF\xD8\xFF\xE0\xFF\xFF\xFF\xD9", truncated(8)),
            (b"\xFF\xD8\xFF\xE0\x00", truncated(5)),
            (b"\xFF\xD8\xFF\xDA\x00\x02a\xFF\x00\xFF\xD0b\xFF\xD9", Ok(14)),
            (b"\xFF\xD8\xFF\xDA\x00\x02a\xFF\xD8\xFF\xD9", truncated(11)),
            (b"\xFF\xD8\xFF\xE1\x00\x01", broken("the segment at byte 4 says that it has 1 bytes")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    /// A marker, with a count of components.
    type Segment = (u8, u8);

    /// Whether an image of a frame and scans is rare.
    fn layout(segments: &[Segment]) -> Result<bool, PictureError> {
        let mut bytes = b"\xFF\xD8".to_vec();
        for &(marker, components) in segments {
            bytes.extend([MARKER, marker, 0, 8]);
            let is_scan = marker == START_OF_SCAN;
            bytes.extend(if is_scan {
                [components, 0, 0, 0, 0, 0]
            } else {
                [0, 0, 5, 0, 7, components]
            });
        }
        bytes.extend(b"\xFF\xD9");
        image(&bytes, 2).map(|image| {
            assert!(image.size == (7, 5));
            image.is_rare
        })
    }

    #[test]
    fn layouts_that_a_decoder_gets_wrong_are_known() {
        let scan = |components| (START_OF_SCAN, components);
        let cases: [(&[Segment], Result<bool, PictureError>); 9] = [
            (&[(BASELINE, 3), scan(3)], Ok(false)),
            (&[(EXTENDED, 1), scan(1)], Ok(false)),
            (&[(PROGRESSIVE, 3), scan(3), scan(1)], Ok(false)),
            (&[(PROGRESSIVE, 3), scan(3), scan(1), scan(1)], Err(PictureError::Scans(2))),
            (&[(BASELINE, 3), scan(1)], Ok(true)),
            (&[(BASELINE, 3), scan(3), scan(3)], Ok(true)),
            (&[(0xC3, 3), scan(3)], Err(unsupported("its kind, SOF3,"))),
            (&[(0xC9, 3), scan(3)], Err(unsupported("its kind, SOF9,"))),
            (&[(0xC4, 0), (0xC8, 0), (0xCC, 0), (BASELINE, 3), scan(3)], Ok(false)),
        ];
        for (segments, expected) in cases {
            assert_eq!(layout(segments), expected, "{segments:?}");
        }
    }

    #[test]
    fn samplings_that_a_decoder_gets_wrong_are_known() {
        let cases: [(&[u8], bool); 9] = [
            (&[0x11, 0x11, 0x11], false),
            (&[0x22, 0x11, 0x11], false),
            (&[0x42, 0x11, 0x11], false),
            (&[0x22, 0x21, 0x12], false),
            (&[0x21, 0x12, 0x11], true),
            (&[0x11, 0x22, 0x22], true),
            (&[0x31, 0x11, 0x11], true),
            (&[0x11], false),
            (&[], false),
        ];
        for (samplings, expected) in cases {
            assert_eq!(is_rare(samplings.iter().copied()), expected, "{samplings:x?}");
        }
    }
}
