//! The kernels of one device.
#![allow(unsafe_code)]

use std::collections::HashMap;

use bytemuck::NoUninit;

use super::{Launch, MODULES};
use crate::device::{Device, DeviceError, Function, Grid, Module, Stream};

/// All kernels, compiled for a device by its driver.
#[derive(Clone)]
pub struct Kernels {
    device: Device,
    functions: HashMap<&'static str, Function>,
}

impl Kernels {
    /// Lets the driver compile them, which takes it a second the first time, and less where it finds
    /// them in its cache.
    ///
    /// # Errors
    /// [`DeviceError::Module`] when the driver does not take them, or when the device is lost.
    pub fn load(device: &Device) -> Result<Self, DeviceError> {
        let mut functions = HashMap::new();
        for source in MODULES {
            let module = Module::load(device, source.ptx)?;
            for &kernel in source.kernels {
                functions.insert(kernel, module.function(kernel)?);
            }
        }
        Ok(Self { device: device.clone(), functions })
    }

    /// Enqueues a launch in `stream`.
    ///
    /// # Errors
    /// [`DeviceError::Launch`] when the kernel is none of ours, and what [`Function::launch`] tells.
    ///
    /// # Safety
    /// The launcher that made the launch was given memory as it asks for. What the kernel reads is
    /// kept by a [`crate::device::Reading`] of `stream`, and what it writes by an
    /// [`crate::device::Allocation`] whose home is `stream`.
    pub unsafe fn launch<A: NoUninit>(
        &self,
        stream: &Stream,
        launch: &Launch<A>,
    ) -> Result<(), DeviceError> {
        let Some(function) = self.functions.get(launch.kernel) else {
            let (kernel, device) = (launch.kernel.into(), self.device.id());
            return Err(DeviceError::Launch { kernel, device, text: "is not there".into() });
        };
        let grid = Grid { blocks: launch.blocks, threads: launch.threads, shared_bytes: 0 };
        // SAFETY: a launch has the kernel's own argument; the rest is the caller's promise.
        unsafe { function.launch(stream, grid, &launch.argument) }
    }
}
