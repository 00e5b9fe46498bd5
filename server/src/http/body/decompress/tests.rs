use std::io::Write;

use axum::body::Body;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;
use crate::http::body::receive;
use crate::http::body::tests::{numbers, refused, server};

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

async fn sent(server: &Server, body: Vec<u8>, coding: Coding) -> Result<Received, InferError> {
    let received = receive(server, &mut Body::from(body), 0, 0).await?;
    decompress(server, received, coding, 10).await
}

#[tokio::test]
async fn what_was_compressed_is_there_again() {
    let server = server();
    for bytes in [numbers(900), numbers(1), Vec::new()] {
        for (body, coding) in [
            (bytes.clone(), Coding::Identity),
            (gzip(&bytes), Coding::Gzip),
            (deflate(&bytes), Coding::Deflate),
        ] {
            let received = sent(&server, body, coding).await.unwrap();
            assert_eq!(*received.bytes(), *bytes, "{coding:?}");
            assert_eq!(received.as_element().len(), bytes.len() + 4);
            assert_eq!(server.budget.used_bytes(), bytes.len(), "only what is left counts");
        }
    }
    let members = [gzip(b"in two "), gzip(b"members")].concat();
    assert_eq!(*sent(&server, members, Coding::Gzip).await.unwrap().bytes(), *b"in two members");
}

#[tokio::test]
async fn long_ones_are_decompressed_elsewhere() {
    let server = crate::http::body::tests::server_of(1 << 20);
    for size in [INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 1 << 20] {
        let bytes = numbers(size);
        let received = sent(&server, deflate(&bytes), Coding::Deflate).await.unwrap();
        assert_eq!(received.bytes(), bytes);
    }
}

#[tokio::test]
async fn the_limits_are_those_of_what_comes_out() {
    let server = server();
    let text =
        "the request has 1001 bytes or more, this server admits 1000 (--http-max-input-size)";
    refused(sent(&server, gzip(&[0; 1001]), Coding::Gzip).await, text);
    refused(sent(&server, deflate(&[0; 1001]), Coding::Deflate).await, text);
    let held = server.budget.lease();
    held.try_grow(900).unwrap();
    let body = gzip(&[0; 700]);
    let text = format!(
        "the server has {} bytes in flight and admits 1500 (--inflight-byte-size); 700 more do \
         not fit, try again later",
        900 + body.len()
    );
    refused(sent(&server, body, Coding::Gzip).await, &text);
    assert_eq!(server.budget.used_bytes(), 900);
}

#[tokio::test]
async fn what_is_corrupt_is_refused() {
    let server = server();
    let check = async |body: Vec<u8>, coding: Coding, expected: &str| {
        let text = format!("failed to decompress the request's body: {expected}");
        refused(sent(&server, body, coding).await, &text);
    };
    let (zipped, deflated) = (gzip(b"some text"), deflate(b"some text"));
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    check(b"\x1f\x8bgarbage".to_vec(), Coding::Gzip, "unexpected end of file").await;
    check(cut(&zipped), Coding::Gzip, "unexpected end of file").await;
    check([&zipped[..], b"more after its end"].concat(), Coding::Gzip, "invalid gzip header").await;
    check(deflated.clone(), Coding::Gzip, "invalid gzip header").await;
    check(zipped, Coding::Deflate, "corrupt deflate stream").await;
    check(cut(&deflated), Coding::Deflate, "incomplete deflate stream").await;
    let more = "there is more after the end of the stream";
    check([&deflated[..], b"more"].concat(), Coding::Deflate, more).await;
    check(Vec::new(), Coding::Deflate, "incomplete deflate stream").await;
}
