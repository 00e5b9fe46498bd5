//! Memory of one process in another.

use super::argument::Out;
use super::peers::can_access;
use super::{context, driver, export};
use crate::code::Code;
use crate::mem::{Exported, HANDLE_BYTES, ipc};

/// `CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS`, which must be given.
const LAZY_ENABLE_PEER_ACCESS: u32 = 1;

/// `CUipcMemHandle`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Handle {
    bytes: [u8; HANDLE_BYTES],
}

export! {
    fn cuIpcGetMemHandle(handle: Out<Handle>, address: u64) {
        context::working()?;
        handle.put(Handle { bytes: ipc::export(driver(), address)?.to_bytes() })
    }

    fn cuIpcOpenMemHandle_v2(address: Out<u64>, handle: Handle, flags: u32) {
        let device = context::working()?;
        let exported = Exported::parse(&handle.bytes).ok_or(Code::INVALID_VALUE)?;
        if flags != LAZY_ENABLE_PEER_ACCESS {
            return Err(Code::INVALID_VALUE);
        }
        let owner = usize::try_from(exported.device).map_err(|_| Code::INVALID_VALUE)?;
        if owner != device {
            if !can_access(device, owner) {
                return Err(Code::PEER_ACCESS_UNSUPPORTED);
            }
            let _ = driver().peers.enable(device, owner); // It may be so already.
        }
        address.put(ipc::open(driver(), exported)?)
    }

    /// Waits for nobody: the API promises no more than that the memory is unmapped.
    fn cuIpcCloseMemHandle(address: u64) {
        context::working()?;
        ipc::close(driver(), address)
    }
}
