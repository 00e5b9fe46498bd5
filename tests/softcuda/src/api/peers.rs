//! Devices that reach each other's memory.

use super::argument::{In, Out};
use super::pools::{LOCATION_DEVICE, Location};
use super::{context, device, driver, export, stream};
use crate::code::{Code, Result};
use crate::operation::Operation;
use crate::options::Setting;

/// `CU_MEM_ACCESS_FLAGS_PROT_NONE` and `CU_MEM_ACCESS_FLAGS_PROT_READWRITE`.
const ACCESS_NONE: u32 = 0;
const ACCESS_READ_WRITE: u32 = 3;

/// `CUmemAccessDesc`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Access {
    location: Location,
    flags: u32,
}

export! {
    fn cuDeviceCanAccessPeer(can: Out<i32>, device: i32, peer: i32) {
        let (device, peer) = (device::ordinal(device)?, device::ordinal(peer)?);
        can.put(i32::from(can_access(device, peer)))
    }

    fn cuCtxEnablePeerAccess(peer: usize, flags: u32) {
        let (device, peer) = pair(peer)?;
        if flags != 0 {
            return Err(Code::INVALID_VALUE);
        }
        if !can_access(device, peer) {
            return Err(Code::PEER_ACCESS_UNSUPPORTED);
        }
        driver().peers.enable(device, peer)
    }

    fn cuCtxDisablePeerAccess(peer: usize) {
        let (device, peer) = pair(peer)?;
        driver().peers.disable(device, peer)
    }

    /// The contexts must be those that the memory is of.
    fn cuMemcpyPeerAsync(
        to: u64,
        to_context: usize,
        from: u64,
        from_context: usize,
        size: usize,
        handle: usize,
    ) {
        check_context(to, to_context)?;
        check_context(from, from_context)?;
        Operation::Move { to, from, size }.submit(driver(), &stream(handle)?)
    }

    fn cuMemPoolSetAccess(pool: usize, access: In<Access>, count: usize) {
        let pool = driver().pools.get(pool)?;
        for place in 0..count {
            let access = access.at(place)?;
            let device = located(access.location)?;
            if device != pool.device && !can_access(device, pool.device) {
                return Err(Code::INVALID_DEVICE);
            }
            match access.flags {
                ACCESS_NONE if device != pool.device => pool.close_to(device),
                ACCESS_READ_WRITE => pool.open_to(device),
                _ => return Err(Code::INVALID_VALUE),
            }
        }
        Ok(())
    }

    fn cuMemPoolGetAccess(flags: Out<u32>, pool: usize, location: In<Location>) {
        let (pool, device) = (driver().pools.get(pool)?, located(location.read()?)?);
        let is_open = device == pool.device || pool.is_open_to(device);
        flags.put(if is_open { ACCESS_READ_WRITE } else { ACCESS_NONE })
    }
}

/// Whether there is a way between two devices, as the test asked for.
pub(super) fn can_access(device: usize, peer: usize) -> bool {
    device != peer && driver().options.get(Setting::PeerAccess) != 0
}

/// The current device, and that of another context.
fn pair(peer: usize) -> Result<(usize, usize)> {
    let (device, peer) = (context::working()?, context::device_of(peer)?);
    if device == peer { Err(Code::INVALID_CONTEXT) } else { Ok((device, peer)) }
}

fn located(location: Location) -> Result<usize> {
    if location.kind == LOCATION_DEVICE {
        device::ordinal(location.id)
    } else {
        Err(Code::INVALID_VALUE)
    }
}

fn check_context(address: u64, context: usize) -> Result<()> {
    let device = context::device_of(context)?;
    let owner = driver().space.span(driver(), address, 0, "copy between devices")?;
    if owner.allocation.device == device {
        return Ok(());
    }
    let (number, owner) = (owner.allocation.number, owner.allocation.device);
    driver().report.violation(format!(
        "copy between devices: allocation #{number} of device {owner} is given as device {device}'s"
    ));
    Err(Code::INVALID_VALUE)
}
