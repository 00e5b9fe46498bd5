//! Accepts connections and serves them, until it is told to stop; then what is in flight ends.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::security::tls::Tls;
use crate::server::Life;

/// How long a client of HTTP/1 may take for the headers of a request; it ends idle connections,
/// too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// How often a client of HTTP/2 is asked whether it is still there, and how long it may take to
/// say so: a dead one would hold what it has sent for ever.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Connections at the same time, of each port, those that still shake hands included; others wait
/// until the system accepts them.
const CONNECTIONS_MAX: usize = 10_000;

/// How long to wait when the operating system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes that a client may send before the server has read them, for one call and for all calls
/// of a connection. The defaults of 64 KiB and 1 MiB make big tensors wait for round trips.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// Calls of one connection at the same time.
const STREAMS_MAX: u32 = 1_024;

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    /// HTTP/1.1 with keep-alive.
    Http1,
    /// HTTP/2 with prior knowledge, as gRPC wants.
    Http2,
}

/// How long connections that have no request in flight may take to close at the end: who has sent
/// half a header, or does not answer, is not waited for.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What is spoken at a port, and who answers.
#[derive(Clone)]
pub struct Protocol {
    /// Above TLS.
    pub version: Version,
    /// Without it, in clear text.
    pub tls: Option<Tls>,
    /// Answers.
    pub router: Router,
}

/// Serves `protocol` at `listener` until the process stops, and then until every request in flight
/// is answered.
pub async fn serve(listener: TcpListener, protocol: Protocol, mut life: watch::Receiver<Life>) {
    let connections = GracefulShutdown::new();
    let requests = Requests::default();
    let Protocol { version, tls, router } = protocol;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = life.wait_for(|life| *life == Life::Stopping) => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let watcher = connections.watcher();
                let connection = Connection {
                    place,
                    version,
                    router: router.clone(),
                    requests: requests.clone(),
                    watcher,
                };
                start(stream, connection, tls.clone());
            }
            Err(error) => pause(&error).await,
        }
    }
    drop(listener); // New connections are refused from here on.
    let closed = connections.shutdown();
    let quiet = async {
        requests.none_left().await;
        tokio::time::sleep(CLOSE_MAX).await;
    };
    tokio::select! {
        () = closed => {}
        () = quiet => tracing::debug!("connections without a request were not waited for"),
    }
}

/// The requests in flight, from their headers to the end of their answers.
#[derive(Clone, Default)]
struct Requests(Arc<Counted>);

#[derive(Default)]
struct Counted {
    count: AtomicUsize,
    none_left: Notify,
}

impl Requests {
    fn begin(&self) -> InFlight {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        InFlight(self.0.clone())
    }

    async fn none_left(&self) {
        loop {
            // Asked for before the count is read, so that the last end is not missed.
            let notified = self.0.none_left.notified();
            if self.0.count.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// One request in flight.
struct InFlight(Arc<Counted>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

/// The body of an answer, until it was sent. It tells its size as before: one that doesn't is sent
/// in chunks.
struct Answer {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// A connection to be served.
struct Connection {
    place: OwnedSemaphorePermit,
    version: Version,
    router: Router,
    requests: Requests,
    watcher: Watcher,
}

fn start(stream: TcpStream, connection: Connection, tls: Option<Tls>) {
    // Without it, a small answer waits for the client's acknowledgement of the one before.
    let _only_slower = stream.set_nodelay(true);
    tokio::spawn(async move {
        let Some(tls) = tls else { return connection.serve(stream).await };
        match tls.accept(stream, connection.version).await {
            Ok(stream) => connection.serve(stream).await,
            Err(error) => tracing::debug!("a connection did not begin: {error}"),
        }
    });
}

impl Connection {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let Self { place: _place, version, router, requests, watcher } = self;
        let router = TowerToHyperService::new(router);
        // Here, and not in a layer of the router, which would put each request and answer on the
        // heap.
        let service = service_fn(move |request| {
            let (in_flight, answered) = (requests.begin(), router.call(request));
            async move {
                let counted = |body| Answer { body, _in_flight: in_flight };
                answered.await.map(|answer| answer.map(counted)) as Result<_, Infallible>
            }
        });
        let io = TokioIo::new(stream);
        match version {
            Version::Http1 => {
                let mut builder = http1::Builder::new();
                builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
                finish(builder.serve_connection(io, service), watcher).await;
            }
            Version::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder
                    .timer(TokioTimer::new())
                    .initial_stream_window_size(STREAM_WINDOW_BYTES)
                    .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
                    .max_concurrent_streams(STREAMS_MAX)
                    .keep_alive_interval(KEEP_ALIVE)
                    .keep_alive_timeout(KEEP_ALIVE);
                finish(builder.serve_connection(io, service), watcher).await;
            }
        }
    }
}

async fn finish(connection: impl GracefulConnection<Error = hyper::Error>, watcher: Watcher) {
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("a connection ended: {error}");
    }
}

async fn pause(error: &io::Error) {
    tracing::warn!("cannot accept a connection: {error}");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
