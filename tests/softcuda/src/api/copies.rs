//! Copies and fills. Those without a stream take the null stream's place and wait for it.

use super::argument::Host;
use super::{driver, export, stream};
use crate::mem::{download, fill, move_between, upload};

export! {
    fn cuMemcpyHtoDAsync_v2(to: u64, from: Host, size: usize, handle: usize) {
        upload(driver(), &stream(handle)?, to, from.range(size)?)
    }

    fn cuMemcpyDtoHAsync_v2(to: Host, from: u64, size: usize, handle: usize) {
        download(driver(), &stream(handle)?, to.range(size)?, from)
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, size: usize, handle: usize) {
        move_between(driver(), &stream(handle)?, to, from, size)
    }

    fn cuMemcpyHtoD_v2(to: u64, from: Host, size: usize) {
        let stream = stream(0)?;
        upload(driver(), &stream, to, from.range(size)?)?;
        stream.wait_idle(driver())
    }

    fn cuMemcpyDtoH_v2(to: Host, from: u64, size: usize) {
        let stream = stream(0)?;
        download(driver(), &stream, to.range(size)?, from)?;
        stream.wait_idle(driver())
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, size: usize) {
        move_between(driver(), &stream(0)?, to, from, size)
    }

    fn cuMemsetD8Async(address: u64, byte: u8, size: usize, handle: usize) {
        fill(driver(), &stream(handle)?, address, byte, size)
    }

    fn cuMemsetD8_v2(address: u64, byte: u8, size: usize) {
        let stream = stream(0)?;
        fill(driver(), &stream, address, byte, size)?;
        stream.wait_idle(driver())
    }
}
