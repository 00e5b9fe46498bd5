//! `IRuntime`.

use std::ptr::null_mut;
use std::sync::Arc;

use crate::control::{self, Kind};
use crate::cuda;
use crate::engine::Engine;
use crate::logger::{ERROR, Logger};
use crate::object::{Class, Inner, Public, create};
use crate::plan::Plan;
use crate::vtable::{Slot, class_table};

pub(crate) struct Runtime {
    pub(crate) logger: Logger,
}

impl Class for Runtime {
    const KIND: Kind = Kind::Runtime;

    fn check_end(&self) {}

    fn methods() -> &'static [Slot] {
        class_table::<0>(control::major(), &[("deserializeCudaEngine", deserialize as Slot)])
    }
}

extern "C" fn deserialize(this: &mut Inner<Runtime>, plan: *const u8, size: usize) -> *mut Public {
    let logger = this.body.logger;
    if logger.asked_to_fail("deserializeCudaEngine") {
        return null_mut();
    }
    // SAFETY: the caller has so many bytes there.
    let bytes = unsafe { std::slice::from_raw_parts(plan, size) };
    match engine(logger, bytes) {
        Ok(engine) => create(engine),
        Err(text) => {
            logger.log(ERROR, &text);
            null_mut()
        }
    }
}

fn engine(logger: Logger, bytes: &[u8]) -> Result<Arc<Engine>, String> {
    let text = String::from_utf8_lossy(bytes);
    let plan = Plan::parse(&text).ok_or("the magic tag is not that of a plan")?;
    let (major, minor) = cuda::capability()?;
    if plan.capability.is_some_and(|built| built != (major, minor)) {
        return Err(format!(
            "the plan was built for another GPU than one of compute capability {major}.{minor}"
        ));
    }
    let kernel = cuda::Kernel::load(&plan.ptx)?;
    let weights = cuda::Memory::allocate(4096)?;
    Ok(Arc::new(Engine { logger, plan, kernel, _weights: weights }))
}
