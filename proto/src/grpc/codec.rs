//! Messages of gRPC as bytes. prost does it; what it is not asked for is to look at a message first.
//!
//! An input or an output of two bytes is hundreds once it is decoded, so their number is checked
//! before that.

use bytes::Buf;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use prost::{Message, Name};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use crate::infer::check_length;
use crate::inference::ModelInferRequest;

/// The lists of a [`ModelInferRequest`]: inputs, outputs, and the inputs' data.
const LISTS: [u32; 3] = [5, 6, 7];

/// Encodes `T` and decodes `U`; the generated services are built on it.
pub struct Bounded<T, U>(ProstCodec<T, U>);

impl<T, U> Default for Bounded<T, U> {
    fn default() -> Self {
        Self(ProstCodec::default())
    }
}

impl<T, U> Codec for Bounded<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Name + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        self.0.encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(self.0.decoder())
    }
}

/// Refuses requests for inference with lists that are too long.
pub struct BoundedDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default + Name> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        if U::full_name() == ModelInferRequest::full_name() {
            // A message is in one piece: tonic collects it.
            check_lists(source.chunk()).map_err(Status::invalid_argument)?;
        }
        self.0.decode(source)
    }
}

/// Says why the lists of an encoded [`ModelInferRequest`] may not be so long. What is no message
/// is for the decoder to tell.
///
/// # Errors
/// When one of them is longer than [`crate::infer::LIST_LENGTH_MAX`].
pub fn check_lists(mut message: &[u8]) -> Result<(), String> {
    let mut lengths = LISTS.map(|_| 0);
    while let Ok((field, wire_type)) = decode_key(&mut message) {
        for (list, length) in LISTS.iter().zip(&mut lengths) {
            *length += usize::from(*list == field);
            check_length(*length)?;
        }
        if skip_field(wire_type, field, &mut message, DecodeContext::default()).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::infer::LIST_LENGTH_MAX;
    use crate::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};

    fn message(inputs: usize, outputs: usize, raw: usize) -> Vec<u8> {
        let message = ModelInferRequest {
            model_name: "m".to_owned(),
            inputs: vec![InferInputTensor::default(); inputs],
            outputs: vec![InferRequestedOutputTensor::default(); outputs],
            raw_input_contents: vec![Bytes::from_static(b"data"); raw],
            ..ModelInferRequest::default()
        };
        message.encode_to_vec()
    }

    #[test]
    fn lists_are_measured_before_they_are_decoded() {
        let most = LIST_LENGTH_MAX;
        let refused = Err("a request may list at most 1024 of anything".to_owned());
        assert_eq!(check_lists(&message(most, most, most)), Ok(()));
        for message in [message(most + 1, 0, 0), message(0, most + 1, 1), message(1, 1, most + 1)] {
            assert_eq!(check_lists(&message), refused);
        }
        // A list that goes on behind a fault is not decoded, either.
        assert_eq!(check_lists(b"\x2A\x00\x07"), Ok(()));
        assert_eq!(check_lists(b""), Ok(()));
    }
}
