//! The places of methods in the virtual tables of what is behind public objects. Two destructors come first; then
//! methods in the order in which `NvInferImpl.h` declares them, to whose end minors add (Itanium C++ ABI 2.5.2).

/// One major's places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(super) runtime: RuntimeSlots,
    pub(super) engine: EngineSlots,
    pub(super) context: ContextSlots,
    /// Of a logger that we make.
    pub(super) logger: LoggerLayout,
}

/// `apiv::VRuntime`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuntimeSlots {
    /// `deserializeCudaEngine(void const*, size_t)`
    pub(super) deserialize: usize,
}

/// `apiv::VCudaEngine`.
#[derive(Clone, Copy, Debug)]
pub(super) struct EngineSlots {
    /// `createExecutionContext(ExecutionContextAllocationStrategy)`
    pub(super) create_context: usize,
    /// `getNbOptimizationProfiles()`
    pub(super) profile_count: usize,
    /// `getTensorShape(char const*)`
    pub(super) tensor_shape: usize,
    /// `getTensorDataType(char const*)`
    pub(super) tensor_data_type: usize,
    /// `getTensorLocation(char const*)`
    pub(super) tensor_location: usize,
    /// `getTensorIOMode(char const*)`
    pub(super) tensor_mode: usize,
    /// `getTensorFormat(char const*)`
    pub(super) tensor_format: usize,
    /// `getProfileShape(char const*, int32_t, OptProfileSelector)`
    pub(super) profile_shape: usize,
    /// `getNbIOTensors()`
    pub(super) tensor_count: usize,
    /// `getIOTensorName(int32_t)`
    pub(super) tensor_name: usize,
}

/// `apiv::VExecutionContext`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContextSlots {
    /// `setOptimizationProfileAsync(int32_t, cudaStream_t)`
    pub(super) set_profile: usize,
    /// `setInputShape(char const*, Dims const&)`
    pub(super) set_input_shape: usize,
    /// `getTensorShape(char const*)`
    pub(super) tensor_shape: usize,
    /// `setTensorAddress(char const*, void*)`
    pub(super) set_address: usize,
    /// `inferShapes(int32_t, char const**)`
    pub(super) infer_shapes: usize,
    /// `setOutputAllocator(char const*, IOutputAllocator*)`
    pub(super) set_allocator: usize,
    /// `enqueueV3(cudaStream_t)`
    pub(super) enqueue: usize,
}

/// How `ILogger` is laid out. (`NvInferRuntimeCommon.h` of 10.x; `NvInferRuntime.h` of 11.x.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoggerLayout {
    /// `log` and the destructors.
    Plain,
    /// An `IVersionedInterface`: its language, what it is, the destructors, and `log`.
    Versioned,
}

impl Slots {
    /// Those of `major`, if they are known.
    pub(crate) fn of(major: i32) -> Option<&'static Self> {
        match major {
            10 => Some(&V10),
            11 => Some(&V11),
            _ => None,
        }
    }
}

/// `NvInferImpl.h` of 10.x.
static V10: Slots = Slots {
    runtime: RuntimeSlots { deserialize: 3 },
    engine: EngineSlots {
        create_context: 5,
        profile_count: 10,
        tensor_shape: 19,
        tensor_data_type: 20,
        tensor_location: 21,
        tensor_mode: 23,
        tensor_format: 26,
        profile_shape: 29,
        tensor_count: 30,
        tensor_name: 31,
    },
    context: ContextSlots {
        set_profile: 17,
        set_input_shape: 21,
        tensor_shape: 22,
        set_address: 24,
        infer_shapes: 28,
        set_allocator: 32,
        enqueue: 37,
    },
    logger: LoggerLayout::Plain,
};

/// `NvInferImpl.h` of 11.x.
static V11: Slots = Slots {
    runtime: RuntimeSlots { deserialize: 3 },
    engine: EngineSlots {
        create_context: 5,
        profile_count: 8,
        tensor_shape: 15,
        tensor_data_type: 16,
        tensor_location: 17,
        tensor_mode: 19,
        tensor_format: 22,
        profile_shape: 25,
        tensor_count: 26,
        tensor_name: 27,
    },
    context: ContextSlots {
        set_profile: 16,
        set_input_shape: 20,
        tensor_shape: 21,
        set_address: 23,
        infer_shapes: 27,
        set_allocator: 31,
        enqueue: 36,
    },
    logger: LoggerLayout::Versioned,
};

#[cfg(test)]
mod tests;
