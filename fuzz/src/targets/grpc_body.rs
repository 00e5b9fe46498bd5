//! A body of gRPC messages, as it is cut by the network: the first byte says into which pieces.

use std::sync::Arc;

use nereid::budget::Budget;
use nereid::grpc::framing::{Framing, PREFIX_BYTES, message_length};
use nereid::grpc::gunzip::Gunzip;

use crate::memory::bounded;

/// Largest message, and all that may be in flight.
const SIZE_MAX: usize = 16 << 10;
const IN_FLIGHT_MAX: usize = 2 * SIZE_MAX;

/// State of a decompressor: its window and tables.
const DECODER_BYTES: usize = 96 << 10;

pub(super) fn run(data: &[u8]) {
    let Some((&cut, body)) = data.split_first() else { return };
    let step = usize::from(cut).max(1);
    check_framing(body, step);
    let whole = decompressed(body, body.len().max(1));
    let parts = decompressed(body, step);
    // How early a fault is seen depends on the pieces, while its message is not all there.
    assert!(parts.is_ok() == whole.is_ok() || !messages(body).1, "{parts:?} {whole:?}");
    if let (Ok(parts), Ok(whole)) = (parts, whole) {
        assert_eq!(parts, whole);
        check_messages(&whole);
    }
}

/// Between two messages is where a walk over the whole body is.
fn check_framing(body: &[u8], step: usize) {
    let mut framing = Framing::default();
    let mut at = 0;
    for data in body.chunks(step) {
        framing.pass(data);
        at += data.len();
        assert_eq!(framing.is_between_messages(), messages(&body[..at]).1, "at {at}");
    }
}

/// Each message that is all there, with its flag, and whether that is all.
fn messages(mut body: &[u8]) -> (Vec<(u8, &[u8])>, bool) {
    let mut found = Vec::new();
    while let Some((prefix, behind)) = body.split_first_chunk::<PREFIX_BYTES>() {
        let Some((message, behind)) = behind.split_at_checked(message_length(*prefix)) else {
            return (found, false);
        };
        found.push((prefix[0], message));
        body = behind;
    }
    (found, body.is_empty())
}

/// What comes out of `body` in such steps; no more than was counted.
fn decompressed(body: &[u8], step: usize) -> Result<Vec<u8>, String> {
    let budget = Budget::new(IN_FLIGHT_MAX);
    let mut gunzip = Gunzip::new(Arc::new(budget.lease()), SIZE_MAX);
    let mut all = Vec::with_capacity(IN_FLIGHT_MAX + 2 * body.len());
    // Memory grows by doubling.
    let bytes_max = 3 * IN_FLIGHT_MAX + 3 * body.len() + DECODER_BYTES;
    let fed = bounded(bytes_max, || {
        body.chunks(step).try_for_each(|data| gunzip.feed(data).map(|ready| all.extend(ready)))
    });
    assert!(budget.used_bytes() <= IN_FLIGHT_MAX);
    assert!(all.len() <= budget.used_bytes() + body.len(), "what comes out is counted");
    drop(gunzip);
    assert_eq!(budget.used_bytes(), 0);
    fed.map(|()| all).map_err(|error| error.to_string())
}

/// Nothing is compressed any more, except what passes for a flag of its own.
fn check_messages(body: &[u8]) {
    assert!(messages(body).0.iter().all(|(flag, _)| *flag != 1));
}
