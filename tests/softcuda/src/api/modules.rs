//! Modules, their kernels, and launches.

use std::ffi::c_void;
use std::sync::Arc;

use super::argument::{In, KernelArguments, Out, Text, TextOut};
use super::{context, driver, export, stream};
use crate::code::{Code, Result};
use crate::launch::{SHARED_BYTES_MAX, Work};
use crate::module::{Function, Module};
use crate::operation::Operation;

/// `CUfunction_attribute`.
const MAX_THREADS_PER_BLOCK: i32 = 0;
const SHARED_SIZE_BYTES: i32 = 1;
const LOCAL_SIZE_BYTES: i32 = 3;
const MAX_DYNAMIC_SHARED_SIZE_BYTES: i32 = 8;

/// `CUjit_option`.
const ERROR_LOG_BUFFER: i32 = 5;
const ERROR_LOG_SIZE_BYTES: i32 = 6;

export! {
    fn cuModuleLoadData(module: Out<usize>, image: Text) {
        load(module, &image, &mut String::new())
    }

    /// Of the options, it knows where errors are told.
    fn cuModuleLoadDataEx(
        module: Out<usize>,
        image: Text,
        count: u32,
        options: In<i32>,
        values: In<usize>,
    ) {
        let mut log = String::new();
        let loaded = load(module, &image, &mut log);
        let value = |option: i32| -> Result<Option<usize>> {
            for place in 0..count as usize {
                if options.at(place)? == option {
                    return values.at(place).map(Some);
                }
            }
            Ok(None)
        };
        if let (Some(buffer), Some(size)) = (value(ERROR_LOG_BUFFER)?, value(ERROR_LOG_SIZE_BYTES)?) {
            TextOut::at(buffer).put(&log, size);
        }
        loaded
    }

    fn cuModuleUnload(module: usize) {
        context::synchronize()?;
        driver().modules.remove(module)?.unload(driver())
    }

    fn cuModuleGetFunction(function: Out<usize>, module: usize, name: Text) {
        let found = driver().modules.get(module)?.function(&name.read()?)?;
        function.put(driver().functions.insert(Arc::new(found)))
    }

    fn cuModuleGetGlobal_v2(address: Out<u64>, size: Out<usize>, module: usize, name: Text) {
        let found = driver().modules.get(module)?.variable(&name.read()?)?;
        address.put_if_wanted(found.0);
        size.put_if_wanted(found.1);
        Ok(())
    }

    fn cuFuncGetAttribute(value: Out<i32>, attribute: i32, function: usize) {
        let function = driver().functions.get(function)?;
        let kernel = &function.kernel;
        let bytes = |count: usize| i32::try_from(count).map_err(|_| Code::INVALID_VALUE);
        value.put(match attribute {
            MAX_THREADS_PER_BLOCK => bytes(kernel.threads_max.unwrap_or(1024) as usize)?,
            SHARED_SIZE_BYTES => bytes(kernel.shared_bytes)?,
            LOCAL_SIZE_BYTES => bytes(kernel.local_bytes)?,
            _ => return Err(Code::INVALID_VALUE),
        })
    }

    fn cuFuncSetAttribute(function: usize, attribute: i32, value: i32) {
        let function = driver().functions.get(function)?;
        let bytes = usize::try_from(value).map_err(|_| Code::INVALID_VALUE)?;
        let fits = function.kernel.shared_bytes + bytes <= SHARED_BYTES_MAX;
        match attribute {
            MAX_DYNAMIC_SHARED_SIZE_BYTES if fits => Ok(()), // As many as without it.
            _ => Err(Code::INVALID_VALUE),
        }
    }

    fn cuLaunchKernel(
        function: usize,
        grid_x: u32,
        grid_y: u32,
        grid_z: u32,
        block_x: u32,
        block_y: u32,
        block_z: u32,
        shared_bytes: u32,
        handle: usize,
        arguments: KernelArguments,
        extra: *const c_void,
    ) {
        let function = driver().functions.get(function)?;
        let stream = stream(handle)?;
        if !extra.is_null() {
            return Err(Code::NOT_SUPPORTED); // Arguments in one buffer; nobody here gives them so.
        }
        let parameters = take(&function, &arguments)?;
        let work = Work {
            function,
            grid: [grid_x, grid_y, grid_z],
            block: [block_x, block_y, block_z],
            dynamic_bytes: shared_bytes as usize,
            parameters,
        };
        Operation::Launch(Arc::new(work)).submit(driver(), &stream)
    }
}

fn load(module: Out<usize>, image: &Text, log: &mut String) -> Result<()> {
    let device = context::working()?;
    // What is no text is a kernel in machine code: it is for GPUs.
    let source = image.read().map_err(|_| Code::INVALID_IMAGE)?;
    if !source.contains(".version") {
        return Err(Code::INVALID_IMAGE);
    }
    let loaded = Module::load(driver(), device, &source, log)?;
    module.put(driver().modules.insert(Arc::new(loaded)))
}

/// The bytes of all arguments, each at its parameter's place.
fn take(function: &Function, arguments: &KernelArguments) -> Result<Vec<u8>> {
    let mut bytes = vec![0; function.kernel.parameter_bytes];
    for (place, parameter) in function.kernel.parameters.iter().enumerate() {
        let argument = arguments.read(place, parameter.size)?;
        bytes[parameter.offset..][..parameter.size].copy_from_slice(&argument);
    }
    Ok(bytes)
}
