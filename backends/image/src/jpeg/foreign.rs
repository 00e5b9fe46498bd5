//! What came when it is no JPEG, in words that help whoever sent it.

use super::JpegError;

/// The first bytes of a JPEG: a start marker, and the first byte of the next marker.
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// Most bytes of an unknown file that an error quotes.
const QUOTED_BYTES_MAX: usize = 16;

/// What files of other formats begin with, after how many bytes, and what to say of them.
const FORMATS: [(usize, &[u8], &str); 14] = [
    (0, b"\x89PNG\r\n\x1A\n", "it is a PNG"),
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

/// Whether `bytes` begin like a JPEG.
///
/// # Errors
/// [`JpegError::Foreign`], or [`JpegError::Truncated`] when there are too few to tell.
pub(super) fn check(bytes: &[u8]) -> Result<(), JpegError> {
    if bytes.starts_with(JPEG) {
        return Ok(());
    }
    if !bytes.is_empty() && JPEG.starts_with(bytes) {
        return Err(JpegError::Truncated { size_bytes: bytes.len() });
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
    Err(JpegError::Foreign(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_called_by_their_names() {
        let foreign = |what: &str| Err(JpegError::Foreign(what.to_owned()));
        let cases: [(&[u8], Result<(), JpegError>); 11] = [
            (b"\xFF\xD8\xFF\xE0", Ok(())),
            (b"\xFF\xD8", Err(JpegError::Truncated { size_bytes: 2 })),
            (b"", foreign("it is empty")),
            (b"\x89PNG\r\n\x1A\n\0\0", foreign("it is a PNG")),
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
            assert_eq!(check(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
