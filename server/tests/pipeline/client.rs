//! What a client sends over HTTP, and gets.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};

const HEADER_LENGTH: &str = "Inference-Header-Content-Length";

/// One input of one row, and the outputs that are wanted, all as binary data.
#[derive(Clone)]
pub(crate) struct Asked {
    model: &'static str,
    input: Value,
    bytes: Vec<u8>,
    outputs: &'static [&'static str],
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The error, if it is one.
    pub(crate) error: String,
    outputs: BTreeMap<String, Bytes>,
}

impl Asked {
    /// A file for an ensemble, or a model of the image backend.
    pub(crate) fn image(
        model: &'static str,
        file: &[u8],
        outputs: &'static [&'static str],
    ) -> Self {
        let mut bytes = u32::try_from(file.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(file);
        Self::new(model, ("IMAGE", "BYTES", &[1, 1]), bytes, outputs)
    }

    /// Eight numbers for the model on the CPU.
    pub(crate) fn on_cpu() -> Self {
        let numbers = [0.0_f32, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0];
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Self::new("on_cpu", ("INPUT", "FP32", &[1, 8]), bytes, &["PROBABILITIES"])
    }

    fn new(
        model: &'static str,
        (name, datatype, shape): (&str, &str, &[usize]),
        bytes: Vec<u8>,
        outputs: &'static [&'static str],
    ) -> Self {
        let input = json!({
            "name": name, "datatype": datatype, "shape": shape,
            "parameters": { "binary_data_size": bytes.len() },
        });
        Self { model, input, bytes, outputs }
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let output = |name: &&str| json!({ "name": name, "parameters": { "binary_data": true } });
        let outputs: Vec<_> = self.outputs.iter().map(output).collect();
        let header = json!({ "inputs": [self.input], "outputs": outputs }).to_string();
        let body = [header.as_bytes(), &self.bytes].concat();
        Request::post(format!("/v2/models/{}/infer", self.model))
            .header(HEADER_LENGTH, header.len())
            .header("Content-Length", body.len())
            .body(Body::from(body))
            .unwrap()
    }
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let status = head.status.as_u16();
        let length = head.headers.get(HEADER_LENGTH).map(|length| length.to_str().unwrap());
        let length = length.map_or(body.len(), |length| length.parse().unwrap());
        let json: Value = serde_json::from_slice(&body[..length]).unwrap();
        let error = json["error"].as_str().unwrap_or_default().to_owned();
        let (mut outputs, mut start) = (BTreeMap::new(), length);
        for output in json["outputs"].as_array().unwrap_or(&Vec::new()) {
            let size = output["parameters"]["binary_data_size"].as_u64().unwrap();
            let end = start + usize::try_from(size).unwrap();
            let name = output["name"].as_str().unwrap().to_owned();
            outputs.insert(name, body.slice(start..end));
            start = end;
        }
        Self { status, error, outputs }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// The bytes of an output.
    pub(crate) fn output(&self, name: &str) -> &Bytes {
        self.outputs.get(name).unwrap_or_else(|| panic!("{}: {}", self.status, self.error))
    }

    /// The numbers of an output of FP32.
    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        let four = |four: &[u8]| f32::from_le_bytes(four.try_into().unwrap());
        self.output(name).chunks_exact(4).map(four).collect()
    }

    /// The numbers of an output of FP64.
    pub(crate) fn doubles(&self, name: &str) -> Vec<f64> {
        let eight = |eight: &[u8]| f64::from_le_bytes(eight.try_into().unwrap());
        self.output(name).chunks_exact(8).map(eight).collect()
    }

    /// Bytes of all outputs.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.outputs.values().map(|bytes| bytes.len() as u64).sum()
    }
}

/// A JPEG of this width and height.
pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let level = |value: u32| u8::try_from(value % 256).unwrap();
    let pixels: Vec<u8> = (0..u32::from(height))
        .flat_map(|y| (0..u32::from(width)).map(move |x| (x, y)))
        .flat_map(|(x, y)| [level(x / 5), level(y / 3), level((x + y) / 7)])
        .collect();
    let mut file = Vec::new();
    Encoder::new(&mut file, 90).encode(&pixels, width, height, ColorType::Rgb).unwrap();
    file
}
