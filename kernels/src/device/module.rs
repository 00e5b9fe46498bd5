//! Kernels: PTX that the driver compiles for its device, and launches.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::sync::Arc;

use bytemuck::NoUninit;

use super::{Device, DeviceError, Stream, sys};

/// Kernels that are loaded on a device. Cloning shares them; the last clone unloads them.
#[derive(Clone)]
pub struct Module(Arc<Loaded>);

struct Loaded {
    device: Device,
    /// `None` only while it is dropped.
    raw: Option<sys::module::Module>,
}

/// A kernel, which keeps its module.
#[derive(Clone)]
pub struct Function {
    name: Arc<str>,
    raw: sys::module::Function,
    block_threads_max: u32,
    module: Module,
}

/// How many threads a launch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks along x, y and z.
    pub blocks: [u32; 3],
    /// Threads of a block along x, y and z.
    pub threads: [u32; 3],
    /// Shared memory of a block beside what the kernel declares.
    pub shared_bytes: u32,
}

impl Module {
    /// Compiles PTX for `device`.
    ///
    /// # Errors
    /// [`DeviceError::Module`] with what the driver says of it.
    pub fn load(device: &Device, ptx: &str) -> Result<Self, DeviceError> {
        device.enter()?;
        let module_error = |text: String| DeviceError::Module { device: device.id(), text };
        let text = CString::new(ptx).map_err(|_| module_error("PTX with a NUL in it".into()))?;
        let mut log = String::new();
        match sys::module::Module::load(&text, &mut log) {
            Ok(raw) => Ok(Self(Arc::new(Loaded { device: device.clone(), raw: Some(raw) }))),
            Err(failure) => Err(match device.failed(failure) {
                DeviceError::Driver { text, .. } if log.is_empty() => module_error(text),
                DeviceError::Driver { text, .. } => module_error(format!("{text}: {log}")),
                lost => lost,
            }),
        }
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// [`DeviceError::Module`] if there is none.
    pub fn function(&self, name: &str) -> Result<Function, DeviceError> {
        let device = &self.0.device;
        device.enter()?;
        let module_error = |reason: String| DeviceError::Module {
            device: device.id(),
            text: format!("kernel '{name}': {reason}"),
        };
        let Some(module) = &self.0.raw else { return Err(module_error("unloaded".into())) };
        let text =
            CString::new(name).map_err(|_| module_error("a name with a NUL in it".into()))?;
        let raw = module.function(&text).map_err(|failure| module_error(failure.to_string()))?;
        // SAFETY: the module is loaded.
        let threads_max = device.told(unsafe { raw.block_threads_max() })?;
        let block_threads_max = threads_max.unsigned_abs();
        Ok(Function { name: name.into(), raw, block_threads_max, module: self.clone() })
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Some(raw) = self.raw.take() {
            self.device.release(|_| raw.unload());
        }
    }
}

impl Function {
    /// Its name in the module.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device that it is loaded on.
    pub fn device(&self) -> &Device {
        &self.module.0.device
    }

    /// Enqueues the kernel with its one argument, a `#[repr(C)]` struct that is taken at the call.
    ///
    /// # Errors
    /// [`DeviceError::Launch`] if the grid does not fit the device or the kernel, with the numbers;
    /// [`DeviceError::OtherDevice`] if the stream is none of the kernel's device.
    ///
    /// # Safety
    /// The kernel takes one argument that is laid out as `T`. What it reads is kept by a
    /// [`super::Reading`] of `stream`, what it writes by an [`super::Allocation`] whose home is
    /// `stream`, and it stays within them.
    pub unsafe fn launch<T: NoUninit>(
        &self,
        stream: &Stream,
        grid: Grid,
        argument: &T,
    ) -> Result<(), DeviceError> {
        let (device, other) = (self.device(), stream.device().id());
        if device.id() != other {
            return Err(DeviceError::OtherDevice { memory: device.id(), stream: other });
        }
        self.check(grid)?;
        device.enter()?;
        let Grid { blocks, threads, shared_bytes } = grid;
        let (bytes, raw) = (bytemuck::bytes_of(argument), stream.raw());
        // SAFETY: the module is kept by this; the rest is the caller's promise.
        device.told(unsafe { self.raw.launch((blocks, threads, shared_bytes), raw, bytes) })
    }

    /// Tells what does not fit, which the driver does not.
    fn check(&self, grid: Grid) -> Result<(), DeviceError> {
        let limits = &self.device().0.properties;
        let within = |sizes: [u32; 3], limits: [i32; 3]| {
            sizes.iter().zip(limits).all(|(size, max)| (1..=max.unsigned_abs()).contains(size))
        };
        let threads = grid.threads.iter().try_fold(1_u32, |all, size| all.checked_mul(*size));
        let threads_max = self.block_threads_max.min(limits.block_threads_max.unsigned_abs());
        let text = if !within(grid.blocks, limits.grid_max) {
            format!("a grid of {:?} blocks, 1 to {:?} fit", grid.blocks, limits.grid_max)
        } else if !within(grid.threads, limits.block_max) {
            format!("blocks of {:?} threads, 1 to {:?} fit", grid.threads, limits.block_max)
        } else if threads.is_none_or(|threads| threads > threads_max) {
            format!("blocks of {:?} threads, {threads_max} of them fit", grid.threads)
        } else if grid.shared_bytes > limits.shared_bytes_max.unsigned_abs() {
            let max = limits.shared_bytes_max;
            format!("{} bytes of shared memory, {max} fit", grid.shared_bytes)
        } else {
            return Ok(());
        };
        Err(DeviceError::Launch { kernel: self.name.clone(), device: self.device().id(), text })
    }
}
