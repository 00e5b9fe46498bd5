use std::convert::Infallible;
use std::time::Duration;

use super::*;

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
    let budget = Budget::new(100);
    let pause = PAUSE_MAX.checked_sub(Duration::from_secs(1)).unwrap();
    let body = Body::new(Slow { pause, left: 3, bytes: b"x", sleep: Box::pin(sleep(pause)) });
    let lease = Arc::new(budget.lease());
    let mut body = Counted { body, lease, pause: None, framing: None };
    for received in 1..=3 {
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(budget.used_bytes(), received);
    }
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body paused for more than 30 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_rest_between_messages_only() {
    let pause = PAUSE_MAX + Duration::from_secs(1);
    let body = |bytes| {
        let body = Body::new(Slow { pause, left: 2, bytes, sleep: Box::pin(sleep(pause)) });
        let lease = Arc::new(Budget::new(100).lease());
        Counted { body, lease, pause: None, framing: Some(Framing::default()) }
    };
    let mut whole = body(b"\0\0\0\0\x02ab");
    assert!(whole.frame().await.unwrap().is_ok());
    assert!(whole.frame().await.unwrap().is_ok());
    let mut part = body(b"\0\0\0\0\x02a");
    assert!(part.frame().await.unwrap().is_ok());
    let error = part.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body paused for more than 30 s"), "{error}");
}
