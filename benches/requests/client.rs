//! The client, of which nothing is counted.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use anyhow::ensure;

use crate::model::answered;
use crate::{grpc, http};

/// A connection of either protocol.
pub(crate) enum Connection {
    /// HTTP/1.1.
    Http(http::Connection),
    /// HTTP/2.
    Grpc(grpc::Connection),
}

impl Connection {
    /// Sends the request once more, and waits for the body of its answer.
    async fn ask(&mut self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Http(connection) => connection.ask().await,
            Self::Grpc(connection) => connection.ask().await,
        }
    }
}

/// Asks again and again, and ends the process if an answer is not what the model says.
pub(crate) async fn ask_for_ever(connection: Connection, is_json: bool) {
    let Err(failed) = ask(connection, is_json).await;
    eprintln!("the client failed: {failed:#}");
    std::process::exit(1);
}

async fn ask(mut connection: Connection, is_json: bool) -> anyhow::Result<Infallible> {
    let first = connection.ask().await?;
    let expected = if is_json {
        let numbers: Vec<_> = answered().map(|number| number.to_string()).collect();
        numbers.join(",").into_bytes()
    } else {
        answered().flat_map(i32::to_le_bytes).collect()
    };
    let has_numbers = first.windows(expected.len()).any(|window| window == expected);
    ensure!(has_numbers, "the model's numbers are not in: {}", first.escape_ascii());
    loop {
        let next = connection.ask().await?;
        ensure!(next == first, "another answer: {}", next.escape_ascii());
    }
}

/// A client of which nothing is counted.
pub(crate) struct Uncounted<F> {
    /// What it does.
    pub(crate) client: Pin<Box<F>>,
    /// Whether anything is.
    pub(crate) is_counting: Arc<AtomicBool>,
}

impl<F: Future> Future for Uncounted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Before the count begins, callgrind would begin it here.
        if !self.is_counting.load(Ordering::Relaxed) {
            return self.client.as_mut().poll(context);
        }
        let mut polled = Poll::Pending;
        uncounted(&mut || polled = self.client.as_mut().poll(context));
        polled
    }
}

/// Callgrind does not count while it is here, by its name.
#[inline(never)]
fn uncounted(work: &mut dyn FnMut()) {
    work();
    // Without something behind it, the call would become a jump.
    black_box(());
}
