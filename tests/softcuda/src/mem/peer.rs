//! Which device's kernels reach which other device's memory. Copies need no leave: a driver takes
//! them over the host. (CUDA Driver API, "Peer Context Memory Access".)

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::allocation::Allocation;
use crate::code::{Code, Result};
use crate::sync::lock;

/// Pairs of a device, and one whose memory it reaches.
#[derive(Default)]
pub(crate) struct Peers(Mutex<BTreeSet<(usize, usize)>>);

impl Peers {
    /// # Errors
    /// `PEER_ACCESS_ALREADY_ENABLED`.
    pub(crate) fn enable(&self, device: usize, other: usize) -> Result<()> {
        let is_new = lock(&self.0).insert((device, other));
        if is_new { Ok(()) } else { Err(Code::PEER_ACCESS_ALREADY_ENABLED) }
    }

    /// # Errors
    /// `PEER_ACCESS_NOT_ENABLED`.
    pub(crate) fn disable(&self, device: usize, other: usize) -> Result<()> {
        let was_there = lock(&self.0).remove(&(device, other));
        if was_there { Ok(()) } else { Err(Code::PEER_ACCESS_NOT_ENABLED) }
    }

    /// Whether kernels of the device reach it. Memory of a pool is opened by the pool alone.
    pub(crate) fn reaches(&self, device: usize, allocation: &Allocation) -> bool {
        device == allocation.device
            || match &allocation.pool {
                Some(pool) => pool.is_open_to(device),
                None => lock(&self.0).contains(&(device, allocation.device)),
            }
    }
}
