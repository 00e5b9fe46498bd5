//! A body over HTTP, compressed or not: the first byte says how, the second how long its JSON is.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use nereid::budget::Budget;
use nereid::edge::Edge;
use nereid::http::body::{Received, decompress, receive};
use nereid::http::coding::Coding;
use nereid::places::Places;
use nereid::regions::Regions;
use nereid::registry::Registry;
use nereid::server::{Life, Server};
use nereid_backend::error::InferError;
use nereid_kernels::device::{Absence, Devices};
use tokio::runtime::{Builder, Runtime};

use crate::memory::bounded;

/// Largest body: twice what is decompressed without another thread.
const SIZE_MAX: usize = 128 << 10;
const IN_FLIGHT_MAX: usize = SIZE_MAX + SIZE_MAX / 2;

/// State of a decompressor, and a chunk of what it makes.
const DECODER_BYTES: usize = 160 << 10;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

static SERVER: LazyLock<Server> = LazyLock::new(|| Server {
    name: "fuzzed".to_owned(),
    models: Registry::new().1,
    control: None,
    budget: Budget::new(IN_FLIGHT_MAX),
    places: Places::new(1),
    input_bytes_max: SIZE_MAX,
    life: tokio::sync::watch::channel(Life::Serving).1,
    is_strict: false,
    devices: Devices::absent(Absence::NotLooked),
    regions: Regions::new(Edge::new(Devices::absent(Absence::NotLooked)).unwrap(), false),
});

pub(super) fn run(data: &[u8]) {
    let [how, header_length, body @ ..] = data else { return };
    let coding = [Coding::Identity, Coding::Gzip, Coding::Deflate][usize::from(how % 3)];
    let header_length = usize::from(*header_length);
    let declared = if how & 0x80 == 0 { body.len() } else { 0 };
    let received = sent(body, coding, (declared, header_length));
    if let (Ok(received), Coding::Identity) = (&received, coding) {
        assert_eq!(received.bytes(), body);
    }
    drop(received);
    assert_eq!(SERVER.budget.used_bytes(), 0, "all is given back");
    let compressed = [(Coding::Gzip, gzip(body)), (Coding::Deflate, deflate(body))];
    for (coding, compressed) in compressed {
        let received = sent(&compressed, coding, (compressed.len(), header_length));
        assert_eq!(received.expect("it was compressed just now").bytes(), body);
    }
}

/// What is received of a `body` of that declared length and with a header of that length.
fn sent(
    body: &[u8],
    coding: Coding,
    (declared, header_length): (usize, usize),
) -> Result<Received, InferError> {
    let body = Bytes::copy_from_slice(body);
    // Memory grows by doubling.
    let bytes_max = 3 * SIZE_MAX + body.len() + DECODER_BYTES;
    let received = bounded(bytes_max, || {
        RUNTIME.block_on(async {
            let mut sent = Body::from(body);
            let received = receive(&SERVER, &mut sent, declared, header_length).await?;
            decompress(&SERVER, received, coding, header_length).await
        })
    })?;
    let bytes = received.bytes();
    assert!(bytes.len() <= SIZE_MAX);
    assert_eq!(SERVER.budget.used_bytes(), bytes.len());
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    assert_eq!(received.as_element(), [&length, &*bytes].concat());
    if coding == Coding::Identity && declared == bytes.len() && header_length <= bytes.len() {
        assert!((bytes.as_ptr().addr() + header_length).is_multiple_of(64), "tensors are aligned");
    }
    Ok(received)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
