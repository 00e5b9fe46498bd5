//! Copies and fills. Those without a stream take the null stream's place and wait for it.

use super::argument::Host;
use super::{driver, export, outside_captures, stream};
use crate::code::Result;
use crate::operation::Operation;

fn submit(handle: usize, operation: Operation) -> Result<()> {
    operation.submit(driver(), &stream(handle)?)
}

fn submit_and_wait(operation: Operation) -> Result<()> {
    outside_captures()?;
    let stream = stream(0)?;
    operation.submit(driver(), &stream)?;
    stream.wait_idle(driver())
}

export! {
    fn cuMemcpyHtoDAsync_v2(to: u64, from: Host, size: usize, handle: usize) {
        submit(handle, Operation::Upload { to, from: from.range(size)? })
    }

    fn cuMemcpyDtoHAsync_v2(to: Host, from: u64, size: usize, handle: usize) {
        submit(handle, Operation::Download { to: to.range(size)?, from })
    }

    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, size: usize, handle: usize) {
        submit(handle, Operation::Move { to, from, size })
    }

    fn cuMemcpyHtoD_v2(to: u64, from: Host, size: usize) {
        submit_and_wait(Operation::Upload { to, from: from.range(size)? })
    }

    fn cuMemcpyDtoH_v2(to: Host, from: u64, size: usize) {
        submit_and_wait(Operation::Download { to: to.range(size)?, from })
    }

    fn cuMemcpyDtoD_v2(to: u64, from: u64, size: usize) {
        outside_captures()?;
        submit(0, Operation::Move { to, from, size })
    }

    fn cuMemsetD8Async(address: u64, byte: u8, size: usize, handle: usize) {
        submit(handle, Operation::Fill { address, byte, size })
    }

    fn cuMemsetD8_v2(address: u64, byte: u8, size: usize) {
        submit_and_wait(Operation::Fill { address, byte, size })
    }
}
