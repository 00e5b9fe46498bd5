//! Decompresses the messages of a body as they come, so that what comes out is counted while it
//! grows: it may be a thousand times what went in. tonic would count it when all of it is there.
//!
//! What comes out has the same form, without compression: see [`framing`].
//!
//! [`framing`]: super::framing

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use flate2::write::GzDecoder;
use nereid_backend::error::InferError;

use crate::budget::Lease;
use crate::grpc::framing::{PREFIX_BYTES, message_length};

/// Decompresses one body.
pub struct Gunzip {
    part: Part,
    lease: Arc<Lease>,
    size_max: usize,
}

impl Gunzip {
    /// Messages of at most `size_max` bytes each, counted in `lease`.
    pub fn new(lease: Arc<Lease>, size_max: usize) -> Self {
        Self { part: Part::Prefix(Vec::new()), lease, size_max }
    }

    /// Takes what has come, and gives what is ready.
    ///
    /// # Errors
    /// When it is corrupt, or larger than the server admits.
    pub fn feed(&mut self, mut data: &[u8]) -> Result<Vec<u8>, InferError> {
        let mut ready = Vec::new();
        loop {
            match &mut self.part {
                Part::Prefix(prefix) => {
                    let (now, behind) = split(data, PREFIX_BYTES - prefix.len());
                    prefix.extend_from_slice(now);
                    data = behind;
                    let Ok(prefix) = <[u8; PREFIX_BYTES]>::try_from(prefix.as_slice()) else {
                        return Ok(ready);
                    };
                    self.part = self.begin(prefix, &mut ready);
                }
                Part::Message { left, decoder } => {
                    let (now, behind) = split(data, *left);
                    *left -= now.len();
                    data = behind;
                    match decoder {
                        Some(decoder) => decoder.write_all(now).map_err(refused)?,
                        None => ready.extend_from_slice(now),
                    }
                    if *left > 0 {
                        return Ok(ready);
                    }
                    if let Some(decoder) = decoder.take() {
                        let plain = decoder.finish().map_err(refused)?.finish()?;
                        append(&mut ready, plain);
                    }
                    self.part = Part::Prefix(Vec::new());
                }
            }
        }
    }

    /// A message that is not compressed passes as it is.
    fn begin(&self, prefix: [u8; PREFIX_BYTES], ready: &mut Vec<u8>) -> Part {
        let left = message_length(prefix);
        if prefix[0] != 1 {
            ready.extend_from_slice(&prefix);
            return Part::Message { left, decoder: None };
        }
        let plain = vec![0; PREFIX_BYTES];
        let sink = Sink { plain, lease: self.lease.clone(), size_max: self.size_max };
        Part::Message { left, decoder: Some(Box::new(GzDecoder::new(sink))) }
    }
}

/// What of the body comes next.
enum Part {
    /// The rest of a message's prefix.
    Prefix(Vec<u8>),
    /// That many bytes of a message.
    Message { left: usize, decoder: Option<Box<GzDecoder<Sink>>> },
}

/// One message, decompressed, behind the room for its prefix.
struct Sink {
    plain: Vec<u8>,
    lease: Arc<Lease>,
    size_max: usize,
}

impl Sink {
    fn finish(mut self) -> Result<Vec<u8>, InferError> {
        let plain = mem::take(&mut self.plain);
        let length = plain.len() - PREFIX_BYTES;
        let length = u32::try_from(length).map_err(|_| too_large(self.size_max))?.to_be_bytes();
        Ok(set_length(plain, length))
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.plain.len() - PREFIX_BYTES + data.len() > self.size_max {
            return Err(io::Error::other(too_large(self.size_max)));
        }
        self.lease.try_grow(data.len()).map_err(io::Error::other)?;
        self.plain.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn set_length(mut message: Vec<u8>, length: [u8; 4]) -> Vec<u8> {
    for (place, byte) in message.iter_mut().skip(1).zip(length) {
        *place = byte;
    }
    message
}

fn split(data: &[u8], at: usize) -> (&[u8], &[u8]) {
    data.split_at(at.min(data.len()))
}

/// Big messages come alone, and are not copied.
fn append(ready: &mut Vec<u8>, mut message: Vec<u8>) {
    if ready.is_empty() {
        *ready = message;
    } else {
        ready.append(&mut message);
    }
}

fn too_large(size_max: usize) -> InferError {
    InferError::TooLarge(format!(
        "the decompressed message has more than {size_max} bytes, the server admits no more \
         (--http-max-input-size)"
    ))
}

fn refused(error: io::Error) -> InferError {
    error.downcast().unwrap_or_else(|error| {
        InferError::Invalid(format!("failed to decompress the request's message: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::budget::Budget;

    fn message(flag: u8, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&[flag][..], &length, data].concat()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out of `body`, in steps of that many bytes, and how many are counted.
    fn decompressed(body: &[u8], step: usize) -> (Result<Vec<u8>, String>, usize) {
        let budget = Budget::new(2_000);
        let mut gunzip = Gunzip::new(Arc::new(budget.lease()), 1_000);
        let parts = body.chunks(step).map(|data| gunzip.feed(data));
        let all = parts.collect::<Result<Vec<_>, _>>().map(|parts| parts.concat());
        (all.map_err(|error| error.to_string()), budget.used_bytes())
    }

    #[test]
    fn messages_come_out_plain_however_they_are_cut() {
        let plain = [7; 1_000];
        let body = [message(1, &gzip(&plain)), message(0, b"ab"), message(1, &gzip(b""))].concat();
        let expected = [message(0, &plain), message(0, b"ab"), message(0, b"")].concat();
        for step in [1, 2, 3, 5, 7, body.len()] {
            assert_eq!(decompressed(&body, step), (Ok(expected.clone()), 1_000), "{step}");
        }
    }

    #[test]
    fn what_is_corrupt_or_too_large_is_refused() {
        let check = |data: &[u8], expected: &str| {
            for step in [1, 1 << 20] {
                let (result, counted) = decompressed(&message(1, data), step);
                let error = result.unwrap_err();
                assert!(error.contains(expected) && counted <= 1_000, "{error}");
            }
        };
        let good = gzip(b"some text");
        check(b"", "failed to decompress");
        check(b"no gzip at all", "failed to decompress");
        check(&good[..good.len() - 1], "failed to decompress");
        check(&[&good[..], b"x"].concat(), "failed to decompress");
        check(&gzip(&[0; 1_001]), "more than 1000 bytes");
        check(&gzip(&vec![0; 10 << 20]), "more than 1000 bytes");
        let three = message(1, &gzip(&[0; 900])).repeat(3);
        let (result, counted) = decompressed(&three, 1);
        assert!(result.unwrap_err().contains("--inflight-byte-size") && counted <= 2_000);
    }
}
