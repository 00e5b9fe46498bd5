//! A client of HTTP/1.1 that knows nothing but what it sends.

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::{ELEMENTS, INPUTS, MODEL, sent};

const END: &[u8] = b"\r\n\r\n";

/// A connection, and what is sent over it.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    /// A client that sends `request` over `stream`.
    pub(crate) fn new(stream: TcpStream, request: Vec<u8>) -> Self {
        Self { stream, request, received: Vec::new() }
    }

    /// Sends the request, and waits for the body of its answer.
    pub(crate) async fn ask(&mut self) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(&self.request).await?;
        self.received.clear();
        let (start, end) = loop {
            if let Some(body) = body(&self.received)? {
                break body;
            }
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server went away");
        };
        Ok(self.received[start..end].to_vec())
    }
}

/// Where the body of an answer begins and ends, once all of it is there.
fn body(received: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = received.windows(END.len()).position(|window| window == END) else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.context("no content-length")?.parse()?;
    let start = end + END.len();
    Ok((received.len() >= start + length).then_some((start, start + length)))
}

/// All numbers as JSON, as `curl` sends them.
pub(crate) fn json() -> Vec<u8> {
    let data: Vec<_> = sent().map(|number| number.to_string()).collect();
    let body = inputs(&format!("\"data\":[{}]", data.join(",")), "");
    request("Content-Type: application/json\r\n", body.as_bytes())
}

/// All tensors as binary data, as Triton's own client sends them.
pub(crate) fn binary() -> Vec<u8> {
    let numbers: Vec<u8> = sent().flat_map(i32::to_le_bytes).collect();
    let size = format!("\"parameters\":{{\"binary_data_size\":{}}}", numbers.len());
    let json = inputs(&size, ",\"parameters\":{\"binary_data_output\":true}");
    let header = format!(
        "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: {}\r\n",
        json.len()
    );
    let body = [json.as_bytes(), &numbers, &numbers].concat();
    request(&header, &body)
}

fn inputs(data: &str, behind: &str) -> String {
    let one = |name| {
        let head = format!("\"name\":\"{name}\",\"shape\":[1,{ELEMENTS}],\"datatype\":\"INT32\"");
        format!("{{{head},{data}}}")
    };
    format!("{{\"inputs\":[{}]{behind}}}", INPUTS.map(one).join(","))
}

fn request(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v2/models/{MODEL}/infer HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: bench/1.0\r\n\
         Accept: */*\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
