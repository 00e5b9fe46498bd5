//! The part of `onnxruntime_ep_c_api.h` that providers implement and call, in version 23: each structure has what that
//! version has, in its order, by its names. ONNX Runtime looks at nothing that is newer than the version stated.
#![allow(non_snake_case, reason = "C's names")]

use std::ffi::{c_char, c_int, c_void};

use ort::sys::{
    OrtEpDevice, OrtGraph, OrtHardwareDevice, OrtHardwareDeviceType, OrtKernelContext,
    OrtKeyValuePairs, OrtLogger, OrtMemoryInfo, OrtMemoryInfoDeviceType, OrtNode, OrtRunOptions,
    OrtSessionOptions, OrtStatusPtr, OrtSyncStream, OrtValue,
};

/// The version of the interface.
pub(crate) const VERSION: u32 = 23;

/// A function that is not implemented, or not called.
pub(crate) type Unused = Option<unsafe extern "C" fn()>;

/// What ONNX Runtime keeps to itself.
macro_rules! opaque {
    ($($name:ident),*) => {
        $(#[repr(C)]
        pub(crate) struct $name {
            _private: [u8; 0],
        })*
    };
}
opaque!(OrtEpGraphSupportInfo, OrtMemoryDevice, OrtNodeComputeContext);

#[repr(C)]
pub(crate) struct OrtDataTransferImpl {
    pub(crate) ort_version_supported: u32,
    pub(crate) Release: unsafe extern "C" fn(*mut OrtDataTransferImpl),
    pub(crate) CanCopy: unsafe extern "C" fn(
        *const OrtDataTransferImpl,
        *const OrtMemoryDevice,
        *const OrtMemoryDevice,
    ) -> bool,
    pub(crate) CopyTensors: unsafe extern "C" fn(
        *mut OrtDataTransferImpl,
        *const *const OrtValue,
        *const *mut OrtValue,
        *const *mut OrtSyncStream,
        usize,
    ) -> OrtStatusPtr,
}

#[repr(C)]
pub(crate) struct OrtSyncNotificationImpl {
    pub(crate) ort_version_supported: u32,
    pub(crate) Release: unsafe extern "C" fn(*mut OrtSyncNotificationImpl),
    pub(crate) Activate: unsafe extern "C" fn(*mut OrtSyncNotificationImpl) -> OrtStatusPtr,
    pub(crate) WaitOnDevice:
        unsafe extern "C" fn(*mut OrtSyncNotificationImpl, *mut OrtSyncStream) -> OrtStatusPtr,
    pub(crate) WaitOnHost: unsafe extern "C" fn(*mut OrtSyncNotificationImpl) -> OrtStatusPtr,
}

#[repr(C)]
pub(crate) struct OrtSyncStreamImpl {
    pub(crate) ort_version_supported: u32,
    pub(crate) Release: unsafe extern "C" fn(*mut OrtSyncStreamImpl),
    pub(crate) GetHandle: unsafe extern "C" fn(*mut OrtSyncStreamImpl) -> *mut c_void,
    pub(crate) CreateNotification: unsafe extern "C" fn(
        *mut OrtSyncStreamImpl,
        *mut *mut OrtSyncNotificationImpl,
    ) -> OrtStatusPtr,
    pub(crate) Flush: unsafe extern "C" fn(*mut OrtSyncStreamImpl) -> OrtStatusPtr,
    pub(crate) OnSessionRunEnd: unsafe extern "C" fn(*mut OrtSyncStreamImpl) -> OrtStatusPtr,
}

#[repr(C)]
pub(crate) struct OrtNodeFusionOptions {
    pub(crate) ort_version_supported: u32,
    pub(crate) drop_constant_initializers: bool,
}

