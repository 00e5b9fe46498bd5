//! nvJPEG on each device, opened when the first instance wants it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_kernels::device::Stream;
use nereid_kernels::nvjpeg::{Decoder, Nvjpeg, NvjpegError};

use crate::options::JpegDecoder;

/// What came of opening it on each device.
#[derive(Default)]
pub(crate) struct Nvjpegs(Mutex<HashMap<DeviceId, Result<Nvjpeg, NvjpegError>>>);

impl Nvjpegs {
    /// What decodes JPEGs by work of `stream`; `None` is the CPU.
    ///
    /// # Errors
    /// Where there has to be nvJPEG and is none: why.
    pub(crate) fn decoder(
        &self,
        wanted: JpegDecoder,
        stream: &Stream,
    ) -> Result<Option<Decoder>, LoadError> {
        if wanted == JpegDecoder::Cpu {
            return Ok(None);
        }
        let opened = self.open(stream).and_then(|nvjpeg| Decoder::new(&nvjpeg, stream));
        match (opened, wanted) {
            (Ok(decoder), _) => Ok(Some(decoder)),
            (Err(_), JpegDecoder::Auto) => Ok(None),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Says once for each device who decodes there.
    fn open(&self, stream: &Stream) -> Result<Nvjpeg, NvjpegError> {
        let device = stream.device();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            let opened = Nvjpeg::open(device);
            match &opened {
                Ok(nvjpeg) => tracing::info!("JPEGs are decoded by {nvjpeg}"),
                Err(error) => {
                    tracing::warn!("JPEGs for {} are decoded on the CPU: {error}", device.id());
                }
            }
            opened
        };
        all.entry(device.id()).or_insert_with(open).clone()
    }
}
