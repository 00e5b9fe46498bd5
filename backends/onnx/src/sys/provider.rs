//! From our providers to ONNX Runtime's: the one place where they differ.

use std::ffi::{CStr, CString, c_char};
use std::{ptr, slice};

use nereid_backend::device::DeviceId;
use nereid_kernels::device::Stream;
use ort::environment::Environment;
use ort::session::builder::SessionBuilder;
use ort::{AsPointer, Error, Result, ortsys};

use crate::providers::{Options, Provider};

/// Puts a provider behind those that the session has, for work in `stream`, which outlives the session.
///
/// # Errors
/// What ONNX Runtime says: a library that is not there, or an option that the provider does not have.
pub(super) fn append(
    builder: &mut SessionBuilder,
    environment: &Environment,
    provider: &Provider,
    stream: &Stream,
) -> Result<()> {
    match provider {
        Provider::Cuda(options) => append_cuda(builder, &Pairs::new(options, stream)?),
        Provider::TensorRt(options) => append_tensorrt(builder, &Pairs::new(options, stream)?),
        Provider::Plugin(plugin, options) => {
            let device = plugin.device(stream.device().id())?;
            let pairs = Pairs::new(options, stream)?;
            let (keys, values) = pairs.pointers();
            // SAFETY: all are alive; the arrays have the lengths that are told.
            ortsys![
                unsafe SessionOptionsAppendExecutionProvider_V2(
                    builder.ptr_mut(),
                    environment.ptr().cast_mut(),
                    [device].as_ptr(),
                    1,
                    keys.as_ptr(),
                    values.as_ptr(),
                    keys.len(),
                )?
            ];
            Ok(())
        }
    }
}

/// The two of ONNX Runtime's own have the same functions under other names.
macro_rules! append_built_in {
    ($name:ident, $create:ident, $update:ident, $append:ident, $release:ident) => {
        fn $name(builder: &mut SessionBuilder, pairs: &Pairs) -> Result<()> {
            let mut options = ptr::null_mut();
            // SAFETY: the call makes `options`, which are then ours.
            ortsys![unsafe $create(&raw mut options)?];
            let (keys, values) = pairs.pointers();
            // SAFETY: all are alive; the arrays have the lengths that are told.
            let updated = ortsys![
                unsafe $update(options, keys.as_ptr(), values.as_ptr(), keys.len())
            ];
            // SAFETY: the call has just returned it.
            let appended = unsafe { Error::result_from_status(updated) }.and_then(|()| {
                // SAFETY: both are alive; the session's options take what they need.
                let appended = ortsys![unsafe $append(builder.ptr_mut(), options)];
                // SAFETY: the call has just returned it.
                unsafe { Error::result_from_status(appended) }
            });
            // SAFETY: they are ours, and nobody uses them after this.
            ortsys![unsafe $release(options)];
            appended
        }
    };
}

append_built_in!(
    append_cuda,
    CreateCUDAProviderOptions,
    UpdateCUDAProviderOptions,
    SessionOptionsAppendExecutionProvider_CUDA_V2,
    ReleaseCUDAProviderOptions
);
append_built_in!(
    append_tensorrt,
    CreateTensorRTProviderOptions,
    UpdateTensorRTProviderOptions,
    SessionOptionsAppendExecutionProvider_TensorRT_V2,
    ReleaseTensorRTProviderOptions
);

/// Options as C takes them: those of the provider, and on which device and in which stream it works.
struct Pairs(Vec<(CString, CString)>);

impl Pairs {
    fn new(options: &Options, stream: &Stream) -> Result<Self> {
        let ordinal = match stream.device().id() {
            DeviceId::Cuda(ordinal) => ordinal,
            DeviceId::Cpu => 0,
        };
        let address = stream.handle().addr().to_string();
        let own = [
            ("device_id", ordinal.to_string()),
            ("has_user_compute_stream", "1".to_owned()),
            ("user_compute_stream", address),
        ];
        let stated = options.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let pair = |(key, value): (&str, String)| {
            Ok((CString::new(key).map_err(Error::wrap)?, CString::new(value).map_err(Error::wrap)?))
        };
        stated.chain(own).map(pair).collect::<Result<_>>().map(Self)
    }

    fn pointers(&self) -> (Vec<*const c_char>, Vec<*const c_char>) {
        self.0.iter().map(|(key, value)| (key.as_ptr(), value.as_ptr())).unzip()
    }
}

/// Whether the library was built with the provider of that name, such as `CUDAExecutionProvider`, which
/// does not say that it can be loaded.
///
/// # Errors
/// What ONNX Runtime says.
pub(crate) fn is_built_in(name: &str) -> Result<bool> {
    let (mut names, mut count) = (ptr::null_mut(), 0);
    // SAFETY: the call makes the array, which is then ours.
    ortsys![unsafe GetAvailableProviders(&raw mut names, &raw mut count)?];
    // SAFETY: the array has so many pointers.
    let all = unsafe { slice::from_raw_parts(names, usize::try_from(count).unwrap_or(0)) };
    // SAFETY: each is a C string.
    let is_it = |each: &*mut c_char| unsafe { CStr::from_ptr(*each) }.to_bytes() == name.as_bytes();
    let is_there = all.iter().any(is_it);
    // SAFETY: it is ours, and nobody reads it after this.
    ortsys![unsafe ReleaseAvailableProviders(names, count)?];
    Ok(is_there)
}
