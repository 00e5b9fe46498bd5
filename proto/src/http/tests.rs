//! Properties of the whole codec, over random requests and responses. The seeds are fixed: what
//! fails once fails again.

use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::data_type::DataType;
use nereid_backend::tensor::{Storage, Tensor};
use serde_json::Value;

use super::*;
use crate::infer::Input;

/// The generator `SplitMix64` of Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| self.byte()).collect()
    }

    fn string(&mut self) -> String {
        let length = self.below(6);
        let character = |_| match self.below(4) {
            0 => char::from_u32(self.word() % 0x11_0000).unwrap_or('\u{fffd}'),
            1 => char::from(self.byte() % 0x20),
            2 => ['"', '\\', '/', '\u{7f}'][self.below(4)],
            _ => char::from(b'a' + self.byte() % 26),
        };
        (0..length).map(character).collect()
    }

    /// A tensor of `data_type` with any bits, but of no float that is no number: of those only the
    /// name comes back.
    fn tensor(&mut self, data_type: DataType) -> Tensor {
        let shape = vec![self.below(4), self.below(4)];
        let count = shape[0] * shape[1];
        let bytes = match data_type {
            DataType::Bytes => {
                let strings: Vec<_> = (0..count).map(|_| self.string()).collect();
                return Tensor::from_strings(shape, &strings).unwrap();
            }
            DataType::Bool => (0..count).map(|_| self.byte() & 1).collect(),
            DataType::Fp32 => {
                let values = (0..count).map(|_| f32::from_bits(self.word()));
                let values = values.map(|value| if value.is_nan() { 0.5 } else { value });
                values.flat_map(f32::to_le_bytes).collect()
            }
            DataType::Fp64 => {
                let values = (0..count).map(|_| f64::from_bits(self.next()));
                let values = values.map(|value| if value.is_nan() { 0.5 } else { value });
                values.flat_map(f64::to_le_bytes).collect()
            }
            other => self.bytes(count * other.size_bytes().unwrap()),
        };
        Tensor::new(data_type, shape, Storage::Host(bytes.into())).unwrap()
    }
}

const TYPES: [DataType; 12] = [
    DataType::Bool,
    DataType::Uint8,
    DataType::Uint16,
    DataType::Uint32,
    DataType::Uint64,
    DataType::Int8,
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::Fp32,
    DataType::Fp64,
    DataType::Bytes,
];

/// An output for each type, with random values; some are binary.
fn outputs(random: &mut Random) -> Vec<(Arc<str>, Tensor, bool)> {
    let output = |data_type: DataType| {
        (data_type.name().into(), random.tensor(data_type), random.below(3) == 0)
    };
    TYPES.map(output).into()
}

/// The response as a body, and how much of it is JSON.
fn body(outputs: &[(Arc<str>, Tensor, bool)]) -> (Vec<u8>, usize) {
    let response = InferResponse { id: "7", model: "m", version: 1, outputs, placed: &[] };
    let Encoded { header, binary } = encode(&response).unwrap();
    ([&*header, &binary.concat()].concat(), header.len())
}

/// The same as a request: what a server sends to clients, clients send to servers, but for a name.
fn request(outputs: &[(Arc<str>, Tensor, bool)]) -> (Vec<u8>, usize) {
    let (body, length) = body(outputs);
    let (header, binary) = body.split_at(length);
    let header = String::from_utf8(header.to_vec()).unwrap();
    let header = header.replacen("\"outputs\":", "\"inputs\":", 1);
    ([header.as_bytes(), binary].concat(), header.len())
}

#[test]
fn what_is_encoded_is_decoded_to_the_same_bytes() {
    let mut random = Random(2);
    for _ in 0..200 {
        let outputs = outputs(&mut random);
        let (body, length) = request(&outputs);
        let request = decode(&body.into(), Some(length), "m").unwrap();
        assert_eq!(request.inputs.len(), outputs.len());
        for (input, (name, tensor, _)) in request.inputs.iter().zip(&outputs) {
            let (data_type, data) = (tensor.data_type(), tensor.host_bytes().unwrap());
            assert_eq!(*input, Input::new(name.to_string(), data_type, tensor.shape(), data));
        }
    }
}

