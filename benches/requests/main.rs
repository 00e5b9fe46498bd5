//! One small request after the other over HTTP JSON, HTTP binary or gRPC, for callgrind to count what
//! each takes: `make bench-count`, and `tools/count.py`, which reads the count.
//!
//! All of it is one thread, so that it runs the same way each time: what would be the instance's
//! thread drives the runtime where it would sleep ([`turn`]). From the listener to the answer the
//! server is the real one; its model answers what it was told ([`model`]). What the client does is
//! not counted.
#![expect(clippy::expect_used, reason = "a bench is a test that nobody imports")]

mod client;
mod grpc;
mod http;
mod model;
mod turn;

use std::env;
use std::hint::black_box;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nereid::connections::{self, Protocol, Version};
use nereid::logging;
use nereid::options::LoggingOptions;
use nereid::park::Park as _;
use nereid::queue::{Next, Queue};
use nereid::security::guard::Guard;
use nereid::server::{Life, Server};
use nereid_backend::backend::Instance;
use nereid_backend::batch::Batch;
use nereid_backend::spec::InstanceId;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::client::{Connection, Uncounted, ask_for_ever};
use crate::model::{Scripted, serve};
use crate::turn::Turn;

/// Requests before the first that is counted: until then, buffers and tables still grow.
const WARM_UP: usize = 200;

/// The protocols.
const JSON: &str = "http-json";
const BINARY: &str = "http-binary";
const GRPC: &str = "grpc";

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [protocol, requests] = arguments.as_slice() else { end_with_usage() };
    let requests = requests.parse().unwrap_or_else(|_| end_with_usage());
    // As the server logs unless it is told otherwise.
    let [log_info, log_warning, log_error] = [true; 3];
    logging::start(&LoggingOptions { log_verbose: 0, log_info, log_warning, log_error });
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = Arc::new(runtime.expect("a runtime"));
    let (_alive, life) = watch::channel(Life::Serving);
    let (queue, server) = serve(Turn::new(runtime.clone()), life);
    let is_counting = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let client = Box::pin(ask_for_ever(connect(server, protocol).await, protocol == JSON));
        tokio::spawn(Uncounted { client, is_counting: is_counting.clone() });
    });
    let mut instance = Scripted::new();
    run(&queue, &mut instance, WARM_UP);
    is_counting.store(true, Ordering::Relaxed);
    counted(&queue, &mut instance, requests);
}

fn end_with_usage() -> ! {
    eprintln!("usage: requests {JSON}|{BINARY}|{GRPC} <requests>");
    exit(2)
}

/// Callgrind counts while it is here, by its name.
#[inline(never)]
fn counted(queue: &Queue<Turn>, instance: &mut Scripted, requests: usize) {
    run(queue, instance, requests);
    // Without something behind it, the call would become a jump.
    black_box(queue);
}

/// What an instance's thread does, for as many batches as there are `requests`: a client that waits
/// for each answer makes batches of one.
fn run(queue: &Queue<Turn>, instance: &mut Scripted, requests: usize) {
    let who = InstanceId(0);
    for _ in 0..requests {
        instance.start(next_batch(queue, who));
        queue.done(who);
    }
}

fn next_batch(queue: &Queue<Turn>, who: InstanceId) -> Batch {
    loop {
        let due = match queue.next(who) {
            Next::Run(batch) => return batch,
            Next::WaitUntil(due) => Some(due),
            Next::Idle => None,
            Next::Over => unreachable!("nobody closes it"),
        };
        queue.sleeper(who).park().park(due);
    }
}

/// Starts `server` for one protocol, and connects to it.
async fn connect(server: Arc<Server>, protocol: &str) -> Connection {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let life = server.life.clone();
    let guard = Arc::new(Guard::open());
    let (version, router) = match protocol {
        GRPC => (Version::Http2, nereid::grpc::router(server, &guard)),
        _ => (Version::Http1, nereid::http::router(server, &guard)),
    };
    let spoken = Protocol { version, tls: None, router };
    tokio::spawn(connections::serve(listener, spoken, life));
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    match protocol {
        JSON => Connection::Http(http::Connection::new(stream, http::json())),
        BINARY => Connection::Http(http::Connection::new(stream, http::binary())),
        GRPC => Connection::Grpc(grpc::Connection::open(stream).await.expect("a connection")),
        _ => end_with_usage(),
    }
}