#[repr(C)]
pub(crate) struct OrtNodeComputeInfo {
    pub(crate) ort_version_supported: u32,
    pub(crate) CreateState: unsafe extern "C" fn(
        *mut OrtNodeComputeInfo,
        *mut OrtNodeComputeContext,
        *mut *mut c_void,
    ) -> OrtStatusPtr,
    pub(crate) Compute: unsafe extern "C" fn(
        *mut OrtNodeComputeInfo,
        *mut c_void,
        *mut OrtKernelContext,
    ) -> OrtStatusPtr,
    pub(crate) ReleaseState: unsafe extern "C" fn(*mut OrtNodeComputeInfo, *mut c_void),
}

/// Up to the last function that is called here.
#[repr(C)]
pub(crate) struct OrtEpApi {
    pub(crate) CreateEpDevice: unsafe extern "C" fn(
        *mut OrtEpFactory,
        *const OrtHardwareDevice,
        *const OrtKeyValuePairs,
        *const OrtKeyValuePairs,
        *mut *mut OrtEpDevice,
    ) -> OrtStatusPtr,
    ReleaseEpDevice: Unused,
    pub(crate) EpGraphSupportInfo_AddNodesToFuse: unsafe extern "C" fn(
        *mut OrtEpGraphSupportInfo,
        *const *const OrtNode,
        usize,
        *const OrtNodeFusionOptions,
    ) -> OrtStatusPtr,
    EpGraphSupportInfo_AddSingleNode: Unused,
    NodeComputeContext_NodeName: Unused,
    pub(crate) EpDevice_AddAllocatorInfo:
        unsafe extern "C" fn(*mut OrtEpDevice, *const OrtMemoryInfo) -> OrtStatusPtr,
    MemoryInfo_GetMemoryDevice: Unused,
    pub(crate) Value_GetMemoryDevice:
        unsafe extern "C" fn(*const OrtValue) -> *const OrtMemoryDevice,
    MemoryDevice_AreEqual: Unused,
    pub(crate) MemoryDevice_GetDeviceType:
        unsafe extern "C" fn(*const OrtMemoryDevice) -> OrtMemoryInfoDeviceType,
    MemoryDevice_GetMemoryType: Unused,
    MemoryDevice_GetVendorId: Unused,
    pub(crate) MemoryDevice_GetDeviceId: unsafe extern "C" fn(*const OrtMemoryDevice) -> u32,
    SyncStream_GetImpl: Unused,
    SyncStream_GetSyncId: Unused,
    GetSyncIdForLastWaitOnSyncStream: Unused,
    pub(crate) CreateHardwareDevice: unsafe extern "C" fn(
        OrtHardwareDeviceType,
        u32,
        u32,
        *const c_char,
        *const OrtKeyValuePairs,
        *mut *mut OrtHardwareDevice,
    ) -> OrtStatusPtr,
    pub(crate) ReleaseHardwareDevice: unsafe extern "C" fn(*mut OrtHardwareDevice),
}

#[repr(C)]
pub(crate) struct OrtEp {
    pub(crate) ort_version_supported: u32,
    pub(crate) GetName: unsafe extern "C" fn(*const OrtEp) -> *const c_char,
    pub(crate) GetCapability: unsafe extern "C" fn(
        *mut OrtEp,
        *const OrtGraph,
        *mut OrtEpGraphSupportInfo,
    ) -> OrtStatusPtr,
    pub(crate) Compile: unsafe extern "C" fn(
        *mut OrtEp,
        *const *const OrtGraph,
        *const *const OrtNode,
        usize,
        *mut *mut OrtNodeComputeInfo,
        *mut *mut OrtNode,
    ) -> OrtStatusPtr,
    pub(crate) ReleaseNodeComputeInfos:
        unsafe extern "C" fn(*mut OrtEp, *mut *mut OrtNodeComputeInfo, usize),
    pub(crate) GetPreferredDataLayout: Unused,
    pub(crate) ShouldConvertDataLayoutForOp: Unused,
    pub(crate) SetDynamicOptions: Unused,
    pub(crate) OnRunStart: Unused,
    pub(crate) OnRunEnd:
        unsafe extern "C" fn(*mut OrtEp, *const OrtRunOptions, bool) -> OrtStatusPtr,
    pub(crate) CreateAllocator: unsafe extern "C" fn(
        *mut OrtEp,
        *const OrtMemoryInfo,
        *mut *mut OrtAllocator,
    ) -> OrtStatusPtr,
    pub(crate) CreateSyncStreamForDevice: unsafe extern "C" fn(
        *mut OrtEp,
        *const OrtMemoryDevice,
        *mut *mut OrtSyncStreamImpl,
    ) -> OrtStatusPtr,
    pub(crate) GetCompiledModelCompatibilityInfo: Unused,
}

