//! Regions of shared memory, which clients register by name: tensors of requests may lie in them, and
//! outputs be written to them, without being sent. So far they are memory of CUDA devices.
//!
//! As in Triton, whoever may register a region or ask for inference may name those of others: names are
//! no secret. Who is kept from that by groups of calls (`security`), or by `--allow-client-shm=false`.

mod tensors;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_kernels::device::{Device, DeviceError, SharedHandle, SharedMemory};
use nereid_proto::infer::RegionPart;

use crate::edge::Edge;

/// The most regions that may be registered at a time.
pub const REGIONS_MAX: usize = 1_024;

/// The longest name of a region.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Why no region is registered where clients may not.
const NOT_ALLOWED: &str = "clients may not register shared memory (--allow-client-shm)";

/// All that are registered.
pub struct Regions {
    edge: Arc<Edge>,
    is_allowed: bool,
    all: Mutex<BTreeMap<Arc<str>, Region>>,
    /// A driver may take its time: one registration at a time keeps one thread busy, however many come.
    opening: tokio::sync::Mutex<()>,
}

/// Memory of a device that another process has allocated.
#[derive(Clone)]
pub struct Region {
    /// The ordinal of the device.
    pub device_id: u32,
    /// The memory, as much of it as was registered. It stays mapped while requests have it.
    pub memory: SharedMemory,
}

impl Regions {
    /// None, on the devices of `edge`. Whether clients may register any is the operator's choice.
    pub fn new(edge: Arc<Edge>, is_allowed: bool) -> Arc<Self> {
        let (all, opening) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { edge, is_allowed, all, opening })
    }

    /// Registers `byte_size` bytes of what `handle` stands for, on the device of this ordinal.
    ///
    /// # Errors
    /// [`InferError::Invalid`] with the reason if the name, the handle, the device or the size cannot
    /// be, [`InferError::AlreadyRegistered`], [`InferError::Overloaded`] when there are too many, and
    /// [`InferError::Unsupported`] where clients may not do this.
    pub async fn register(
        &self,
        name: &str,
        handle: &[u8],
        device_id: u64,
        byte_size: u64,
    ) -> Result<(), InferError> {
        if !self.is_allowed {
            return Err(InferError::Unsupported(NOT_ALLOWED.to_owned()));
        }
        check_name(name)?;
        let refused = |why: &str| {
            let text = format!("failed to register CUDA shared memory region '{name}': {why}");
            InferError::Invalid(text)
        };
        let handle = SharedHandle::try_from(handle).map_err(|_| {
            InferError::Invalid("failed to register shared memory region: invalid args".to_owned())
        })?;
        let size_bytes = usize::try_from(byte_size).ok().filter(|&size| size > 0);
        let size_bytes = size_bytes.ok_or_else(|| refused("it has no bytes, or too many"))?;
        let _alone = self.opening.lock().await;
        self.check_room(name)?;
        let device_id = u32::try_from(device_id).unwrap_or(u32::MAX);
        let device = self.edge.devices().find(DeviceId::Cuda(device_id));
        let device = device.map_err(|error| refused(&error.0))?.clone();
        let opened = open(device, handle, size_bytes).await?;
        let memory = opened.map_err(|error| match error {
            DeviceError::Lost { .. } => error.into(),
            error => refused(&error.to_string()),
        })?;
        self.lock().insert(name.into(), Region { device_id, memory });
        Ok(())
    }

    /// The region of this name, or all if it is empty.
    ///
    /// # Errors
    /// [`InferError::UnknownRegion`].
    pub fn status(&self, name: &str) -> Result<BTreeMap<Arc<str>, Region>, InferError> {
        let all = self.lock();
        if name.is_empty() {
            return Ok(all.clone());
        }
        let found = all.get_key_value(name).map(|(name, region)| (name.clone(), region.clone()));
        let unknown = || format!("Unable to find cuda shared memory region: '{name}'");
        found.map(|one| [one].into()).ok_or_else(|| InferError::UnknownRegion(unknown()))
    }

    /// Forgets the region of this name, or all if it is empty. Requests that have it go on with it. As in
    /// Triton, one that is not there is forgotten already.
    pub fn unregister(&self, name: &str) {
        let mut all = self.lock();
        let forgotten = if name.is_empty() {
            std::mem::take(&mut *all)
        } else {
            all.remove_entry(name).into_iter().collect()
        };
        drop(all);
        drop(forgotten);
    }

    /// The memory that a part of a region lies in, and which of its bytes those are.
    ///
    /// # Errors
    /// [`InferError::UnknownRegion`]; [`InferError::Invalid`] if the region has not so many bytes.
    pub fn find(&self, part: &RegionPart) -> Result<(SharedMemory, Range<usize>), InferError> {
        let name = &part.region;
        let memory = self.lock().get(name).map(|region| region.memory.clone());
        let memory = memory.ok_or_else(|| {
            InferError::UnknownRegion(format!("Unable to find shared memory region: '{name}'"))
        })?;
        let end = part.offset.checked_add(part.size_bytes).and_then(|end| end.try_into().ok());
        let range = usize::try_from(part.offset).ok().zip(end).map(|(start, end)| start..end);
        let range = range.filter(|range| range.end <= memory.size_bytes()).ok_or_else(|| {
            let text = format!("Invalid offset + byte size for shared memory region: '{name}'");
            InferError::Invalid(text)
        })?;
        Ok((memory, range))
    }

    /// How many there are, and their bytes.
    pub fn usage(&self) -> (u64, u64) {
        let all = self.lock();
        let sizes = all.values().map(|region| region.memory.size_bytes() as u64);
        (all.len() as u64, sizes.fold(0, u64::saturating_add))
    }

    fn check_room(&self, name: &str) -> Result<(), InferError> {
        let all = self.lock();
        if all.contains_key(name) {
            let text = format!("shared memory region '{name}' already in manager");
            return Err(InferError::AlreadyRegistered(text));
        }
        if all.len() < REGIONS_MAX {
            return Ok(());
        }
        Err(InferError::Overloaded(format!(
            "{REGIONS_MAX} shared memory regions are registered, and no more may be: unregister some"
        )))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Region>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_name(name: &str) -> Result<(), InferError> {
    if name.is_empty() {
        let text = "'region name' is necessary to register cuda shared memory region";
        return Err(InferError::Invalid(text.to_owned()));
    }
    if name.len() > NAME_BYTES_MAX {
        let text = format!("the name of a region has at most {NAME_BYTES_MAX} bytes");
        return Err(InferError::Invalid(text));
    }
    Ok(())
}

/// Opens a handle on a thread that may block.
async fn open(
    device: Device,
    handle: SharedHandle,
    size_bytes: usize,
) -> Result<Result<SharedMemory, DeviceError>, InferError> {
    let open = move || SharedMemory::open(&device, &handle, size_bytes);
    tokio::task::spawn_blocking(open).await.map_err(|_panicked| InferError::Abandoned)
}

#[cfg(test)]
mod tests;
