//! Where a JPEG ends: a walk over its markers that decodes nothing (ITU-T T.81, annex B).

use std::ops::RangeInclusive;

use super::JpegError;

/// The first byte of every marker.
const MARKER: u8 = 0xFF;
/// After [`MARKER`] in pixel data: the byte 0xFF itself.
const STUFFING: u8 = 0x00;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
/// Markers between the intervals of pixel data, and one that has no meaning; no length follows.
const RESTARTS: RangeInclusive<u8> = 0xD0..=0xD7;
const TEMPORARY: u8 = 0x01;
/// Frames, of which these three can be decoded.
const FRAMES: RangeInclusive<u8> = 0xC0..=0xCF;
const BASELINE: u8 = 0xC0;
const EXTENDED: u8 = 0xC1;
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
}

/// Finds the first image in `bytes`, which begins with a start marker. What follows the end is ignored, as by other decoders: cameras put previews there.
///
/// # Errors
/// - [`JpegError::Truncated`] without an end, or with another start before it;
/// - [`JpegError::Scans`] with more than `scans_max` scans;
/// - [`JpegError::Broken`] with a segment of impossible length, or of a kind that the decoder gets
///   wrong.
pub(super) fn image(bytes: &[u8], scans_max: usize) -> Result<Image<'_>, JpegError> {
    let truncated = || JpegError::Truncated { size_bytes: bytes.len() };
    let mut layout = Layout::default();
    let mut position = 2;
    loop {
        let (marker, after) = next_marker(bytes, position).ok_or_else(truncated)?;
        position = match marker {
            END_OF_IMAGE => {
                return Ok(Image { bytes: &bytes[..after], scans: layout.scans });
            }
            START_OF_IMAGE => return Err(truncated()),
            TEMPORARY => after,
            marker if RESTARTS.contains(&marker) => after,
            marker => {
                let segment = segment(bytes, after).ok_or_else(truncated)??;
                layout.note(marker, segment, scans_max)?;
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
}

impl Layout {
    /// Notes a segment, which begins with its length.
    fn note(&mut self, marker: u8, segment: &[u8], scans_max: usize) -> Result<(), JpegError> {
        let at = |index: usize| segment.get(index).copied().unwrap_or_default();
        match marker {
            START_OF_SCAN => self.scan(at(2), scans_max),
            marker if NO_FRAMES.contains(&marker) => Ok(()),
            BASELINE | EXTENDED | PROGRESSIVE => {
                self.is_progressive = marker == PROGRESSIVE;
                self.components = at(7);
                Ok(())
            }
            // The decoder skips frames of other kinds, and then misses them.
            marker if FRAMES.contains(&marker) => {
                Err(unsupported(&format!("its kind, SOF{},", marker - BASELINE)))
            }
            _ => Ok(()),
        }
    }

    fn scan(&mut self, components: u8, scans_max: usize) -> Result<(), JpegError> {
        self.scans += 1;
        if self.scans > scans_max {
            return Err(JpegError::Scans);
        }
        // The decoder leaves rows out, and says that all is well.
        if !self.is_progressive && (self.scans > 1 || components != self.components) {
            return Err(unsupported("baseline with its colours in separate scans"));
        }
        Ok(())
    }
}

fn unsupported(what: &str) -> JpegError {
    let text = "is not supported: send it as ordinary baseline or progressive";
    JpegError::Broken(format!("{what} {text}"))
}

/// The next marker at or after `start`, and the position after it. Between markers is pixel data,
/// or garbage that decoders skip.
fn next_marker(bytes: &[u8], start: usize) -> Option<(u8, usize)> {
    let mut position = start;
    loop {
        let skipped = bytes.get(position..)?.iter().position(|&byte| byte == MARKER)?;
        position += skipped + 1;
        match *bytes.get(position)? {
            STUFFING | MARKER => {} // A marker may be filled up with more 0xFF.
            marker => return Some((marker, position + 1)),
        }
    }
}

/// The segment at `start`, length and all: its first two bytes are its length, and count. `None`
/// when it is not all there.
fn segment(bytes: &[u8], start: usize) -> Option<Result<&[u8], JpegError>> {
    let bytes = bytes.get(start..)?;
    match usize::from(u16::from_be_bytes(*bytes.first_chunk()?)) {
        size @ (0 | 1) => {
            let text = format!("the segment at byte {start} says that it has {size} bytes");
            Some(Err(JpegError::Broken(text)))
        }
        size => bytes.get(..size).map(Ok),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_at_the_end_of_the_image() {
        let truncated = |size_bytes| Err(JpegError::Truncated { size_bytes });
        let broken = |text: &str| Err(JpegError::Broken(text.to_owned()));
        let size = |bytes: &[u8]| image(bytes, 2).map(|image| image.bytes.len());
        let cases: [(&[u8], Result<usize, JpegError>); 12] = [
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

    /// The verdict on an image of a frame and scans.
    fn layout(segments: &[Segment]) -> Result<(), JpegError> {
        let mut bytes = b"\xFF\xD8".to_vec();
        for &(marker, components) in segments {
            bytes.extend([MARKER, marker, 0, 8]);
            let is_scan = marker == START_OF_SCAN;
            bytes.extend(if is_scan {
                [components, 0, 0, 0, 0, 0]
            } else {
                [0, 0, 0, 0, 0, components]
            });
        }
        bytes.extend(b"\xFF\xD9");
        image(&bytes, 2).map(drop)
    }

    #[test]
    fn layouts_that_the_decoder_gets_wrong_are_refused() {
        let separate = Err(unsupported("baseline with its colours in separate scans"));
        let scan = |components| (START_OF_SCAN, components);
        let cases: [(&[Segment], Result<(), JpegError>); 9] = [
            (&[(BASELINE, 3), scan(3)], Ok(())),
            (&[(EXTENDED, 1), scan(1)], Ok(())),
            (&[(PROGRESSIVE, 3), scan(3), scan(1)], Ok(())),
            (&[(PROGRESSIVE, 3), scan(3), scan(1), scan(1)], Err(JpegError::Scans)),
            (&[(BASELINE, 3), scan(1)], separate.clone()),
            (&[(BASELINE, 3), scan(3), scan(3)], separate),
            (&[(0xC3, 3), scan(3)], Err(unsupported("its kind, SOF3,"))),
            (&[(0xC9, 3), scan(3)], Err(unsupported("its kind, SOF9,"))),
            (&[(0xC4, 0), (0xC8, 0), (0xCC, 0), (BASELINE, 3), scan(3)], Ok(())),
        ];
        for (segments, expected) in cases {
            assert_eq!(layout(segments), expected, "{segments:?}");
        }
    }
}
