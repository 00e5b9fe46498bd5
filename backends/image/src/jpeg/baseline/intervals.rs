//! Pixel data without what markers need: stuffed bytes, and the markers themselves.

use crate::jpeg::structure::{END_OF_IMAGE, MARKER, STUFFING};

/// The first marker of a restart; seven others follow it in turn.
const FIRST_RESTART: u8 = 0xD0;

/// The bytes between restart markers.
pub(super) struct Intervals {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Intervals {
    /// Of pixel data up to the end of the image; `None` if there is any other marker than the
    /// restart that is due.
    pub(super) fn read(mut data: &[u8]) -> Option<Self> {
        let mut bytes = Vec::with_capacity(data.len());
        let mut ends = Vec::new();
        loop {
            let (plain, rest) = data.split_at(memchr::memchr(MARKER, data)?);
            bytes.extend_from_slice(plain);
            let after = &rest[1..];
            let (&marker, rest) = after.split_first()?;
            let due = FIRST_RESTART + ends.len().to_le_bytes()[0] % 8;
            match marker {
                STUFFING => bytes.push(MARKER),
                // A marker may be filled up with more 0xFF.
                MARKER => {
                    data = after;
                    continue;
                }
                END_OF_IMAGE => {
                    ends.push(bytes.len());
                    return Some(Self { bytes, ends });
                }
                marker if marker == due => ends.push(bytes.len()),
                _ => return None,
            }
            data = rest;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.bytes[start..end])
    }
}