/// Our own reader could share a mistake with our writer.
#[test]
fn what_is_encoded_is_json_to_others() {
    let mut random = Random(3);
    for _ in 0..200 {
        let outputs: Vec<_> = outputs(&mut random)
            .into_iter()
            .filter(|(_, tensor, _)| !has_infinity(tensor))
            .map(|(name, tensor, _)| (name, tensor, false))
            .collect();
        let (body, _) = body(&outputs);
        let read: Value = serde_json::from_slice(&body).unwrap();
        for (index, (name, tensor, _)) in outputs.iter().enumerate() {
            let output = &read["outputs"][index];
            assert_eq!(output["name"], **name);
            assert_eq!(output["datatype"], tensor.data_type().name());
            assert_eq!(output["shape"], Value::from(tensor.shape()));
            let data = output["data"].as_array().unwrap();
            assert_eq!(data.len(), tensor.elements());
            check(tensor, data);
        }
    }
}

fn has_infinity(tensor: &Tensor) -> bool {
    let single = tensor.values::<f32>().unwrap_or_default().iter();
    let double = tensor.values::<f64>().unwrap_or_default().iter();
    single.map(|&value| f64::from(value)).chain(double.copied()).any(f64::is_infinite)
}

/// Compares what a JSON parser made of `tensor` with what is in it.
fn check(tensor: &Tensor, data: &[Value]) {
    let bytes = tensor.host().unwrap();
    let mut strings = tensor.strings();
    for (index, value) in data.iter().enumerate() {
        let size = tensor.data_type().size_bytes().unwrap_or(0);
        let element = &bytes[index * size..(index + 1) * size];
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(element);
        let unsigned = u64::from_le_bytes(wide);
        match tensor.data_type() {
            DataType::Bool => assert_eq!(value, (unsigned == 1)),
            DataType::Bytes => {
                let string = strings.as_mut().and_then(Iterator::next).unwrap();
                assert_eq!(value.as_str().unwrap().as_bytes(), string);
            }
            DataType::Fp32 => {
                let expected = f64::from(f32::from_le_bytes(element.try_into().unwrap()));
                close(value, expected, f64::from(f32::EPSILON));
            }
            // The parser is not exact to the last bit.
            DataType::Fp64 => close(value, f64::from_bits(unsigned), 4.0 * f64::EPSILON),
            DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => {
                assert_eq!(value.as_u64(), Some(unsigned));
            }
            _ => {
                let unused = 64 - 8 * u32::try_from(size).unwrap();
                assert_eq!(value.as_i64(), Some((unsigned << unused).cast_signed() >> unused));
            }
        }
    }
}

#[track_caller]
fn close(value: &Value, expected: f64, tolerance: f64) {
    let actual = value.as_f64().unwrap();
    let distance = (actual - expected).abs();
    assert!(distance <= expected.abs() * tolerance + f64::MIN_POSITIVE, "{actual} {expected}");
}

/// Damaged bodies are refused, or mean something else, but nothing panics, and what is taken is
/// what its shape says.
#[test]
fn damaged_bodies_do_no_harm() {
    let mut random = Random(4);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..300 {
        let (whole, length) = request(&outputs(&mut random));
        for _ in 0..40 {
            let mut body = whole.clone();
            let mut length = length;
            for _ in 0..=random.below(3) {
                damage(&mut random, &mut body, &mut length);
            }
            let body = Bytes::from(body);
            match decode(&body, Some(length), "m") {
                Ok(request) => {
                    taken += 1;
                    assert!(
                        request.inputs.iter().all(|input| input.sent().len() <= body.len() * 4)
                    );
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    // Neither is rare, so both were tested.
    assert!(taken > 100 && refused > 100, "{taken} {refused}");
}

/// Deletes, inserts or replaces bytes, or tells another length of the JSON.
fn damage(random: &mut Random, body: &mut Vec<u8>, length: &mut usize) {
    const LIKELY: &[u8] = b"{}[]\",:\\u0-9.eNI \n\x00\xff\xd8";
    let at = random.below(body.len().max(1));
    let end = (at + random.below(8)).min(body.len());
    let byte =
        if random.below(2) == 0 { random.byte() } else { LIKELY[random.below(LIKELY.len())] };
    match random.below(8) {
        0 => drop(body.drain(at.min(end)..end)),
        1 => body.truncate(at),
        2 => *length = random.below(body.len() * 2 + 1),
        3 => body.extend_from_within(at.min(end)..end),
        4 | 5 => body.insert(at, byte),
        _ => body.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
    }
}
