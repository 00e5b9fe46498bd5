//! What an instance stands on.

use nereid_kernels::device::Device;
use nereid_kernels::reaper::Reaper;

/// Who waits for an instance's batches, and what its model has without it.
pub struct Footing {
    /// Of the instance's device.
    pub(super) reaper: Reaper,
    device: Option<Device>,
    others: Vec<Option<Device>>,
}

impl Footing {
    /// Of an instance on `device`, or the host, with the places of the model's other instances.
    pub fn new(reaper: Reaper, device: Option<Device>, others: Vec<Option<Device>>) -> Self {
        Self { reaper, device, others }
    }

    /// Whether its device is lost, and others go on: what it took would only fail, and fast. The last one
    /// stays, and answers why.
    pub(super) fn is_gone(&self) -> bool {
        let is_lost = |device: &Option<Device>| device.as_ref().is_some_and(Device::is_lost);
        is_lost(&self.device) && !self.others.iter().all(is_lost)
    }
}

/// Of an instance on the host.
impl From<Reaper> for Footing {
    fn from(reaper: Reaper) -> Self {
        Self::new(reaper, None, Vec::new())
    }
}
