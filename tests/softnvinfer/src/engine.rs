//! `ICudaEngine`.

use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};
use std::sync::Arc;

use crate::context::Context;
use crate::control::{self, Kind};
use crate::cuda;
use crate::logger::{ERROR, Logger};
use crate::object::{Class, Inner, Public, create};
use crate::plan::{Plan, Tensor};
use crate::shape::Dims;
use crate::vtable::{Slot, class_table};

pub(crate) struct Engine {
    pub(crate) logger: Logger,
    pub(crate) plan: Plan,
    pub(crate) kernel: cuda::Kernel,
    /// A leak of it is a leak of the engine.
    pub(crate) _weights: cuda::Memory,
}

type This<'a> = &'a Inner<Arc<Engine>>;

impl Class for Arc<Engine> {
    const KIND: Kind = Kind::Engine;

    fn check_end(&self) {
        if Self::strong_count(self) > 1 {
            control::violation("an engine was deleted before its execution contexts");
        }
    }

    fn methods() -> &'static [Slot] {
        let methods = [
            ("createExecutionContext", create_context as Slot),
            ("getNbOptimizationProfiles", profile_count as Slot),
            ("getTensorShape", shape as Slot),
            ("getTensorDataType", data_type as Slot),
            ("getTensorLocation", location as Slot),
            ("isShapeInferenceIO", is_shape as Slot),
            ("getTensorIOMode", mode as Slot),
            ("getTensorFormat", format as Slot),
            ("getProfileShape", profile_shape as Slot),
            ("getNbIOTensors", tensor_count as Slot),
            ("getIOTensorName", tensor_name as Slot),
        ];
        class_table::<1>(control::major(), &methods)
    }
}

impl Engine {
    pub(crate) fn find(&self, name: *const c_char) -> Option<&Tensor> {
        // SAFETY: the caller gives a string of C.
        let name = unsafe { CStr::from_ptr(name) };
        self.plan.tensors.iter().find(|tensor| *tensor.name == *name)
    }

    fn tell<T>(
        &self,
        function: &str,
        name: *const c_char,
        tell: impl Fn(&Tensor) -> T,
    ) -> Option<T> {
        if self.logger.asked_to_fail(function) {
            return None;
        }
        self.find(name).map(tell)
    }
}

extern "C" fn create_context(this: This<'_>, strategy: i32) -> *mut Public {
    let engine = &this.body;
    if engine.logger.asked_to_fail("createExecutionContext") {
        return null_mut();
    }
    if strategy != 0 {
        control::violation("an execution context of a strategy that nobody here has");
    }
    match Context::new(engine.clone()) {
        Ok(context) => create(context),
        Err(text) => {
            engine.logger.log(ERROR, &text);
            null_mut()
        }
    }
}

extern "C" fn profile_count(this: This<'_>) -> i32 {
    let engine = &this.body;
    if engine.logger.asked_to_fail("getNbOptimizationProfiles") {
        return 0;
    }
    i32::try_from(engine.plan.profiles.len()).unwrap_or(0).max(1)
}

extern "C" fn tensor_count(this: This<'_>) -> i32 {
    let engine = &this.body;
    if engine.logger.asked_to_fail("getNbIOTensors") {
        return 0;
    }
    i32::try_from(engine.plan.tensors.len()).unwrap_or(0)
}

extern "C" fn tensor_name(this: This<'_>, index: i32) -> *const c_char {
    let engine = &this.body;
    if engine.logger.asked_to_fail("getIOTensorName") {
        return null();
    }
    let tensor = usize::try_from(index).ok().and_then(|index| engine.plan.tensors.get(index));
    tensor.map_or(null(), |tensor| tensor.name.as_ptr())
}

extern "C" fn shape(this: This<'_>, name: *const c_char) -> Dims {
    this.body.tell("getTensorShape", name, Tensor::declared).unwrap_or(Dims::INVALID)
}

extern "C" fn data_type(this: This<'_>, name: *const c_char) -> i32 {
    this.body.tell("getTensorDataType", name, |tensor| tensor.data_type).unwrap_or(99)
}

extern "C" fn location(this: This<'_>, name: *const c_char) -> i32 {
    this.body.tell("getTensorLocation", name, |tensor| i32::from(tensor.is_host)).unwrap_or(99)
}

extern "C" fn is_shape(this: This<'_>, name: *const c_char) -> bool {
    this.body.tell("isShapeInferenceIO", name, |tensor| tensor.is_host).unwrap_or(false)
}

extern "C" fn mode(this: This<'_>, name: *const c_char) -> i32 {
    let mode = |tensor: &Tensor| if tensor.is_input { 1 } else { 2 };
    this.body.tell("getTensorIOMode", name, mode).unwrap_or(0)
}

extern "C" fn format(this: This<'_>, name: *const c_char) -> i32 {
    this.body.tell("getTensorFormat", name, |tensor| tensor.format).unwrap_or(99)
}

extern "C" fn profile_shape(this: This<'_>, name: *const c_char, profile: i32, which: i32) -> Dims {
    let engine = &this.body;
    if engine.logger.asked_to_fail("getProfileShape") {
        return Dims::INVALID;
    }
    let Some(tensor) = engine.find(name) else { return Dims::INVALID };
    let which = usize::try_from(which).unwrap_or(usize::MAX);
    let range = usize::try_from(profile).ok().and_then(|index| engine.plan.profiles.get(index));
    let range = range.and_then(|ranges| {
        ranges.iter().find(|(name, _)| name.as_bytes() == tensor.name.as_bytes())
    });
    let dims = range.and_then(|(_, range)| range.get(which).copied());
    dims.unwrap_or_else(|| tensor.declared())
}
