use std::convert::Infallible;
use std::time::Duration;

use super::*;

/// Sends a byte after each of so many pauses, and then nothing more.
struct Slow {
    pause: Duration,
    left: usize,
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
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_pause_but_not_stop() {
    let budget = Budget::new(100);
    let pause = PAUSE_MAX.checked_sub(Duration::from_secs(1)).unwrap();
    let body = Body::new(Slow { pause, left: 3, sleep: Box::pin(sleep(pause)) });
    let mut body = Counted { body, lease: Arc::new(budget.lease()), pause: None };
    for received in 1..=3 {
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(budget.used_bytes(), received);
    }
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the request's body paused for more than 30 s"), "{error}");
}
