//! The floor that a request to the server stands on: hyper, axum and tonic as the server uses them,
//! and one hand-off to a thread and back. Nothing is decoded but what tonic decodes, nothing is
//! checked, counted or run.
//!
//! `make bench` measures it beside the server, in the same run: what the server takes more is its own.
//!
//!     echo --http-port=8000 --grpc-port=8001 [--workers=1]
#![expect(clippy::expect_used, reason = "a bench is a test that nobody imports")]

mod grpc;
mod hand_off;
mod http;

use std::env;
use std::net::Ipv4Addr;
use std::process::exit;
use std::thread::available_parallelism;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::hand_off::HandOff;

fn main() {
    let (http_port, grpc_port) = (flag("http-port"), flag("grpc-port"));
    let (Some(http_port), Some(grpc_port)) = (http_port, grpc_port) else {
        eprintln!("usage: echo --http-port=PORT --grpc-port=PORT [--workers=COUNT]");
        exit(2);
    };
    // As many as the server has.
    let cores = available_parallelism().map_or(1, |cores| cores.get() - 1).max(1);
    let workers = flag("workers").map_or(cores, usize::from);
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let hand_off = HandOff::start();
        let grpc = serve(grpc_port, grpc::router(hand_off.clone()), speak_http2);
        tokio::join!(serve(http_port, http::router(hand_off), speak_http1), grpc);
    });
}

/// The number that follows a flag.
fn flag(name: &str) -> Option<u16> {
    let prefix = format!("--{name}=");
    env::args().find_map(|argument| argument.strip_prefix(&prefix)?.parse().ok())
}

async fn serve<F>(port: u16, router: Router, speak: impl Fn(TcpStream, Router) -> F)
where
    F: Future<Output = hyper::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        tokio::spawn(speak(stream, router.clone()));
    }
}

fn speak_http1(stream: TcpStream, router: Router) -> impl Future<Output = hyper::Result<()>> {
    let service = TowerToHyperService::new(router);
    http1::Builder::new().serve_connection(TokioIo::new(stream), service)
}

fn speak_http2(stream: TcpStream, router: Router) -> impl Future<Output = hyper::Result<()>> {
    let service = TowerToHyperService::new(router);
    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service)
}
