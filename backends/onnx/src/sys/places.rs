//! Where a session reads its inputs and makes its outputs. It is asked, since tensors that it is given
//! elsewhere are copied unasked, or, where it cannot do that, end the process.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use ort::session::Session;
use ort::sys::{OrtDeviceMemoryType, OrtMemoryInfo, OrtMemoryInfoDeviceType};
use ort::{AsPointer, Error, Result, ortsys};

use crate::model::failed;

/// On which side a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory of the host.
    Host,
    /// In memory of the session's device.
    Device,
}

/// A session's description of a device's memory. It is the session's, and read only.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionMemory(NonNull<OrtMemoryInfo>);

// SAFETY: it is read only, and of no thread.
unsafe impl Send for SessionMemory {}
// SAFETY: as above.
unsafe impl Sync for SessionMemory {}

/// Where a tensor is, by what ONNX Runtime tells of its memory.
#[derive(Clone, Copy)]
pub(super) enum Told {
    Host,
    Device(SessionMemory),
}

/// The places of all inputs and outputs of a session, by their names.
pub(super) struct Places {
    inputs: Vec<(String, Told)>,
    outputs: Vec<(String, Told)>,
}

impl Places {
    /// Asks `session`, which is to run on `device`.
    ///
    /// # Errors
    /// What ONNX Runtime says, or that one of them is on another device.
    pub(super) fn read(session: &Session, device: DeviceId) -> Result<Self> {
        let mut inputs = vec![ptr::null(); session.inputs().len()];
        let mut outputs = vec![ptr::null(); session.outputs().len()];
        let (raw, count) = (session.ptr(), inputs.len());
        // SAFETY: the session is alive, and the array has room for as many as it has inputs. What is
        // told lives as long as the session.
        ortsys![unsafe SessionGetMemoryInfoForInputs(raw, inputs.as_mut_ptr(), count)?];
        let count = outputs.len();
        // SAFETY: the same of outputs.
        ortsys![unsafe SessionGetMemoryInfoForOutputs(raw, outputs.as_mut_ptr(), count)?];
        let told = |outlets: &[ort::value::Outlet], memories: Vec<_>| {
            let named = outlets.iter().zip(memories).map(|(outlet, memory)| {
                Ok((outlet.name().to_owned(), SessionMemory::told(memory, device)?))
            });
            named.collect::<Result<Vec<_>>>()
        };
        let (inputs, outputs) =
            (told(session.inputs(), inputs)?, told(session.outputs(), outputs)?);
        Ok(Self { inputs, outputs })
    }

    /// Where an input is read; one that the session does not list, such as a weight, on the host.
    pub(super) fn input(&self, name: &str) -> Place {
        find(&self.inputs, name.as_bytes()).map_or(Place::Host, Told::place)
    }

    /// The memory that an input on the device lies in.
    ///
    /// # Errors
    /// If it is read on the host.
    pub(super) fn memory(&self, name: &CStr) -> std::result::Result<SessionMemory, InferError> {
        match find(&self.inputs, name.to_bytes()) {
            Some(Told::Device(memory)) => Ok(memory),
            _ => Err(failed(format!("input {name:?} is read on the host"))),
        }
    }

    /// Where an output is made.
    pub(super) fn output(&self, name: &CStr) -> Told {
        find(&self.outputs, name.to_bytes()).unwrap_or(Told::Host)
    }

    /// The device's memory, if anything of the session's is there.
    pub(super) fn any_memory(&self) -> Option<SessionMemory> {
        self.inputs.iter().chain(&self.outputs).find_map(|(_, told)| match told {
            Told::Device(memory) => Some(*memory),
            Told::Host => None,
        })
    }
}

fn find(all: &[(String, Told)], name: &[u8]) -> Option<Told> {
    all.iter().find(|(other, _)| other.as_bytes() == name).map(|(_, told)| *told)
}

impl Told {
    /// On which side that is.
    pub(super) fn place(self) -> Place {
        match self {
            Self::Host => Place::Host,
            Self::Device(_) => Place::Device,
        }
    }
}

impl SessionMemory {
    /// What `memory` describes, which is alive, of a session on `device`.
    ///
    /// # Errors
    /// If it is of another device.
    pub(super) fn told(memory: *const OrtMemoryInfo, device: DeviceId) -> Result<Told> {
        let memory = NonNull::new(memory.cast_mut());
        let memory =
            memory.ok_or_else(|| Error::new("ONNX Runtime does not say where a tensor is"))?;
        let mut kind = OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_CPU;
        let mut ordinal = 0;
        // SAFETY: the description is alive.
        ortsys![unsafe MemoryInfoGetDeviceType(memory.as_ptr(), &raw mut kind)];
        // SAFETY: as above.
        let access = ortsys![unsafe MemoryInfoGetDeviceMemType(memory.as_ptr())];
        let is_host = kind == OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_CPU
            || access == OrtDeviceMemoryType::OrtDeviceMemoryType_HOST_ACCESSIBLE;
        if is_host {
            return Ok(Told::Host);
        }
        // SAFETY: as above.
        ortsys![unsafe MemoryInfoGetId(memory.as_ptr(), &raw mut ordinal)?];
        let is_here = kind == OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_GPU
            && u32::try_from(ordinal).is_ok_and(|ordinal| DeviceId::Cuda(ordinal) == device);
        if !is_here {
            let text = format!("a tensor is on device {ordinal} of its provider, not on {device}");
            return Err(Error::new(text));
        }
        Ok(Told::Device(Self(memory)))
    }

    /// The pointer that functions of the API take.
    pub(super) fn as_ptr(self) -> *const OrtMemoryInfo {
        self.0.as_ptr()
    }
}
