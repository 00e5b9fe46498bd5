//! The library on one device: which of its decoders works there.

use std::fmt;
use std::sync::Arc;

use nereid_backend::device::DeviceId;

use super::NvjpegError;
use super::status::{NVJPEG_STATUS_INVALID_PARAMETER, Result};
use super::sys::{
    Functions, Library, NVJPEG_BACKEND_DEFAULT, NVJPEG_BACKEND_GPU_HYBRID, NVJPEG_BACKEND_HARDWARE,
    NVJPEG_FLAGS_BITSTREAM_STRICT, NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION,
};
use crate::device::Device;

/// What decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A unit of the GPU that does nothing else. It takes baseline files with all colours in one scan.
    Hardware,
    /// Kernels; of progressive files the host decodes the Huffman codes.
    GpuHybrid,
    /// The host decodes the Huffman codes, and coefficients are uploaded.
    Default,
}

/// The best first.
const BACKENDS: [(Backend, i32); 3] = [
    (Backend::Hardware, NVJPEG_BACKEND_HARDWARE),
    (Backend::GpuHybrid, NVJPEG_BACKEND_GPU_HYBRID),
    (Backend::Default, NVJPEG_BACKEND_DEFAULT),
];

/// nvJPEG on one device, for all that decode there. Cloning shares it.
#[derive(Clone)]
pub struct Nvjpeg(Arc<Shared>);

struct Shared {
    device: DeviceId,
    version: (i32, i32),
    backend: Backend,
    library: Arc<Library>,
}

impl Nvjpeg {
    /// Opens the library on a device, with the best decoder that works there.
    ///
    /// # Errors
    /// Where there is no library, an older one, or none of its decoders works: one line.
    pub fn open(device: &Device) -> std::result::Result<Self, NvjpegError> {
        let functions = Arc::new(Functions::open()?);
        device.enter()?;
        let version = functions.version()?;
        let mut reasons = Vec::new();
        for (backend, number) in BACKENDS {
            match create(&functions, device, number) {
                Ok(library) => {
                    let (device, library) = (device.id(), Arc::new(library));
                    return Ok(Self(Arc::new(Shared { device, version, backend, library })));
                }
                Err(failure) => reasons.push(format!("{backend}: {failure}")),
            }
        }
        let (major, minor) = version;
        Err(NvjpegError::NoBackend {
            version: format!("{major}.{minor}"),
            device: device.id(),
            reasons: reasons.join("; "),
        })
    }

    /// Where it decodes to.
    pub fn device(&self) -> DeviceId {
        self.0.device
    }

    /// Its own version, major and minor, such as 12 and 4.
    pub fn version(&self) -> (i32, i32) {
        self.0.version
    }

    /// What decodes there.
    pub fn backend(&self) -> Backend {
        self.0.backend
    }

    pub(super) fn library(&self) -> &Arc<Library> {
        &self.0.library
    }
}

/// Older libraries do not know how to enlarge chroma smoothly.
fn create(functions: &Arc<Functions>, device: &Device, backend: i32) -> Result<Library> {
    let strict = NVJPEG_FLAGS_BITSTREAM_STRICT;
    let smooth = strict | NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION;
    match Library::create(functions, device, backend, smooth) {
        Err(failure) if failure.status == NVJPEG_STATUS_INVALID_PARAMETER => {
            Library::create(functions, device, backend, strict)
        }
        created => created,
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hardware => "hardware decoder",
            Self::GpuHybrid => "decoder by kernels",
            Self::Default => "decoder by host and kernels",
        })
    }
}

impl fmt::Display for Nvjpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version();
        write!(f, "nvJPEG {major}.{minor} on {}, {}", self.device(), self.backend())
    }
}

impl fmt::Debug for Nvjpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
