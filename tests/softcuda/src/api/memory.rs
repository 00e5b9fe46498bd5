//! Memory of devices and pinned memory of the host.

use std::sync::Arc;

use super::argument::{Host, Out};
use super::{context, device, driver, export, live_stream, outside_captures, pools};
use crate::code::{Code, Result};
use crate::mem::{Owner, Pool, free, free_in_order};
use crate::options::Setting;
use crate::race::Access;
use crate::stream::Stream;

export! {
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        let used = usize::try_from(driver().space.used(context::working()?)).unwrap_or(usize::MAX);
        free.put(device::total_bytes().saturating_sub(used))?;
        total.put(device::total_bytes())
    }

    fn cuMemAlloc_v2(address: Out<u64>, size: usize) {
        outside_captures()?;
        let device = context::working()?;
        address.put(driver().space.allocate(driver(), &Owner::Device(device), size)?.base)
    }

    fn cuMemAllocAsync(address: Out<u64>, size: usize, handle: usize) {
        let stream = live_stream(handle)?;
        address.put(allocate_in_order(&stream, pools::current(stream.device)?, size)?)
    }

    fn cuMemAllocFromPoolAsync(address: Out<u64>, size: usize, pool: usize, handle: usize) {
        let pool = driver().pools.get(pool)?;
        address.put(allocate_in_order(&*live_stream(handle)?, pool, size)?)
    }

    fn cuMemFree_v2(address: u64) {
        context::synchronize()?;
        if address == 0 { Ok(()) } else { free(driver(), address, "cuMemFree") }
    }

    fn cuMemFreeAsync(address: u64, handle: usize) {
        let stream = live_stream(handle)?;
        if address == 0 { Ok(()) } else { free_in_order(driver(), &stream, address) }
    }

    fn cuMemHostAlloc(address: Out<usize>, size: usize, _flags: u32) {
        address.put(pin(size)?)
    }

    fn cuMemAllocHost_v2(address: Out<usize>, size: usize) {
        address.put(pin(size)?)
    }

    fn cuMemFreeHost(address: Host) {
        context::synchronize()?;
        driver().pinned.free(address.address())
    }

    fn cuMemHostRegister_v2(address: Host, size: usize, _flags: u32) {
        outside_captures()?;
        context::working()?;
        driver().pinned.register(address.range(size)?)
    }

    fn cuMemHostUnregister(address: Host) {
        context::synchronize()?;
        driver().pinned.unregister(address.address())
    }
}

/// Other streams may use the memory after this one comes to it: as good as a write to all.
fn allocate_in_order(stream: &Stream, pool: Arc<Pool>, size: usize) -> Result<u64> {
    let allocation = driver().space.allocate(driver(), &Owner::Pool(pool), size)?;
    let stamp = stream.stamp(driver(), "cuMemAllocAsync");
    allocation.note(0..size, Access::Write, &stamp, &driver().report);
    Ok(allocation.base)
}

fn pin(size: usize) -> Result<usize> {
    outside_captures()?;
    let device = context::working()?;
    if driver().options.fails(Setting::FailAllocation) {
        return Err(Code::OUT_OF_MEMORY);
    }
    driver().pinned.allocate(device, size)
}
