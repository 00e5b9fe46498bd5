//! What came when it is no picture that is read here, in words that help whoever sent it.

use crate::error::{Format, PictureError};

/// The first bytes of a JPEG: a start marker, and the first byte of the next marker.
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// The first bytes of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";

/// Most bytes of an unknown file that an error quotes.
const QUOTED_BYTES_MAX: usize = 16;

/// What files of other formats begin with, after how many bytes, and what to say of them.
const FORMATS: [(usize, &[u8], &str); 13] = [
    (0, b"GIF8", "it is a GIF"),
    (8, b"WEBP", "it is a WebP"),
    (0, b"BM", "it is a BMP"),
    (0, b"II*\0", "it is a TIFF"),
    (0, b"MM\0*", "it is a TIFF"),
    (4, b"ftypavif", "it is an AVIF"),
    (4, b"ftyphei", "it is a HEIC"),
    (4, b"ftypmif1", "it is a HEIF"),
    (0, b"\xFF\x0A", "it is a JPEG XL"),
    (0, b"\0\0\0\x0CJXL ", "it is a JPEG XL"),
    (0, b"\0\0\0\x0CjP  ", "it is a JPEG 2000"),
    (0, b"%PDF-", "it is a PDF"),
    (0, b"/9j/", "it is a JPEG in base64; send the bytes themselves, as a binary tensor"),
];

/// What `bytes` begin like.
///
/// # Errors
/// [`PictureError::Foreign`], or [`PictureError::Truncated`] when there are too few to tell.
pub(crate) fn format(bytes: &[u8]) -> Result<Format, PictureError> {
    for (format, magic) in [(Format::Jpeg, JPEG), (Format::Png, PNG)] {
        if bytes.starts_with(magic) {
            return Ok(format);
        }
        if !bytes.is_empty() && magic.starts_with(bytes) {
            return Err(PictureError::Truncated { format, size_bytes: bytes.len() });
        }
    }
    let begins = |&&(at, magic, _): &&(usize, &[u8], &str)| {
        bytes.get(at..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    let what = match FORMATS.iter().find(begins) {
        Some((_, _, what)) => (*what).to_owned(),
        None if bytes.is_empty() => "it is empty".to_owned(),
        None => {
            let (first, rest) = bytes.split_at(bytes.len().min(QUOTED_BYTES_MAX));
            let more = if rest.is_empty() { "" } else { "…" };
            format!("it begins with \"{}\"{more}", first.escape_ascii())
        }
    };
    Err(PictureError::Foreign(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_called_by_their_names() {
        let foreign = |what: &str| Err(PictureError::Foreign(what.to_owned()));
        let cases: [(&[u8], Result<Format, PictureError>); 12] = [
            (b"\xFF\xD8\xFF\xE0", Ok(Format::Jpeg)),
            (b"\xFF\xD8", Err(PictureError::Truncated { format: Format::Jpeg, size_bytes: 2 })),
            (b"\x89PN", Err(PictureError::Truncated { format: Format::Png, size_bytes: 3 })),
            (b"", foreign("it is empty")),
            (b"\x89PNG\r\n\x1A\n\0\0", Ok(Format::Png)),
            (b"RIFF\0\0\0\0WEBPVP8", foreign("it is a WebP")),
            (b"\0\0\0\x1Cftypheic", foreign("it is a HEIC")),
            (
                b"/9j/4AAQ",
                foreign("it is a JPEG in base64; send the bytes themselves, as a binary tensor"),
            ),
            (b"This", foreign("it begins with \"This\"")),
            (b"This is no picture", foreign("it begins with \"This is no pictu\"…")),
            (b"\xFF\xD8\0\"\n", foreign("it begins with \"\\xff\\xd8\\x00\\\"\\n\"")),
            (b"\0", foreign("it begins with \"\\x00\"")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(format(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
