//! Moves the data of a tensor to an aligned address, by a field in front that readers skip.
//!
//! A tensor lies in its message where names and ids leave it, mostly at an odd place, and an engine
//! would have to copy all of it. Readers of protobuf skip fields that they do not know.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Tensors are moved to a multiple of this, which is enough for every instruction set.
const ALIGNMENT: usize = 64;

/// `raw_input_contents` of a [`ModelInferRequest`](crate::inference::ModelInferRequest).
const DATA: u32 = 7;

/// The tag of bytes in field 15, which the message does not have; the last one of one byte.
const FILLER_TAG: u8 = 15 << 3 | 2;

/// Bytes of the tag and of the length.
const FILLER_BYTES_MIN: usize = 2;

/// Bytes of the longest filler.
pub const FILLER_BYTES_MAX: usize = ALIGNMENT + FILLER_BYTES_MIN - 1;

/// A field to be put in front of a `ModelInferRequest` that begins with `start`, and is to lie
/// `before` bytes behind an aligned address: so the data of its first tensor is aligned. `None` if
/// it is already, or does not begin within `start`.
pub fn filler(start: &[u8], before: usize) -> Option<Vec<u8>> {
    let place = before + first_data(start)?;
    let missing = place.next_multiple_of(ALIGNMENT) - place;
    let size = match missing {
        0 => return None,
        1..FILLER_BYTES_MIN => missing + ALIGNMENT,
        _ => missing,
    };
    let mut field = vec![0; size];
    field[0] = FILLER_TAG;
    field[1] = u8::try_from(size - FILLER_BYTES_MIN).ok()?;
    Some(field)
}

/// Where the data of the first tensor begins.
fn first_data(start: &[u8]) -> Option<usize> {
    let mut rest = start;
    while let Ok((field, wire_type)) = decode_key(&mut rest) {
        if (field, wire_type) == (DATA, WireType::LengthDelimited) {
            decode_varint(&mut rest).ok()?;
            return Some(start.len() - rest.len());
        }
        skip_field(wire_type, field, &mut rest, DecodeContext::default()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message as _;

    use super::*;
    use crate::inference::ModelInferRequest;

    const PREFIX: usize = 5;

    fn message(id: usize) -> ModelInferRequest {
        ModelInferRequest {
            id: "i".repeat(id),
            model_name: "m".to_owned(),
            raw_input_contents: vec![Bytes::from_static(&[7; 1_000])],
            ..ModelInferRequest::default()
        }
    }

    #[test]
    fn data_is_aligned_wherever_it_was_and_the_message_is_the_same() {
        let mut sizes = Vec::new();
        for id in 0..200 {
            let encoded = message(id).encode_to_vec();
            // All of the message need not be there.
            let field = filler(&encoded[..encoded.len() - 900], PREFIX).unwrap_or_default();
            sizes.push(field.len());
            let whole = Bytes::from([&[0; PREFIX][..], &field, &encoded].concat());
            let decoded = ModelInferRequest::decode(whole.slice(PREFIX..)).unwrap();
            assert_eq!(decoded, message(id));
            let data = decoded.raw_input_contents[0].as_ptr().addr();
            assert_eq!((data - whole.as_ptr().addr()) % ALIGNMENT, 0, "{id}");
        }
        sizes.sort_unstable();
        sizes.dedup();
        let possible: Vec<_> =
            [0].into_iter().chain(2..ALIGNMENT).chain([FILLER_BYTES_MAX]).collect();
        assert_eq!(sizes, possible);
    }

    #[test]
    fn what_has_no_data_within_its_beginning_is_left_as_it_is() {
        let encoded = message(9).encode_to_vec();
        for length in 0..encoded.len() - 1_001 {
            assert_eq!(filler(&encoded[..length], PREFIX), None, "{length}");
        }
        let without = ModelInferRequest { raw_input_contents: Vec::new(), ..message(9) };
        assert_eq!(filler(&without.encode_to_vec(), PREFIX), None);
        // A number in the field of the data, and no protobuf at all.
        assert_eq!(filler(&[7 << 3, 1], PREFIX), None);
        assert_eq!(filler(&[0xFF; 20], PREFIX), None);
    }
}
