//! Which operators of a model a device runs, and which the CPU.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::{ptr, slice};

use nereid_backend::device::DeviceId;
use ort::session::Session;
use ort::sys::{OrtEpAssignedNode, OrtEpAssignedSubgraph, OrtStatusPtr};
use ort::{AsPointer, Error, Result, ortsys};

const ON_HOST: &str = "CPUExecutionProvider";

/// What ONNX Runtime made of a model's operators.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    device: DeviceId,
    on_device: usize,
    on_host: usize,
    /// What those are called.
    names: BTreeSet<String>,
}

impl Assignment {
    /// The option of a session that tells it.
    pub(super) const KEY: &'static str = "session.record_ep_graph_assignment_info";

    /// Asks `session`, which was opened with [`Assignment::KEY`] to run on `device`.
    ///
    /// # Errors
    /// What ONNX Runtime says, or that nothing runs there.
    pub(super) fn read(session: &Session, device: DeviceId) -> Result<Self> {
        let (mut graphs, mut count) = (ptr::null(), 0);
        // SAFETY: the session is alive, and what is told lives as long.
        ortsys![
            unsafe Session_GetEpGraphAssignmentInfo(session.ptr(), &raw mut graphs, &raw mut count)?
        ];
        let mut told = Self { device, on_device: 0, on_host: 0, names: BTreeSet::new() };
        // SAFETY: there are so many.
        for graph in unsafe { array(graphs, count) } {
            told.add(*graph)?;
        }
        if told.on_device == 0 && told.on_host > 0 {
            return Err(Error::new(format!("none of its operators runs on {device}: {told}")));
        }
        Ok(told)
    }

    fn add(&mut self, graph: *const OrtEpAssignedSubgraph) -> Result<()> {
        let (mut nodes, mut count) = (ptr::null(), 0);
        // SAFETY: the graph is alive.
        ortsys![unsafe EpAssignedSubgraph_GetNodes(graph, &raw mut nodes, &raw mut count)?];
        let provider = text(|to| ortsys![unsafe EpAssignedSubgraph_GetEpName(graph, to)])?;
        if provider != ON_HOST {
            self.on_device += count;
            return Ok(());
        }
        self.on_host += count;
        // SAFETY: there are so many.
        for node in unsafe { array::<*const OrtEpAssignedNode>(nodes, count) } {
            let name = text(|to| ortsys![unsafe EpAssignedNode_GetOperatorType(*node, to)])?;
            self.names.insert(name);
        }
        Ok(())
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, all) = (self.device, self.on_device + self.on_host);
        write!(f, "{} of {all} operators run on {device}", self.on_device)?;
        if !self.names.is_empty() {
            let names: Vec<_> = self.names.iter().map(String::as_str).collect();
            write!(f, ", and on the CPU: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// What the API points to, which may be nothing.
///
/// # Safety
/// There are `count` at `start`, which live as long as `'a`.
unsafe fn array<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, count) }
}

/// A string that a function of the API points to.
fn text(tell: impl FnOnce(*mut *const c_char) -> OrtStatusPtr) -> Result<String> {
    let mut text = ptr::null();
    let status = tell(&raw mut text);
    // SAFETY: the function has just returned it.
    unsafe { Error::result_from_status(status) }?;
    if text.is_null() {
        return Ok(String::new());
    }
    // SAFETY: it is a C string that lives as long as the session.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
