//! cuBLAS and cuDNN, whose handles are given and compute nothing, and all functions that the provider could call beside:
//! it asks the loader for each when it is opened.

use std::ffi::c_char;
use std::ptr::without_provenance_mut;

use crate::driver::NOT_SUPPORTED;

/// `CUDNN_VERSION` of 9.28.
const CUDNN_VERSION: usize = 92_801;

/// Functions that do nothing and succeed.
macro_rules! accepted {
    ($($name:ident,)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $name() -> i32 {
            0
        })*
    };
}

/// Functions that are not here.
macro_rules! refused {
    ($($name:ident,)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $name() -> i32 {
            NOT_SUPPORTED
        })*
    };
}

/// Functions that give a handle.
macro_rules! handles {
    ($($name:ident,)*) => {
        $(#[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(handle: *mut *mut u8) -> i32 {
            unsafe { *handle = without_provenance_mut(64) };
            0
        })*
    };
}

/// Functions that name an error.
macro_rules! texts {
    ($($name:ident,)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $name(_: i32) -> *const c_char {
            c"it is not here".as_ptr()
        })*
    };
}

handles! { cublasCreate_v2, cublasLtCreate, cudnnCreate, }
accepted! {
    cublasDestroy_v2, cublasLtDestroy, cublasSetStream_v2, cublasSetMathMode, cudnnDestroy, cudnnSetStream,
}
texts! { cublasGetStatusName, cublasGetStatusString, cudnnGetErrorString, }

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cublasGetMathMode(_handle: usize, mode: *mut i32) -> i32 {
    unsafe { *mode = 0 };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cudnnGetVersion() -> usize {
    CUDNN_VERSION
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cudnnGetLastErrorString(text: *mut c_char, _size: usize) {
    unsafe { *text = 0 };
}

refused! {
    cublasDcopy_v2, cublasDgeam, cublasDgemmBatched, cublasDgemmStridedBatched, cublasDgemm_v2,
    cublasDgetrfBatched, cublasDgetriBatched, cublasGemmBatchedEx, cublasGemmEx, cublasGemmStridedBatchedEx,
    cublasLtMatmul, cublasLtMatmulAlgoConfigSetAttribute, cublasLtMatmulAlgoGetHeuristic,
    cublasLtMatmulAlgoInit, cublasLtMatmulDescCreate, cublasLtMatmulDescDestroy, cublasLtMatmulDescSetAttribute,
    cublasLtMatmulPreferenceCreate, cublasLtMatmulPreferenceDestroy, cublasLtMatmulPreferenceSetAttribute,
    cublasLtMatrixLayoutCreate, cublasLtMatrixLayoutDestroy, cublasLtMatrixLayoutSetAttribute,
    cublasLtMatrixTransform, cublasLtMatrixTransformDescCreate, cublasLtMatrixTransformDescDestroy,
    cublasScopy_v2, cublasSgeam, cublasSgemmBatched, cublasSgemmStridedBatched, cublasSgemm_v2,
    cublasSgetrfBatched, cublasSgetriBatched, cublasSscal_v2, cudaEventElapsedTime, cudaFreeAsync,
    cudaFuncGetAttributes, cudaFuncSetAttribute, cudaGetDriverEntryPointByVersion, cudaGraphDestroy,
    cudaGraphExecDestroy, cudaGraphInstantiate, cudaGraphLaunch, cudaKernelSetAttributeForDevice,
    cudaLaunchKernel, cudaLaunchKernelExC, cudaLibraryGetKernel, cudaLibraryLoadData, cudaLibraryUnload,
    cudaMallocFromPoolAsync, cudaMemPoolCreate, cudaMemPoolDestroy, cudaMemPoolGetAttribute,
    cudaMemPoolSetAttribute, cudaMemPoolTrimTo, cudaMemcpy2DAsync, cudaMemcpyFromSymbol,
    cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags, cudaStreamBeginCapture, cudaStreamEndCapture,
    cudnnActivationForward, cudnnAddTensor, cudnnBackendCreateDescriptor, cudnnBackendDestroyDescriptor,
    cudnnBackendExecute, cudnnBackendFinalize, cudnnBackendGetAttribute, cudnnBackendSetAttribute,
    cudnnBatchNormalizationForwardInference, cudnnBatchNormalizationForwardTraining,
    cudnnConvolutionBiasActivationForward, cudnnConvolutionForward, cudnnCreateActivationDescriptor,
    cudnnCreateConvolutionDescriptor, cudnnCreateDropoutDescriptor, cudnnCreateFilterDescriptor,
    cudnnCreateLRNDescriptor, cudnnCreatePoolingDescriptor, cudnnCreateRNNDataDescriptor,
    cudnnCreateRNNDescriptor, cudnnCreateReduceTensorDescriptor, cudnnCreateTensorDescriptor,
    cudnnDeriveBNTensorDescriptor, cudnnDestroyActivationDescriptor, cudnnDestroyConvolutionDescriptor,
    cudnnDestroyDropoutDescriptor, cudnnDestroyFilterDescriptor, cudnnDestroyLRNDescriptor,
    cudnnDestroyPoolingDescriptor, cudnnDestroyRNNDataDescriptor, cudnnDestroyRNNDescriptor,
    cudnnDestroyReduceTensorDescriptor, cudnnDestroyTensorDescriptor, cudnnDropoutGetStatesSize,
    cudnnFindConvolutionForwardAlgorithmEx, cudnnGetConvolutionForwardAlgorithm_v7,
    cudnnGetConvolutionForwardWorkspaceSize, cudnnGetRNNTempSpaceSizes, cudnnGetRNNWeightParams,
    cudnnGetReductionIndicesSize, cudnnGetReductionWorkspaceSize, cudnnGetStream, cudnnGetTensorNdDescriptor,
    cudnnLRNCrossChannelForward, cudnnPoolingForward, cudnnRNNForward, cudnnReduceTensor,
    cudnnSetActivationDescriptor, cudnnSetConvolutionGroupCount, cudnnSetConvolutionMathType,
    cudnnSetConvolutionNdDescriptor, cudnnSetDropoutDescriptor, cudnnSetFilterNdDescriptor,
    cudnnSetLRNDescriptor, cudnnSetPoolingNdDescriptor, cudnnSetRNNDataDescriptor, cudnnSetRNNDescriptor_v8,
    cudnnSetReduceTensorDescriptor, cudnnSetTensorNdDescriptor, cudnnSoftmaxForward,
}
