use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::HeaderValue;
use http_body::Frame;

use super::*;
use crate::budget::Budget;
use crate::fakes;
use crate::pause::PAUSE_MAX;
use crate::registry::Registry;

/// A server that admits 1000 bytes in a request and 1500 in flight.
pub(super) fn server() -> Arc<Server> {
    server_of(1000)
}

/// A server that admits that many bytes in a request and half more in flight.
pub(super) fn server_of(input_bytes_max: usize) -> Arc<Server> {
    let (_, models) = Registry::new();
    let budget = Budget::new(input_bytes_max + input_bytes_max / 2);
    Arc::new(Server { budget, input_bytes_max, ..fakes::server(models) })
}

/// A body that comes in these parts, and may break off after them.
struct Parts {
    parts: Vec<Vec<u8>>,
    is_broken: bool,
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.parts.is_empty() {
            return Poll::Ready(self.is_broken.then_some(Err("no more")));
        }
        Poll::Ready(Some(Ok(Frame::data(self.parts.remove(0).into()))))
    }
}

/// A body of which no end ever comes.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

fn parts(parts: &[&[u8]]) -> Body {
    let parts = parts.iter().map(|part| part.to_vec()).collect();
    Body::new(Parts { parts, is_broken: false })
}

pub(super) fn numbers(size: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(size).collect()
}

#[track_caller]
pub(super) fn refused(received: Result<Received, InferError>, expected: &str) {
    assert_eq!(received.err().map(|error| error.to_string()).as_deref(), Some(expected));
}

#[test]
fn a_length_may_be_declared() {
    let declared = |length: &'static str| {
        let header = (CONTENT_LENGTH, HeaderValue::from_static(length));
        declared_length(&HeaderMap::from_iter([header]))
    };
    assert_eq!((declared("300"), declared("x"), declared_length(&HeaderMap::new())), (300, 0, 0));
}

#[tokio::test]
async fn what_follows_the_header_is_aligned() {
    let server = server();
    let sent = numbers(300);
    for header_length in (0..=130).chain([299, 300]) {
        let mut body = parts(&[&sent[..100], &sent[100..101], &[], &sent[101..]]);
        let received = receive(&server, &mut body, 300, header_length).await.unwrap();
        let bytes = received.bytes();
        assert_eq!(*bytes, *sent);
        let start = bytes.as_ptr().addr() + header_length;
        assert!(start.is_multiple_of(ALIGNMENT), "{header_length}");
    }
    assert_eq!(server.budget.used_bytes(), 0);
}

/// The header's length comes from the client, so it may be anything.
#[tokio::test]
async fn a_header_may_claim_any_length() {
    let server = server();
    for header_length in [301, usize::MAX / 2, usize::MAX - 1, usize::MAX] {
        let mut body = Body::from(numbers(300));
        let received = receive(&server, &mut body, 300, header_length).await.unwrap();
        assert_eq!(*received.bytes(), *numbers(300));
    }
}

#[tokio::test]
async fn a_body_is_one_element_after_its_length() {
    let server = server();
    for (declared, size) in [(7, 7), (0, 300), (0, 0)] {
        let sent = numbers(size);
        let received = receive(&server, &mut Body::from(sent.clone()), declared, 0).await.unwrap();
        let element = received.as_element();
        let (length, content) = element.split_first_chunk().unwrap();
        assert_eq!((u32::from_le_bytes(*length), content), (u32::try_from(size).unwrap(), &*sent));
        assert_eq!(content.as_ptr(), received.bytes().as_ptr(), "it is the same memory");
    }
}

/// Such a body may outgrow its buffer, which moves: every element type is aligned all the same.
#[tokio::test]
async fn a_body_need_not_declare_its_size() {
    let server = server();
    let sent = numbers(900);
    for header_length in 0..100 {
        let mut body = parts(&[&sent[..1], &sent[1..500], &sent[500..]]);
        let received = receive(&server, &mut body, 0, header_length).await.unwrap();
        assert_eq!(*received.bytes(), *sent);
        assert_eq!(server.budget.used_bytes(), 900);
        let start = received.bytes().as_ptr().addr() + header_length;
        assert!(start.is_multiple_of(size_of::<u64>()), "{header_length}");
    }
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_server_admits() {
    let server = server();
    let text = |size| {
        format!(
            "the request has {size} bytes or more, this server admits 1000 (--http-max-input-size)"
        )
    };
    let most = receive(&server, &mut Body::from(numbers(1000)), 1000, 0).await.unwrap();
    assert_eq!(most.bytes().len(), 1000);
    drop(most);
    // What is declared is refused before anything is read; what is not, as soon as it is known.
    refused(receive(&server, &mut Body::new(Silent), 1001, 0).await, &text(1001));
    let mut endless = parts(&[&numbers(600), &numbers(600), &numbers(600)]);
    refused(receive(&server, &mut endless, 0, 0).await, &text(1200));
    refused(receive(&server, &mut Body::from(numbers(1001)), 10, 0).await, &text(1001));
    assert_eq!(server.budget.used_bytes(), 0);
}

#[tokio::test]
async fn bytes_are_in_flight_until_the_lease_is_dropped() {
    let server = server();
    let receive_some = async |size| receive(&server, &mut Body::from(numbers(size)), 0, 0).await;
    let first = receive_some(900).await.unwrap();
    assert_eq!(server.budget.used_bytes(), 900);
    let overloaded = "the server has 900 bytes in flight and admits 1500 (--inflight-byte-size); \
                      601 more do not fit, try again later";
    refused(receive_some(601).await, overloaded);
    // What is declared is refused before it has come.
    refused(receive(&server, &mut Body::new(Silent), 601, 0).await, overloaded);
    assert_eq!(server.budget.used_bytes(), 900);
    let Received { lease, .. } = first;
    refused(receive_some(601).await, overloaded);
    drop(lease);
    assert_eq!(server.budget.used_bytes(), 0);
    assert!(receive_some(601).await.is_ok());
}

/// Who declares much and sends little keeps nobody else out.
#[tokio::test(start_paused = true)]
async fn what_is_only_declared_is_not_in_flight() {
    let server = server();
    let pending = tokio::spawn({
        let server = server.clone();
        async move { receive(&server, &mut Body::new(Silent), 1000, 0).await.map(|_| ()) }
    });
    tokio::time::sleep(PAUSE_MAX / 2).await;
    assert_eq!(server.budget.used_bytes(), 0);
    assert!(receive(&server, &mut Body::from(numbers(1000)), 1000, 0).await.is_ok());
    assert!(pending.await.unwrap().is_err());
}

/// Sends a byte after each so long pause.
struct Trickle(tokio::time::Interval);

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_must_not_trickle() {
    let server = server();
    let pause = Duration::from_secs(1);
    let mut body = Body::new(Trickle(tokio::time::interval(pause)));
    let text = "the request's body comes too slowly: 31 bytes in 30 s; this server waits for 4096 \
                bytes a second";
    refused(receive(&server, &mut body, 100, 0).await, text);
    assert_eq!(server.budget.used_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_must_come_whole() {
    let server = server();
    let mut broken = Body::new(Parts { parts: vec![numbers(5)], is_broken: true });
    let text = "the request's body broke off: no more";
    refused(receive(&server, &mut broken, 10, 0).await, text);
    let text = "the request's body paused for more than 30 s";
    refused(receive(&server, &mut Body::new(Silent), 10, 0).await, text);
    assert_eq!(server.budget.used_bytes(), 0);
}