#[repr(C)]
pub(crate) struct OrtEpFactory {
    pub(crate) ort_version_supported: u32,
    pub(crate) GetName: unsafe extern "C" fn(*const OrtEpFactory) -> *const c_char,
    pub(crate) GetVendor: unsafe extern "C" fn(*const OrtEpFactory) -> *const c_char,
    pub(crate) GetSupportedDevices: unsafe extern "C" fn(
        *mut OrtEpFactory,
        *const *const OrtHardwareDevice,
        usize,
        *mut *mut OrtEpDevice,
        usize,
        *mut usize,
    ) -> OrtStatusPtr,
    pub(crate) CreateEp: unsafe extern "C" fn(
        *mut OrtEpFactory,
        *const *const OrtHardwareDevice,
        *const *const OrtKeyValuePairs,
        usize,
        *const OrtSessionOptions,
        *const OrtLogger,
        *mut *mut OrtEp,
    ) -> OrtStatusPtr,
    pub(crate) ReleaseEp: unsafe extern "C" fn(*mut OrtEpFactory, *mut OrtEp),
    pub(crate) GetVendorId: unsafe extern "C" fn(*const OrtEpFactory) -> u32,
    pub(crate) GetVersion: unsafe extern "C" fn(*const OrtEpFactory) -> *const c_char,
    pub(crate) ValidateCompiledModelCompatibilityInfo: Unused,
    pub(crate) CreateAllocator: unsafe extern "C" fn(
        *mut OrtEpFactory,
        *const OrtMemoryInfo,
        *const OrtKeyValuePairs,
        *mut *mut OrtAllocator,
    ) -> OrtStatusPtr,
    pub(crate) ReleaseAllocator: unsafe extern "C" fn(*mut OrtEpFactory, *mut OrtAllocator),
    pub(crate) CreateDataTransfer:
        unsafe extern "C" fn(*mut OrtEpFactory, *mut *mut OrtDataTransferImpl) -> OrtStatusPtr,
    pub(crate) IsStreamAware: unsafe extern "C" fn(*const OrtEpFactory) -> bool,
    pub(crate) CreateSyncStreamForDevice: unsafe extern "C" fn(
        *mut OrtEpFactory,
        *const OrtMemoryDevice,
        *const OrtKeyValuePairs,
        *mut *mut OrtSyncStreamImpl,
    ) -> OrtStatusPtr,
}

/// Of `onnxruntime_c_api.h`; the bindings end before its statistics.
#[repr(C)]
pub(crate) struct OrtAllocator {
    pub(crate) version: u32,
    pub(crate) Alloc: unsafe extern "C" fn(*mut OrtAllocator, usize) -> *mut c_void,
    pub(crate) Free: unsafe extern "C" fn(*mut OrtAllocator, *mut c_void),
    pub(crate) Info: unsafe extern "C" fn(*const OrtAllocator) -> *const OrtMemoryInfo,
    pub(crate) Reserve: unsafe extern "C" fn(*mut OrtAllocator, usize) -> *mut c_void,
    pub(crate) GetStats:
        unsafe extern "C" fn(*const OrtAllocator, *mut *mut OrtKeyValuePairs) -> OrtStatusPtr,
    pub(crate) AllocOnStream: Unused,
}

/// What an option says that is not there.
pub(crate) const NO_OPTION: c_int = 0;
