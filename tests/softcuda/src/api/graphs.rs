//! Captures of streams, and graphs.

use std::sync::Arc;

use super::argument::Out;
use super::{driver, export, stream};
use crate::code::{Code, Result};
use crate::graph::{Executable, Mode};

/// `CUstreamCaptureStatus`.
const STATUS_NONE: i32 = 0;
const STATUS_ACTIVE: i32 = 1;
const STATUS_INVALIDATED: i32 = 2;

/// The state of a stream, and the number of its capture.
fn status(handle: usize) -> Result<(i32, u64)> {
    let stream = stream(handle)?;
    driver().captures.check_implicit(driver(), &stream)?;
    Ok(match stream.lane() {
        None => (STATUS_NONE, 0),
        Some(lane) if lane.capture.is_invalid() => (STATUS_INVALIDATED, lane.capture.number),
        Some(lane) => (STATUS_ACTIVE, lane.capture.number),
    })
}

export! {
    fn cuStreamBeginCapture_v2(handle: usize, mode: i32) {
        let mode = match mode {
            0 => Mode::Global,
            1 => Mode::ThreadLocal,
            2 => Mode::Relaxed,
            _ => return Err(Code::INVALID_VALUE),
        };
        driver().captures.begin(&stream(handle)?, mode)
    }

    fn cuStreamEndCapture(handle: usize, graph: Out<usize>) {
        let lane = stream(handle)?.lane();
        match lane.ok_or(Code::ILLEGAL_STATE).and_then(|lane| lane.end()) {
            Ok(captured) => graph.put(driver().graphs.insert(Arc::new(captured))),
            Err(code) => {
                graph.put_if_wanted(0);
                Err(code)
            }
        }
    }

    fn cuStreamIsCapturing(handle: usize, status_out: Out<i32>) {
        status_out.put(status(handle)?.0)
    }

    fn cuStreamGetCaptureInfo(handle: usize, status_out: Out<i32>, number: Out<u64>) {
        let (status, capture) = status(handle)?;
        number.put_if_wanted(capture);
        status_out.put(status)
    }

    /// The graph and what the next node would depend on are told to nobody: they are not handles.
    fn cuStreamGetCaptureInfo_v2(
        handle: usize,
        status_out: Out<i32>,
        number: Out<u64>,
        graph: Out<usize>,
        dependencies: Out<usize>,
        count: Out<usize>,
    ) {
        let (status, capture) = status(handle)?;
        number.put_if_wanted(capture);
        graph.put_if_wanted(0);
        dependencies.put_if_wanted(0);
        count.put_if_wanted(0);
        status_out.put(status)
    }

    fn cuGraphInstantiateWithFlags(executable: Out<usize>, graph: usize, flags: u64) {
        if flags != 0 {
            return Err(Code::NOT_SUPPORTED);
        }
        let made = Executable::new(driver(), driver().graphs.get(graph)?);
        executable.put(driver().executables.insert(Arc::new(made)))
    }

    /// Nothing is left to be uploaded.
    fn cuGraphUpload(executable: usize, handle: usize) {
        stream(handle)?;
        driver().executables.get(executable).map(|_| ())
    }

    fn cuGraphLaunch(executable: usize, handle: usize) {
        driver().executables.get(executable)?.launch(driver(), &stream(handle)?)
    }

    fn cuGraphExecDestroy(executable: usize) {
        driver().executables.remove(executable)?.destroy(driver())
    }

    fn cuGraphDestroy(graph: usize) {
        driver().graphs.remove(graph).map(|_| ())
    }
}
