//! Memory of devices and pinned memory of the host.

use super::argument::{Host, Out};
use super::{context, device, driver, export, stream};
use crate::code::{Code, Result};
use crate::mem::{Found, free, free_in_order};
use crate::race::Access;

/// `CU_MEMORYTYPE_HOST` and `CU_MEMORYTYPE_DEVICE`.
const TYPE_HOST: u32 = 1;
const TYPE_DEVICE: u32 = 2;

export! {
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        let used = usize::try_from(driver().space.used(context::working()?)).unwrap_or(usize::MAX);
        free.put(device::total_bytes().saturating_sub(used))?;
        total.put(device::total_bytes())
    }

    fn cuMemAlloc_v2(address: Out<u64>, size: usize) {
        let device = context::working()?;
        address.put(driver().space.allocate(driver(), device, size)?.base)
    }

    /// Other streams may use the memory after this one comes to it: as good as a write to all.
    fn cuMemAllocAsync(address: Out<u64>, size: usize, handle: usize) {
        let stream = stream(handle)?;
        let allocation = driver().space.allocate(driver(), stream.device, size)?;
        let stamp = stream.stamp(driver(), "cuMemAllocAsync");
        allocation.note(0..size, Access::Write, &stamp, &driver().report);
        address.put(allocation.base)
    }

    fn cuMemFree_v2(address: u64) {
        context::synchronize()?;
        if address == 0 { Ok(()) } else { free(driver(), address, "cuMemFree") }
    }

    fn cuMemFreeAsync(address: u64, handle: usize) {
        let stream = stream(handle)?;
        if address == 0 { Ok(()) } else { free_in_order(driver(), &stream, address) }
    }

    fn cuMemHostAlloc(address: Out<usize>, size: usize, _flags: u32) {
        context::working()?;
        address.put(driver().pinned.allocate(size)?)
    }

    fn cuMemAllocHost_v2(address: Out<usize>, size: usize) {
        context::working()?;
        address.put(driver().pinned.allocate(size)?)
    }

    fn cuMemFreeHost(address: Host) {
        context::synchronize()?;
        driver().pinned.free(address.address())
    }

    fn cuMemHostRegister_v2(address: Host, size: usize, _flags: u32) {
        context::working()?;
        driver().pinned.register(address.range(size)?)
    }

    fn cuMemHostUnregister(address: Host) {
        context::synchronize()?;
        driver().pinned.unregister(address.address())
    }

    fn cuPointerGetAttribute(value: Host, attribute: i32, address: u64) {
        let bytes = attribute_of(attribute, address)?;
        value.range(bytes.len())?.write(&bytes);
        Ok(())
    }
}

/// A `CUpointer_attribute` of an address, as the bytes of its type.
fn attribute_of(attribute: i32, address: u64) -> Result<Vec<u8>> {
    let Found::Live(allocation) = driver().space.find(address) else {
        let is_pinned = attribute == 2 && driver().pinned.has(address);
        return if is_pinned {
            Ok(TYPE_HOST.to_ne_bytes().into())
        } else {
            Err(Code::INVALID_VALUE)
        };
    };
    Ok(match attribute {
        2 => TYPE_DEVICE.to_ne_bytes().into(),
        9 => u32::try_from(allocation.device).unwrap_or(u32::MAX).to_ne_bytes().into(),
        11 => allocation.base.to_ne_bytes().into(),
        12 => allocation.size.to_ne_bytes().into(),
        _ => return Err(Code::INVALID_VALUE),
    })
}
