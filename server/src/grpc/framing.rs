//! Where a body is among its messages: within one its client must go on, between two it may rest.
//!
//! "gRPC over HTTP2": before each message is one byte that says whether it is compressed, and its
//! length in four.

/// Bytes before a message.
pub const PREFIX_BYTES: usize = 5;

/// The length of the message behind this prefix.
pub fn message_length(prefix: [u8; PREFIX_BYTES]) -> usize {
    let [_, length @ ..] = prefix;
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

/// Follows the messages of a body.
#[derive(Default)]
pub struct Framing {
    prefix: [u8; PREFIX_BYTES],
    /// How many bytes of the prefix have come.
    filled: usize,
    /// How many bytes of the message are to come.
    left: usize,
}

impl Framing {
    /// Whether all that has come are whole messages.
    pub fn is_between_messages(&self) -> bool {
        self.filled == 0 && self.left == 0
    }

    /// Takes note of what has come.
    pub fn pass(&mut self, mut data: &[u8]) {
        while let Some((&byte, behind)) = data.split_first() {
            if self.left > 0 {
                let (_, behind) = data.split_at(self.left.min(data.len()));
                self.left -= data.len() - behind.len();
                data = behind;
                continue;
            }
            if let Some(place) = self.prefix.get_mut(self.filled) {
                *place = byte;
            }
            self.filled += 1;
            data = behind;
            if self.filled == PREFIX_BYTES {
                self.left = message_length(self.prefix);
                self.filled = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let body = b"\0\0\0\0\x02ab\x01\0\0\0\0\0\0\0\x01\0";
        // A length of 256 at the end, of which nothing comes.
        let boundaries = [0, 7, 12];
        for step in 1..=body.len() {
            let mut framing = Framing::default();
            let mut at = 0;
            for data in body.chunks(step) {
                assert_eq!(framing.is_between_messages(), boundaries.contains(&at), "{at} {step}");
                framing.pass(data);
                at += data.len();
            }
            assert!(!framing.is_between_messages());
        }
    }
}
