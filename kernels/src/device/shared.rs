//! Memory of a device that another process has allocated, and shares by a handle (CUDA IPC).
//!
//! What lies there may change at any time, since the other process may write it: whoever reads it may
//! meet any values, never other memory. It stays mapped until all work that reads or writes it is done.

use std::ops::Range;
use std::sync::Arc;

use nereid_backend::device::{DeviceId, DeviceMemory};

use super::sys::ipc;
use super::{Allocation, Device, DeviceBuffer, DeviceError, Stream};

/// What another process gives away of an allocation: a `cudaIpcMemHandle_t`.
pub type SharedHandle = [u8; ipc::HANDLE_BYTES];

/// Memory of another process, mapped as long as one of its clones is there, or work that uses it.
#[derive(Clone)]
pub struct SharedMemory(Arc<DeviceBuffer>);

impl SharedMemory {
    /// Maps the first `size_bytes` of what `handle` stands for. Calls the driver.
    ///
    /// # Errors
    /// [`DeviceError::Driver`] if it is no handle of another process that is there,
    /// [`DeviceError::SharedElsewhere`] if the memory is another device's, [`DeviceError::Range`] if
    /// there is less of it, or when the device is lost.
    pub fn open(
        device: &Device,
        handle: &SharedHandle,
        size_bytes: usize,
    ) -> Result<Self, DeviceError> {
        device.enter()?;
        let raw = device.told(ipc::Mapping::open(handle))?;
        let mapping = Mapping { device: device.clone(), raw };
        let place = device.told(mapping.raw.place())?;
        let memory = u32::try_from(place.ordinal).map_or(DeviceId::Cpu, DeviceId::Cuda);
        if memory != device.id() {
            return Err(DeviceError::SharedElsewhere { memory, device: device.id() });
        }
        if size_bytes > place.size_bytes {
            let (what, size) = ("shared memory", place.size_bytes);
            return Err(DeviceError::Range { what, start: 0, end: size_bytes, size });
        }
        Ok(Self(mapping.into_buffer(size_bytes)))
    }

    /// All of it, to be read. Nobody orders that after what the other process does.
    pub fn buffer(&self) -> &Arc<DeviceBuffer> {
        &self.0
    }

    /// Bytes of it, to be written by work of `home`.
    ///
    /// # Errors
    /// [`DeviceError::Range`] if there are not so many, [`DeviceError::OtherDevice`] if the stream is
    /// none of its device, or when that is lost.
    #[allow(unsafe_code)]
    pub fn writing(&self, range: &Range<usize>, home: &Stream) -> Result<Allocation, DeviceError> {
        let address = self.0.read(home)?.place(range)?;
        // SAFETY: the buffer has these bytes, keeps their mapping, and is kept by what is made here.
        Ok(unsafe { Allocation::foreign(home, (address, range.len()), self.0.clone()) })
    }

    /// The device that has it.
    pub fn device(&self) -> DeviceId {
        self.0.device()
    }

    /// How much was mapped.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }
}

/// Ends with the last that is done with it.
struct Mapping {
    device: Device,
    raw: ipc::Mapping,
}

impl Mapping {
    #[allow(unsafe_code)]
    fn into_buffer(self, size_bytes: usize) -> Arc<DeviceBuffer> {
        let (device, address) = (self.device.clone(), self.raw.address());
        // SAFETY: the driver has mapped as many bytes there, until this is dropped.
        unsafe { DeviceBuffer::foreign(&device, (address, size_bytes), None, Arc::new(self)) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let raw = self.raw.take();
        self.device.release(move |_| raw.close());
    }
}
