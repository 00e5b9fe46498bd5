//! What nvJPEG answers when something went wrong, for people.

use std::fmt;

use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;

use crate::device::DeviceError;

/// Why there is no nvJPEG on a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NvjpegError {
    /// There is no such library.
    #[error(
        "nvJPEG was not found ({0}); install the one of CUDA 11, 12 or 13, such as PyPI's nvidia-nvjpeg-cu12, \
         where the loader looks for it"
    )]
    NoLibrary(String),
    /// It is of another version.
    #[error("{library} lacks {function}; install nvJPEG of CUDA 11, 12 or 13")]
    Lacks {
        /// The file's name.
        library: &'static str,
        /// What is not in it.
        function: &'static str,
    },
    /// A call that failed, with its meaning.
    #[error("nvJPEG: {0}")]
    Call(String),
    /// None of its decoders starts.
    #[error("nvJPEG {version} has no decoder for {device}: {reasons}")]
    NoBackend {
        /// Major and minor.
        version: String,
        /// Where.
        device: DeviceId,
        /// What each said.
        reasons: String,
    },
    /// The device's own error.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl From<NvjpegError> for LoadError {
    fn from(error: NvjpegError) -> Self {
        Self::new(error.to_string())
    }
}

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The function's name in `nvjpeg.h`.
    pub(super) call: &'static str,
    /// `nvjpegStatus_t`.
    pub(super) status: i32,
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

pub(super) const NVJPEG_STATUS_INVALID_PARAMETER: i32 = 2;

/// Name and meaning of each `nvjpegStatus_t` from 1 on.
const STATUSES: [(&str, &str); 10] = [
    ("NVJPEG_STATUS_NOT_INITIALIZED", "it was not initialised"),
    ("NVJPEG_STATUS_INVALID_PARAMETER", "an argument is wrong"),
    ("NVJPEG_STATUS_BAD_JPEG", "the file breaks the format's rules"),
    ("NVJPEG_STATUS_JPEG_NOT_SUPPORTED", "the file is of a kind that it does not decode"),
    ("NVJPEG_STATUS_ALLOCATOR_FAILURE", "it got no memory"),
    ("NVJPEG_STATUS_EXECUTION_FAILED", "its work on the device failed"),
    ("NVJPEG_STATUS_ARCH_MISMATCH", "this device does not have what it needs"),
    ("NVJPEG_STATUS_INTERNAL_ERROR", "it failed in itself"),
    ("NVJPEG_STATUS_IMPLEMENTATION_NOT_SUPPORTED", "its decoder does not do this"),
    ("NVJPEG_STATUS_INCOMPLETE_BITSTREAM", "the file ends before the image does"),
];

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = usize::try_from(self.status).ok().and_then(|status| status.checked_sub(1));
        match place.and_then(|place| STATUSES.get(place)) {
            Some((name, meaning)) => write!(f, "{}: {name} ({meaning})", self.call),
            None => write!(f, "{}: status {}, which nvjpeg.h has not", self.call, self.status),
        }
    }
}

impl From<Failure> for NvjpegError {
    fn from(failure: Failure) -> Self {
        Self::Call(failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_text() {
        let text = |status| Failure { call: "nvjpegDecode", status }.to_string();
        for (status, (name, meaning)) in (1..).zip(STATUSES) {
            assert_eq!(text(status), format!("nvjpegDecode: {name} ({meaning})"));
        }
        for status in [-1, 0, 11] {
            let expected = format!("nvjpegDecode: status {status}, which nvjpeg.h has not");
            assert_eq!(text(status), expected);
        }
    }
}
