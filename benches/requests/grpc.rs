//! A client of gRPC that writes frames of HTTP/2 (RFC 9113) by itself, so that next to nothing of what
//! runs is its own. Its headers are those of a stock client: sent in full once, and by their index in
//! the table of RFC 7541 from then on.

use anyhow::ensure;
use nereid_proto::inference::ModelInferRequest;
use nereid_proto::inference::model_infer_request::InferInputTensor;
use prost::Message as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::{ELEMENTS, INPUTS, MODEL, sent};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;

/// Types of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

/// Flags; an acknowledgement and the end of a stream are the same one.
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:method: POST` and `:scheme: http` in the static table.
const FIXED: [u8; 2] = [0x83, 0x86];
/// The other headers by their index in the dynamic table, which begins at 62 with the newest.
const INDEXED: [u8; 6] = [0x80 + 67, 0x80 + 66, 0x80 + 65, 0x80 + 64, 0x80 + 63, 0x80 + 62];

/// A connection, and what is sent over it.
pub(crate) struct Connection {
    stream: TcpStream,
    message: Vec<u8>,
    received: Vec<u8>,
    next_id: u32,
}

impl Connection {
    /// Begins to speak HTTP/2.
    pub(crate) async fn open(mut stream: TcpStream) -> anyhow::Result<Self> {
        let mut opening = PREFACE.to_vec();
        frame(&mut opening, SETTINGS, 0, 0, &[]);
        // More than all answers together, so that it is never waited for.
        let window = (1_u32 << 30).to_be_bytes();
        frame(&mut opening, WINDOW_UPDATE, 0, 0, &window);
        stream.write_all(&opening).await?;
        Ok(Self { stream, message: message()?, received: Vec::new(), next_id: 1 })
    }

    /// Calls the method, and waits for the messages of its answer.
    pub(crate) async fn ask(&mut self) -> anyhow::Result<Vec<u8>> {
        let id = self.next_id;
        self.next_id += 2;
        let headers = if id == 1 { literals() } else { [&FIXED[..], &INDEXED].concat() };
        let mut call = Vec::new();
        frame(&mut call, HEADERS, END_HEADERS, id, &headers);
        frame(&mut call, DATA, END_STREAM, id, &self.message);
        self.stream.write_all(&call).await?;
        let mut answer = Vec::new();
        loop {
            let (kind, flags, payload) = self.receive().await?;
            match kind {
                SETTINGS | PING if flags & ACK == 0 => {
                    let mut acknowledged = Vec::new();
                    let echoed = if kind == PING { &payload[..] } else { &[] };
                    frame(&mut acknowledged, kind, ACK, 0, echoed);
                    self.stream.write_all(&acknowledged).await?;
                }
                DATA => answer.extend(payload),
                HEADERS if flags & END_STREAM != 0 => return Ok(answer),
                _ => {}
            }
        }
    }

    /// The type, the flags and the payload of the next frame.
    async fn receive(&mut self) -> anyhow::Result<(u8, u8, Vec<u8>)> {
        loop {
            if let Some((head, behind)) = self.received.split_first_chunk::<FRAME_HEAD>() {
                let [high, middle, low, kind, flags, ..] = *head;
                let length = usize::try_from(u32::from_be_bytes([0, high, middle, low]))?;
                if let Some(payload) = behind.get(..length) {
                    let payload = payload.to_vec();
                    self.received.drain(..FRAME_HEAD + length);
                    return Ok((kind, flags, payload));
                }
            }
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the server went away");
        }
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, id: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend(&length[1..]);
    out.extend([kind, flags]);
    out.extend(id.to_be_bytes());
    out.extend(payload);
}

/// The request's message, behind its prefix.
fn message() -> anyhow::Result<Vec<u8>> {
    let input = |name: &str| InferInputTensor {
        name: name.to_owned(),
        datatype: "INT32".to_owned(),
        shape: vec![1, i64::from(ELEMENTS)],
        ..InferInputTensor::default()
    };
    let numbers: Vec<u8> = sent().flat_map(i32::to_le_bytes).collect();
    let request = ModelInferRequest {
        model_name: MODEL.to_owned(),
        inputs: INPUTS.map(input).to_vec(),
        raw_input_contents: INPUTS.map(|_| numbers.clone().into()).to_vec(),
        ..ModelInferRequest::default()
    };
    let encoded = request.encode_to_vec();
    let length = u32::try_from(encoded.len())?.to_be_bytes();
    Ok([&[0], &length[..], &encoded].concat())
}

/// The headers in full, each to be put into the dynamic table.
fn literals() -> Vec<u8> {
    let mut block = FIXED.to_vec();
    // The names that have an index in the static table: :path, :authority, content-type.
    literal(&mut block, 4, "", "/inference.GRPCInferenceService/ModelInfer");
    literal(&mut block, 1, "", "localhost:8001");
    literal(&mut block, 31, "", "application/grpc");
    literal(&mut block, 0, "te", "trailers");
    literal(&mut block, 58, "", "grpc-python/1.66.1 grpc-c/43.0.0 (linux; chttp2)"); // user-agent
    literal(&mut block, 0, "grpc-accept-encoding", "identity, deflate, gzip");
    block
}

fn literal(block: &mut Vec<u8>, index: u8, name: &str, value: &str) {
    block.push(0x40 | index);
    let texts = [name, value].into_iter().filter(|text| !text.is_empty());
    for text in texts {
        block.push(u8::try_from(text.len()).unwrap_or(u8::MAX)); // All are shorter.
        block.extend(text.bytes());
    }
}
