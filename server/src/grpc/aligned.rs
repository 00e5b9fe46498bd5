//! Lets a big message begin so that its tensor is received at an aligned address, and is not copied
//! for an engine. tonic collects a message in one buffer, which starts aligned, behind the message's
//! prefix.

use bytes::Bytes;
use nereid_proto::grpc::{FILLER_BYTES_MAX, filler};

use crate::grpc::framing::{PREFIX_BYTES, message_length};

/// To copy a smaller tensor takes less than it is worth.
const BIG_BYTES_MIN: usize = 64 << 10;

/// What a body of `ModelInfer` is to begin with instead of `data`, if its tensor would not be
/// aligned. The message stays one that may have `size_max` bytes.
pub(super) fn aligned(data: &[u8], size_max: usize) -> Option<Bytes> {
    let (prefix, start) = data.split_first_chunk::<PREFIX_BYTES>()?;
    let length = message_length(*prefix);
    let is_compressed = prefix[0] != 0;
    if is_compressed || length < BIG_BYTES_MIN || length > size_max.saturating_sub(FILLER_BYTES_MAX)
    {
        return None;
    }
    let filler = filler(start, PREFIX_BYTES)?;
    let length = u32::try_from(length + filler.len()).ok()?;
    Some([&[0], &length.to_be_bytes()[..], &filler, start].concat().into())
}

#[cfg(test)]
mod tests {
    use nereid_proto::inference::ModelInferRequest;
    use prost::Message as _;

    use super::*;

    /// A body of one message with a tensor of so many bytes.
    fn body(flag: u8, size_bytes: usize) -> Vec<u8> {
        let message = ModelInferRequest {
            model_name: "m".to_owned(),
            raw_input_contents: vec![vec![7; size_bytes].into()],
            ..ModelInferRequest::default()
        };
        let message = message.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], &message].concat()
    }

    #[test]
    fn a_big_message_is_longer_by_what_moves_its_tensor() {
        let body = body(0, BIG_BYTES_MIN);
        let begun = aligned(&body[..100], usize::MAX).unwrap();
        let (prefix, message) = begun.split_first_chunk::<PREFIX_BYTES>().unwrap();
        let added = begun.len() - 100;
        assert_eq!(message_length(*prefix), body.len() - PREFIX_BYTES + added);
        let whole = [message, &body[100..]].concat();
        let data = ModelInferRequest::decode(&whole[..]).unwrap();
        assert_eq!(data.raw_input_contents, [vec![7; BIG_BYTES_MIN]]);
    }

    #[test]
    fn others_are_left_as_they_are() {
        let (big, small) = (body(0, BIG_BYTES_MIN), body(0, BIG_BYTES_MIN - 100));
        let length = big.len() - PREFIX_BYTES;
        assert!(aligned(&big, length + FILLER_BYTES_MAX).is_some());
        assert_eq!(aligned(&big, length + FILLER_BYTES_MAX - 1), None);
        assert_eq!(aligned(&small, usize::MAX), None);
        assert_eq!(aligned(&body(1, BIG_BYTES_MIN), usize::MAX), None);
        assert_eq!(aligned(&big[..PREFIX_BYTES - 1], usize::MAX), None);
    }
}
