//! Walks over a protobuf message without knowing its schema, jumping over what nobody asks for.
//!
//! A decoder that makes structs would read a model's weights into memory to tell its inputs. The
//! rules are those of "Encoding" in the protobuf documentation; groups are not supported, and ONNX
//! has none.

use std::io::{Error, ErrorKind, Read, Result, Seek};

/// A message's part of `source`.
pub(crate) struct Message<R> {
    source: R,
    /// Bytes of the message that are still to come, without those of `field`.
    left: u64,
    /// Bytes of the field that `next` told last.
    field: u64,
}

/// One field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A varint.
    Number(u64),
    /// A string, a message or packed numbers: [`Message::take`] or [`Message::enter`] reads it.
    Bytes,
    /// A number of fixed size, which no field of interest is.
    Fixed,
}

impl<R: Read + Seek> Message<R> {
    /// A message that is the next `size` bytes of `source`.
    pub(crate) fn new(source: R, size: u64) -> Self {
        Self { source, left: size, field: 0 }
    }

    /// The next field's number and value, or `None` at the end.
    ///
    /// # Errors
    /// When this is no protobuf message.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value)>> {
        let skip = i64::try_from(self.field).map_err(|_| malformed("a field is too long"))?;
        self.source.seek_relative(skip)?;
        self.field = 0;
        if self.left == 0 {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.claim(8, Value::Fixed)?,
            2 => {
                let size = self.varint()?;
                self.claim(size, Value::Bytes)?
            }
            5 => self.claim(4, Value::Fixed)?,
            _ => return Err(malformed("a field has an unknown wire type")),
        };
        Ok(Some((key >> 3, value)))
    }

    /// The bytes of the field that `next` told last.
    ///
    /// # Errors
    /// When there are more than `size_max`, or the source ends early.
    pub(crate) fn take(&mut self, size_max: usize) -> Result<Vec<u8>> {
        let size = usize::try_from(self.field).ok().filter(|&size| size <= size_max);
        let size = size.ok_or_else(|| malformed("a name or a type is too long"))?;
        self.field = 0;
        let mut bytes = vec![0; size];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The field that `next` told last as a message, which must be walked to its end.
    pub(crate) fn enter(&mut self) -> Message<&mut R> {
        let size = std::mem::take(&mut self.field);
        Message::new(&mut self.source, size)
    }

    fn claim(&mut self, size: u64, value: Value) -> Result<Value> {
        let left = self.left.checked_sub(size);
        self.left = left.ok_or_else(|| malformed("a field is longer than its message"))?;
        self.field = size;
        Ok(value)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let left = self.left.checked_sub(1);
            self.left = left.ok_or_else(|| malformed("a number ends after its message"))?;
            let mut byte = [0];
            self.source.read_exact(&mut byte)?;
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err(malformed("a number is too long"))
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
