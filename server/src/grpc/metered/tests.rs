use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::sleep;

use super::*;
use crate::budget::Budget;
use crate::fakes;
use crate::pause::PAUSE_MAX;
use crate::registry::Registry;
use crate::security::guard::Guard;

/// Sends the bytes after each of so many pauses, and then nothing more.
struct Slow {
    pause: Duration,
    left: usize,
    bytes: &'static [u8],
    sleep: Pin<Box<Sleep>>,
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 || self.sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.left -= 1;
        self.sleep = Box::pin(sleep(self.pause));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.bytes)))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_pause_but_not_stop() {
    static BYTES: [u8; 120 << 10] = [0; 120 << 10];
    let budget = Budget::new(1 << 20);
    let pause = PAUSE_MAX.checked_sub(Duration::from_secs(1)).unwrap();
    let body = Body::new(Slow { pause, left: 3, bytes: &BYTES, sleep: Box::pin(sleep(pause)) });
    let mut body = Counted::new(body, Arc::new(budget.lease()), None, Change::Nothing);
    for received in 1..=3 {
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(budget.used_bytes(), received * BYTES.len());
    }
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body paused for more than 30 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_not_trickle() {
    let pause = Duration::from_secs(20);
    let body = Body::new(Slow { pause, left: 9, bytes: b"x", sleep: Box::pin(sleep(pause)) });
    let lease = Arc::new(Budget::new(100).lease());
    let mut body = Counted::new(body, lease, None, Change::Nothing);
    assert!(body.frame().await.unwrap().is_ok());
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body comes too slowly: 1 bytes in 30 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_rest_between_messages_only() {
    let pause = PAUSE_MAX + Duration::from_secs(1);
    let body = |bytes| {
        let body = Body::new(Slow { pause, left: 2, bytes, sleep: Box::pin(sleep(pause)) });
        let lease = Arc::new(Budget::new(100).lease());
        Counted::new(body, lease, Some(Framing::default()), Change::Nothing)
    };
    let mut whole = body(b"\0\0\0\0\x02ab");
    assert!(whole.frame().await.unwrap().is_ok());
    assert!(whole.frame().await.unwrap().is_ok());
    let mut part = body(b"\0\0\0\0\x02a");
    assert!(part.frame().await.unwrap().is_ok());
    let error = part.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body paused for more than 30 s"), "{error}");
}

/// Asks whether the server lives; the status of the answer, and how it is compressed.
async fn live(encoding: &'static str, message: Vec<u8>) -> (String, Option<String>) {
    let (_, models) = Registry::new();
    let server = Server { input_bytes_max: 100, ..fakes::server(models) };
    let request = Request::post("/inference.GRPCInferenceService/ServerLive")
        .header("content-type", "application/grpc")
        .header(ENCODING, encoding)
        .header(ACCEPT_ENCODING, "identity,deflate,gzip")
        .body(Body::from(message))
        .unwrap();
    let router = crate::grpc::router(Arc::new(server), &Arc::new(Guard::open()));
    let service = TowerToHyperService::new(router);
    let response = service.call(request).await.unwrap();
    let headers = response.headers().clone();
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned();
    let text = |headers: &HeaderMap, name: &str| {
        headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let status = trailers.and_then(|trailers| text(&trailers, "grpc-status"));
    (status.or(text(&headers, "grpc-status")).unwrap(), text(&headers, ENCODING))
}

#[tokio::test]
async fn who_compresses_gets_compressed_answers() {
    let message = |flag: u8, data: &[u8]| {
        [&[flag, 0, 0, 0, u8::try_from(data.len()).unwrap()][..], data].concat()
    };
    let gzip = |data: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    };
    let (ok, out_of_range, unimplemented) = ("0".to_owned(), "11".to_owned(), "12".to_owned());
    assert_eq!(live("identity", message(0, b"")).await, (ok.clone(), None));
    assert_eq!(live("gzip", message(1, &gzip(b""))).await, (ok.clone(), Some("gzip".to_owned())));
    assert_eq!(live("gzip", message(0, b"")).await, (ok, Some("gzip".to_owned())));
    assert_eq!(live("gzip", message(1, &gzip(&[0; 101]))).await.0, out_of_range);
    assert_eq!(live("snappy", message(1, b"")).await.0, unimplemented);
}
