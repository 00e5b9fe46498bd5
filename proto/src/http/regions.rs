//! Regions of shared memory: how a tensor says that it lies in one, and how a client registers one.

use nereid_backend::error::InferError;

use super::json::{Fault, Read, Reader};
use super::request::{field, into_error, missing, unsigned};
use crate::infer::RegionPart;

/// What the parameters of an input or an output say of shared memory, in any order.
#[derive(Default)]
pub(super) struct StatedPart {
    region: Option<String>,
    offset: u64,
    size_bytes: u64,
}

impl StatedPart {
    /// Reads the parameter `name`, whatever it is about.
    pub(super) fn read(&mut self, name: &str, reader: &mut Reader<'_>) -> Read<()> {
        match name {
            "shared_memory_region" => {
                self.region = Some(field(name, reader.string())?.into_owned());
            }
            "shared_memory_offset" => self.offset = field(name, unsigned(reader))?,
            "shared_memory_byte_size" => self.size_bytes = field(name, unsigned(reader))?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Whether a region was named.
    pub(super) fn is_there(&self) -> bool {
        self.region.is_some()
    }

    /// The part of it; what is not stated is 0.
    pub(super) fn part(self) -> Option<RegionPart> {
        let Self { region, offset, size_bytes } = self;
        Some(RegionPart { region: region?.into(), offset, size_bytes })
    }
}

/// A region of device memory that a client would like to register.
#[derive(Debug, PartialEq, Eq)]
pub struct CudaRegion {
    /// The handle of its memory, in base64.
    pub handle: String,
    /// The ordinal of its device.
    pub device_id: u64,
    /// How much of it.
    pub byte_size: u64,
}

/// Reads the body of a registration: `{"raw_handle":{"b64":"…"},"device_id":0,"byte_size":64}`.
///
/// # Errors
/// [`InferError::Invalid`], with Triton's texts.
pub fn cuda_region(body: &[u8]) -> Result<CudaRegion, InferError> {
    let mut reader = Reader::new(body);
    let (mut handle, mut device_id, mut byte_size) = (None, None, None);
    let read = reader.object(|reader, name| {
        match name {
            "raw_handle" => handle = Some(read_handle(reader)?),
            "device_id" => device_id = Some(field(name, unsigned(reader))?),
            "byte_size" => byte_size = Some(field(name, unsigned(reader))?),
            _ => reader.skip()?,
        }
        Ok(())
    });
    read.and_then(|()| reader.end()).map_err(into_error)?;
    Ok(CudaRegion {
        handle: handle.ok_or_else(|| no_field("raw_handle"))?,
        byte_size: byte_size.ok_or_else(|| no_field("byte_size"))?,
        device_id: device_id.ok_or_else(|| no_field("device_id"))?,
    })
}

fn read_handle(reader: &mut Reader<'_>) -> Read<String> {
    let mut text: Option<String> = None;
    reader.object(|reader, name| {
        match name {
            "b64" => text = Some(field(name, reader.string())?.into_owned()),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    text.ok_or_else(|| missing("b64"))
}

fn no_field(name: &str) -> InferError {
    into_error(Fault::Value(format!("Shared memory register request has no '{name}' field")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_has_a_handle_a_device_and_a_size() {
        let check = |body: &str, expected: Result<(&str, u64, u64), &str>| {
            let read = cuda_region(body.as_bytes()).map_err(|error| error.to_string());
            let expected = expected.map(|(handle, device_id, byte_size)| CudaRegion {
                handle: handle.to_owned(),
                device_id,
                byte_size,
            });
            assert_eq!(read, expected.map_err(str::to_owned), "{body}");
        };
        let body = r#"{"byte_size":64,"x":[],"raw_handle":{"b64":"AA==","y":1},"device_id":1}"#;
        check(body, Ok(("AA==", 1, 64)));
        let none = |name| format!("Shared memory register request has no '{name}' field");
        check("{}", Err(&none("raw_handle")));
        let handle = r#"{"raw_handle":{"b64":""}"#;
        check(&format!("{handle}}}"), Err(&none("byte_size")));
        check(&format!(r#"{handle},"byte_size":1}}"#), Err(&none("device_id")));
        check(
            r#"{"raw_handle":{}}"#,
            Err("Unable to parse 'b64': attempt to access non-existing object member 'b64'"),
        );
        check(
            &format!(r#"{handle},"byte_size":-1}}"#),
            Err("Unable to parse 'byte_size': attempt to access JSON non-unsigned-integer as \
                 unsigned-integer"),
        );
        check(r#"{"raw_handle":""}"#, Err("attempt to access JSON non-object as object"));
        check("", Err("failed to parse the request JSON buffer: The document is empty. at 0"));
    }
}
