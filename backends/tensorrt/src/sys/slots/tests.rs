//! The slots are those of the double, whose tables are written down by name, and of NVIDIA's headers.

use softnvinfer::tables::{CONTEXT, Class, ENGINE, RUNTIME};

use super::*;

mod headers;

/// Each slot with its class and method.
pub(super) fn all(slots: &Slots) -> Vec<(&'static Class, &'static str, usize)> {
    let Slots { runtime, engine, context, .. } = slots;
    vec![
        (&RUNTIME, "deserializeCudaEngine", runtime.deserialize),
        (&ENGINE, "createExecutionContext", engine.create_context),
        (&ENGINE, "getNbOptimizationProfiles", engine.profile_count),
        (&ENGINE, "getTensorShape", engine.tensor_shape),
        (&ENGINE, "getTensorDataType", engine.tensor_data_type),
        (&ENGINE, "getTensorLocation", engine.tensor_location),
        (&ENGINE, "getTensorIOMode", engine.tensor_mode),
        (&ENGINE, "getTensorFormat", engine.tensor_format),
        (&ENGINE, "getProfileShape", engine.profile_shape),
        (&ENGINE, "getNbIOTensors", engine.tensor_count),
        (&ENGINE, "getIOTensorName", engine.tensor_name),
        (&CONTEXT, "setOptimizationProfileAsync", context.set_profile),
        (&CONTEXT, "setInputShape", context.set_input_shape),
        (&CONTEXT, "getTensorShape", context.tensor_shape),
        (&CONTEXT, "setTensorAddress", context.set_address),
        (&CONTEXT, "inferShapes", context.infer_shapes),
        (&CONTEXT, "setOutputAllocator", context.set_allocator),
        (&CONTEXT, "enqueueV3", context.enqueue),
    ]
}

#[test]
fn each_slot_is_its_methods() {
    for major in [10, 11] {
        for (class, method, slot) in all(Slots::of(major).unwrap()) {
            assert_eq!(
                class.slot(major, method),
                Some(slot),
                "{} of {major}: {method}",
                class.name
            );
        }
    }
}

#[test]
fn other_majors_have_none() {
    for major in [1, 8, 9, 12] {
        assert!(Slots::of(major).is_none(), "{major}");
    }
}
