//! What an address is: `CUpointer_attribute`.

use super::argument::{Host, In};
use super::{context, driver, export};
use crate::code::{Code, Result};
use crate::mem::{Allocation, Found};

/// `CU_MEMORYTYPE_HOST` and `CU_MEMORYTYPE_DEVICE`.
const TYPE_HOST: u32 = 1;
const TYPE_DEVICE: u32 = 2;

const CONTEXT: i32 = 1;
const MEMORY_TYPE: i32 = 2;
const DEVICE_POINTER: i32 = 3;
const HOST_POINTER: i32 = 4;
const BUFFER_ID: i32 = 7;
const IS_MANAGED: i32 = 8;
const DEVICE_ORDINAL: i32 = 9;
const CAN_BE_EXPORTED: i32 = 10; // IS_LEGACY_CUDA_IPC_CAPABLE
const RANGE_START: i32 = 11;
const RANGE_SIZE: i32 = 12;
const IS_MAPPED: i32 = 13;
const POOL: i32 = 17;

export! {
    fn cuPointerGetAttribute(value: Host, attribute: i32, address: u64) {
        let bytes = match driver().space.find(address) {
            Found::Live(allocation) => of_device(attribute, &allocation, address)?,
            _ if driver().pinned.has(address) => of_pinned(attribute, address)?,
            _ => return Err(Code::INVALID_VALUE),
        };
        value.range(bytes.len())?.write(&bytes);
        Ok(())
    }

    /// Unlike the one above, this tells zeros of an address that nobody knows.
    fn cuPointerGetAttributes(
        count: u32,
        attributes: In<i32>,
        values: In<usize>,
        address: u64,
    ) {
        for place in 0..count as usize {
            let attribute = attributes.at(place)?;
            let bytes = match driver().space.find(address) {
                Found::Live(allocation) => of_device(attribute, &allocation, address),
                _ => of_pinned(attribute, address),
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(_) => vec![0; size_of_attribute(attribute)?],
            };
            Host::at(values.at(place)?).range(bytes.len())?.write(&bytes);
        }
        Ok(())
    }
}

/// The bytes of an attribute's type.
fn of_device(attribute: i32, allocation: &Allocation, address: u64) -> Result<Vec<u8>> {
    Ok(match attribute {
        CONTEXT => context::of_device(allocation.device).to_ne_bytes().into(),
        MEMORY_TYPE => TYPE_DEVICE.to_ne_bytes().into(),
        DEVICE_POINTER => address.to_ne_bytes().into(),
        BUFFER_ID => allocation.number.to_ne_bytes().into(),
        IS_MANAGED => vec![0],
        DEVICE_ORDINAL => u32::try_from(allocation.device).unwrap_or(u32::MAX).to_ne_bytes().into(),
        CAN_BE_EXPORTED => vec![u8::from(allocation.pool.is_none())],
        RANGE_START => allocation.base.to_ne_bytes().into(),
        RANGE_SIZE => allocation.size.to_ne_bytes().into(),
        IS_MAPPED => vec![1],
        POOL => {
            let pool = allocation.pool.as_ref().and_then(|pool| driver().pools.handle_of(pool));
            pool.unwrap_or(0).to_ne_bytes().into()
        }
        _ => return Err(Code::INVALID_VALUE),
    })
}

fn of_pinned(attribute: i32, address: u64) -> Result<Vec<u8>> {
    if !driver().pinned.has(address) {
        return Err(Code::INVALID_VALUE);
    }
    Ok(match attribute {
        MEMORY_TYPE => TYPE_HOST.to_ne_bytes().into(),
        HOST_POINTER => address.to_ne_bytes().into(),
        IS_MANAGED => vec![0],
        _ => return Err(Code::INVALID_VALUE),
    })
}

/// Of its type, in bytes.
fn size_of_attribute(attribute: i32) -> Result<usize> {
    match attribute {
        MEMORY_TYPE | DEVICE_ORDINAL => Ok(4),
        IS_MANAGED | CAN_BE_EXPORTED | IS_MAPPED => Ok(1),
        CONTEXT | DEVICE_POINTER | HOST_POINTER | BUFFER_ID | RANGE_START | RANGE_SIZE | POOL => {
            Ok(8)
        }
        _ => Err(Code::INVALID_VALUE),
    }
}
