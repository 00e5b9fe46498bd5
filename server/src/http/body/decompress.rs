//! Decompresses a body into a buffer like that of one which was sent as it is.
//!
//! What comes out may be a thousand times what went in: the limits are those of what comes out,
//! and it is counted as it grows, never by what the client says of it.

use std::io::{self, Read};

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use nereid_backend::error::InferError;

use super::{Filling, Received};
use crate::http::coding::Coding;
use crate::off_worker::{INLINE_BYTES_MAX, off_worker};
use crate::server::Server;

/// How much is decompressed at a time.
const CHUNK_BYTES: usize = 16 << 10;

/// The body that was `received` in this `coding`; its first `header_length` bytes are JSON.
///
/// # Errors
/// When it is corrupt, or larger than the server admits.
pub async fn decompress(
    server: &Server,
    received: Received,
    coding: Coding,
    header_length: usize,
) -> Result<Received, InferError> {
    let compressed = received.bytes().reader();
    let decoder = match coding {
        Coding::Identity => return Ok(received),
        Coding::Gzip => Decoder::Gzip(MultiGzDecoder::new(compressed)),
        Coding::Deflate => Decoder::Deflate(ZlibDecoder::new(compressed)),
    };
    let filling = Filling::new(server, 0, header_length)?;
    let mut stream = Stream { decoder, filling, _compressed: received };
    if !stream.fill(INLINE_BYTES_MAX)? {
        stream = off_worker(usize::MAX, move || {
            stream.fill(usize::MAX)?;
            Ok(stream)
        })
        .await?;
    }
    Ok(stream.filling.finish())
}

/// A body that is being decompressed. What was received counts as in flight until it is done.
struct Stream {
    decoder: Decoder,
    filling: Filling,
    _compressed: Received,
}

impl Stream {
    /// Decompresses until there are more than `enough` bytes; whether that is all.
    fn fill(&mut self, enough: usize) -> Result<bool, InferError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        while self.filling.size_bytes() <= enough {
            let read = self.decoder.read(&mut chunk).map_err(|error| corrupt(&error))?;
            if read == 0 {
                return self.end().map(|()| true);
            }
            self.filling.push(&chunk[..read])?;
        }
        Ok(false)
    }

    /// The decoder of the zlib format does not mind what follows the end; that of gzip does.
    fn end(&self) -> Result<(), InferError> {
        match &self.decoder {
            Decoder::Deflate(decoder) if decoder.get_ref().get_ref().has_remaining() => {
                Err(corrupt(&io::Error::other("there is more after the end of the stream")))
            }
            _ => Ok(()),
        }
    }
}

enum Decoder {
    Gzip(MultiGzDecoder<Reader<Bytes>>),
    Deflate(ZlibDecoder<Reader<Bytes>>),
}

impl Read for Decoder {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(chunk),
            Self::Deflate(decoder) => decoder.read(chunk),
        }
    }
}

fn corrupt(error: &io::Error) -> InferError {
    InferError::Invalid(format!("failed to decompress the request's body: {error}"))
}

#[cfg(test)]
mod tests;
