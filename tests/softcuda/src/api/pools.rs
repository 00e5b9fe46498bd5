//! Pools of memory in a stream's order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::argument::{Host, In, Out};
use super::{device, driver, export};
use crate::code::{Code, Result};
use crate::mem::{Maker, Pool};

/// `CU_MEM_ALLOCATION_TYPE_PINNED` and `CU_MEM_LOCATION_TYPE_DEVICE`, the only ones of a device.
const ALLOCATION_PINNED: i32 = 1;
pub(super) const LOCATION_DEVICE: i32 = 1;

/// `CUmemLocation`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Location {
    pub(super) kind: i32,
    pub(super) id: i32,
}

/// `CUmemPoolProps`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Properties {
    allocation: i32,
    handles: i32,
    location: Location,
    security: usize,
    bytes_max: usize,
    usage: u16,
    reserved: [u8; 54],
}

/// `CUmemPool_attribute`: 1 to 3 say how freed memory is used again.
const REUSES: std::ops::RangeInclusive<i32> = 1..=3;
const RELEASE_THRESHOLD: i32 = 4;
const RESERVED_CURRENT: i32 = 5;
const RESERVED_HIGH: i32 = 6;
const USED_CURRENT: i32 = 7;
const USED_HIGH: i32 = 8;

export! {
    fn cuMemPoolCreate(pool: Out<usize>, properties: In<Properties>) {
        let properties = properties.read()?;
        let is_known = properties.allocation == ALLOCATION_PINNED
            && properties.location.kind == LOCATION_DEVICE;
        let device = device::ordinal(properties.location.id)?;
        match (is_known, properties.handles) {
            (true, 0) => {}
            (true, _) => return Err(Code::NOT_SUPPORTED), // Pools that other processes open.
            (false, _) => return Err(Code::INVALID_VALUE),
        }
        let created = driver().space.create_pool(device, Maker::Program, properties.bytes_max as u64);
        pool.put(driver().pools.insert(created))
    }

    fn cuMemPoolDestroy(handle: usize) {
        let pool = driver().pools.get(handle)?;
        if driver().default_pool(pool.device)? == handle {
            return Err(Code::INVALID_VALUE);
        }
        driver().pools.remove(handle)?;
        driver().space.destroy_pool(&pool);
        driver().device(pool.device)?.forget_pool(handle);
        Ok(())
    }

    fn cuMemPoolTrimTo(pool: usize, kept: usize) {
        driver().pools.get(pool)?.trim_to(kept as u64);
        Ok(())
    }

    fn cuMemPoolGetAttribute(pool: usize, attribute: i32, value: Host) {
        let bytes = attribute_of(&*driver().pools.get(pool)?, attribute)?;
        value.range(bytes.len())?.write(&bytes);
        Ok(())
    }

    fn cuMemPoolSetAttribute(pool: usize, attribute: i32, value: Host) {
        set_attribute(&*driver().pools.get(pool)?, attribute, &value)
    }

    fn cuDeviceGetDefaultMemPool(pool: Out<usize>, device: i32) {
        pool.put(driver().default_pool(device::ordinal(device)?)?)
    }

    fn cuDeviceGetMemPool(pool: Out<usize>, device: i32) {
        pool.put(driver().current_pool(device::ordinal(device)?)?)
    }

    fn cuDeviceSetMemPool(device: i32, handle: usize) {
        let (device, pool) = (device::ordinal(device)?, driver().pools.get(handle)?);
        if pool.device != device {
            return Err(Code::INVALID_VALUE);
        }
        driver().device(device)?.choose_pool(handle);
        Ok(())
    }
}

/// The pool that `cuMemAllocAsync` takes memory of.
pub(super) fn current(device: usize) -> Result<Arc<Pool>> {
    driver().pools.get(driver().current_pool(device)?)
}

fn attribute_of(pool: &Pool, attribute: i32) -> Result<Vec<u8>> {
    let usage = pool.usage();
    let bytes = match attribute {
        RELEASE_THRESHOLD => usage.threshold,
        RESERVED_CURRENT => usage.reserved,
        RESERVED_HIGH => usage.reserved_high,
        USED_CURRENT => usage.used,
        USED_HIGH => usage.used_high,
        other => return Ok(reuse(pool, other)?.load(Ordering::Relaxed).to_ne_bytes().into()),
    };
    Ok(bytes.to_ne_bytes().into())
}

fn set_attribute(pool: &Pool, attribute: i32, value: &Host) -> Result<()> {
    if REUSES.contains(&attribute) {
        let value = u32::from_ne_bytes(value.read()?);
        reuse(pool, attribute)?.store(value, Ordering::Relaxed);
        return Ok(());
    }
    let bytes = u64::from_ne_bytes(value.read()?);
    match (attribute, bytes) {
        (RELEASE_THRESHOLD, _) => pool.set_threshold(bytes),
        (RESERVED_HIGH, 0) => pool.reset_reserved_high(),
        (USED_HIGH, 0) => pool.reset_used_high(),
        _ => return Err(Code::INVALID_VALUE),
    }
    Ok(())
}

fn reuse(pool: &Pool, attribute: i32) -> Result<&std::sync::atomic::AtomicU32> {
    let place = usize::try_from(attribute - REUSES.start()).map_err(|_| Code::INVALID_VALUE)?;
    pool.reuse(place).ok_or(Code::INVALID_VALUE)
}
