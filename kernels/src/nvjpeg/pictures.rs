//! Pictures one by one, in the three phases of nvJPEG: on the host to pinned memory, to the device, and on
//! the device. A bad file fails in the first one, and no other file knows of it.

use std::sync::Arc;

use nereid_backend::observer::{Copy, CopyCounter};

use super::busy::Busy;
use super::decoder::allocate;
use super::status::{Failure, Result};
use super::sys::{
    DecoderObject, DeviceBufferObject, File, Image, Library, NVJPEG_BACKEND_DEFAULT,
    NVJPEG_BACKEND_GPU_HYBRID, ParamsObject, ParserObject, PinnedBufferObject, StateObject,
};
use super::{Backend, Encoded, Outcome, header};
use crate::device::{Allocation, DeviceError, Stream};

/// What decodes a file at a time, and the next one beside it.
pub(super) struct Pictures {
    lanes: [Lane; 2],
    turn: usize,
    decoder: Shared,
}

/// What both lanes use, which no work on the device does.
struct Shared {
    backend: Backend,
    decoder: DecoderObject,
    params: ParamsObject,
}

/// A state with its memory. In the order in which they may be dropped.
struct Lane {
    busy: Busy,
    state: StateObject,
    parser: ParserObject,
    _device: DeviceBufferObject,
    _pinned: PinnedBufferObject,
}

impl Pictures {
    pub(super) fn new(library: &Arc<Library>, backend: Backend) -> Result<Self> {
        let number = match backend {
            Backend::GpuHybrid => NVJPEG_BACKEND_GPU_HYBRID,
            Backend::Hardware | Backend::Default => NVJPEG_BACKEND_DEFAULT,
        };
        let (decoder, params) =
            (DecoderObject::create(library, number)?, ParamsObject::create(library)?);
        let lane = || Lane::new(library, &decoder);
        let lanes = [lane()?, lane()?];
        Ok(Self { lanes, turn: 0, decoder: Shared { backend, decoder, params } })
    }

    /// Enqueues the decoding of one file.
    ///
    /// # Errors
    /// When there is no memory for its pixels, or the device is lost.
    pub(super) fn decode(
        &mut self,
        encoded: &Encoded<'_>,
        stream: &Stream,
        copies: &CopyCounter,
    ) -> std::result::Result<Outcome, DeviceError> {
        self.turn = 1 - self.turn;
        let Lane { state, parser, busy, .. } = &mut self.lanes[self.turn];
        busy.wait()?;
        let (file, uploaded_bytes) = match self.decoder.accept(parser, encoded) {
            Ok(accepted) => accepted,
            Err(why) => return Ok(Outcome::Refused(why)),
        };
        let pixels = match allocate(stream, encoded.size)? {
            Ok(pixels) => pixels,
            Err(why) => return Ok(Outcome::Refused(why)),
        };
        let uploaded = self.decoder.upload(state, file, stream);
        if uploaded.is_ok() {
            copies.add(Copy::HostToDevice, uploaded_bytes);
        }
        let image = Image::interleaved(pixels.address(), encoded.size.0);
        let enqueued = uploaded.and_then(|()| self.decoder.draw(state, image, &pixels));
        if let Err(failure) = enqueued {
            busy.until(stream.record()?);
            return Ok(Outcome::Refused(failure.to_string()));
        }
        let pixels = pixels.ready()?;
        busy.until(pixels.ready().cloned());
        Ok(Outcome::Decoded(pixels))
    }
}

impl Lane {
    fn new(library: &Arc<Library>, decoder: &DecoderObject) -> Result<Self> {
        let device = DeviceBufferObject::create(library)?;
        let pinned = PinnedBufferObject::create(library)?;
        Ok(Self {
            state: StateObject::of_pictures(decoder, &device, &pinned)?,
            parser: ParserObject::create(library)?,
            _device: device,
            _pinned: pinned,
            busy: Busy::default(),
        })
    }
}

impl Shared {
    /// Reads the header of a file that can be decoded.
    fn accept<'a>(
        &self,
        parser: &'a mut ParserObject,
        encoded: &Encoded<'a>,
    ) -> std::result::Result<(File<'a>, usize), String> {
        let told = |failure: Failure| failure.to_string();
        let file = parser.parse(encoded.bytes).map_err(told)?;
        let uploaded_bytes = header::check(file, encoded.size, self.backend)?;
        if !self.decoder.takes(file, &self.params).map_err(told)? {
            return Err(format!("nvJPEG's {} does not decode its kind", self.backend));
        }
        Ok((file, uploaded_bytes))
    }

    /// Reads the file on the host, and brings what comes of it to the device: the first two phases.
    #[allow(unsafe_code)]
    fn upload(&self, state: &mut StateObject, file: File<'_>, stream: &Stream) -> Result<()> {
        let Self { decoder, params, .. } = self;
        // SAFETY: the lane was waited for.
        unsafe { state.decode_to_pinned(decoder, params, file) }?;
        state.decode_to_device(decoder, file, stream.handle())
    }

    /// The last phase, to an image in `pixels`, by the stream that is its home.
    #[allow(unsafe_code)]
    fn draw(&self, state: &mut StateObject, image: Image, pixels: &Allocation) -> Result<()> {
        // SAFETY: the allocation has room for all rows, and this is its home.
        unsafe { state.decode_to_image(&self.decoder, image, pixels.home().handle()) }
    }
}
