//! Modules that are loaded: PTX, its variables in the device's memory, and its kernels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::mem::{Owner, free};
use crate::ptx::{self, Variable};
use crate::sync::lock;

/// A module of one device.
pub(crate) struct Module {
    number: u64,
    device: usize,
    functions: HashMap<String, Arc<ptx::Function>>,
    /// Address and size by name.
    variables: HashMap<String, (u64, usize)>,
}

/// A kernel of a module.
pub(crate) struct Function {
    pub(crate) module: u64,
    pub(crate) device: usize,
    pub(crate) kernel: Arc<ptx::Function>,
}

static LAST: Mutex<u64> = Mutex::new(0);

impl Module {
    /// What is wrong with the source goes to `log`, too.
    ///
    /// # Errors
    /// `INVALID_PTX`, and a violation, of what is not understood; `OUT_OF_MEMORY`.
    pub(crate) fn load(
        driver: &Driver,
        device: usize,
        source: &str,
        log: &mut String,
    ) -> Result<Self> {
        let mut variables = HashMap::new();
        let mut out_of_memory = None;
        let mut place = |variable: Variable| {
            let size = variable.bytes.len();
            let allocation =
                driver.space.allocate(driver, &Owner::Device(device), size).map_err(|code| {
                    out_of_memory = Some(code);
                    format!("no memory for `{}`", variable.name)
                })?;
            allocation.write(0, &variable.bytes);
            variables.insert(variable.name, (allocation.base, size));
            Ok(allocation.base)
        };
        let parsed = ptx::parse(source, &mut place);
        let number = {
            let mut last = lock(&LAST);
            *last += 1;
            *last
        };
        match parsed {
            Ok(module) => Ok(Self { number, device, functions: module.functions, variables }),
            Err(text) => {
                for (address, _) in variables.values() {
                    free(driver, *address, "cuModuleLoadData")?;
                }
                let Some(code) = out_of_memory else {
                    log.clone_from(&text);
                    driver.report.violation(text);
                    return Err(Code::INVALID_PTX);
                };
                Err(code)
            }
        }
    }

    /// # Errors
    /// `NOT_FOUND`.
    pub(crate) fn function(&self, name: &str) -> Result<Function> {
        let kernel = self.functions.get(name).cloned().ok_or(Code::NOT_FOUND)?;
        Ok(Function { module: self.number, device: self.device, kernel })
    }

    /// Address and size in bytes.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(crate) fn variable(&self, name: &str) -> Result<(u64, usize)> {
        self.variables.get(name).copied().ok_or(Code::NOT_FOUND)
    }

    /// Gives its memory back, and forgets its kernels.
    ///
    /// # Errors
    /// What freeing says.
    pub(crate) fn unload(&self, driver: &Driver) -> Result<()> {
        driver.functions.retain(|function| function.module != self.number);
        for (address, _) in self.variables.values() {
            free(driver, *address, "cuModuleUnload")?;
        }
        Ok(())
    }
}
