//! ONNX Runtime's own functions, and the library's two entries.

#![allow(unreachable_pub, reason = "they are exported by name")]

use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use ort::sys::{OrtApi, OrtApiBase, OrtErrorCode, OrtLogger, OrtStatusPtr};

use crate::abi::{OrtEpApi, OrtEpFactory};
use crate::control;
use crate::factory::Factory;

/// A call that failed, in words.
pub(crate) type Failure = String;

/// The version of the bindings.
const API_VERSION: u32 = 24;

struct Api {
    ort: &'static OrtApi,
    ep: &'static OrtEpApi,
}

static API: OnceLock<Api> = OnceLock::new();

fn api() -> &'static Api {
    // Nothing is called before the factory is made.
    API.get().unwrap_or_else(|| std::process::abort())
}

/// The functions for everybody.
pub(crate) fn ort() -> &'static OrtApi {
    api().ort
}

/// The functions for providers.
pub(crate) fn ep() -> &'static OrtEpApi {
    api().ep
}

/// Calls a function that gives a status.
macro_rules! call {
    ($api:ident.$function:ident($($argument:expr),* $(,)?)) => {
        $crate::api::result(unsafe { ($crate::api::$api().$function)($($argument),*) })
    };
}
pub(crate) use call;

/// A status as a result.
pub(crate) fn result(status: OrtStatusPtr) -> Result<(), Failure> {
    if status.0.is_null() {
        return Ok(());
    }
    let text = unsafe { CStr::from_ptr((ort().GetErrorMessage)(status.0)) };
    let text = text.to_string_lossy().into_owned();
    unsafe { (ort().ReleaseStatus)(status.0) };
    Err(text)
}

/// A result as a status, of the function of that name, which a test may have fail.
pub(crate) fn status(function: &str, body: impl FnOnce() -> Result<(), Failure>) -> OrtStatusPtr {
    match control::check(function).and_then(|()| body()) {
        Ok(()) => OrtStatusPtr::default(),
        Err(text) => {
            let text = CString::new(text).unwrap_or_default();
            unsafe { (ort().CreateStatus)(OrtErrorCode::ORT_EP_FAIL, text.as_ptr()) }
        }
    }
}

/// # Safety
/// As `CreateEpApiFactoriesFn` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CreateEpFactories(
    _registered_name: *const c_char,
    base: *const OrtApiBase,
    _logger: *const OrtLogger,
    factories: *mut *mut OrtEpFactory,
    _most: usize,
    count: *mut usize,
) -> OrtStatusPtr {
    let ort = unsafe { ((*base).GetApi)(API_VERSION).as_ref() };
    let ep = ort.and_then(|ort| unsafe { (ort.GetEpApi)().cast::<OrtEpApi>().as_ref() });
    let (Some(ort), Some(ep)) = (ort, ep) else { std::process::abort() };
    API.get_or_init(|| Api { ort, ep });
    status("CreateEpFactories", || {
        let factory = Factory::new()?;
        unsafe {
            *factories = Box::into_raw(Box::new(factory)).cast();
            *count = 1;
        }
        Ok(())
    })
}

/// # Safety
/// As `ReleaseEpApiFactoryFn` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ReleaseEpFactory(factory: *mut OrtEpFactory) -> OrtStatusPtr {
    drop(unsafe { Box::from_raw(factory.cast::<Factory>()) });
    OrtStatusPtr::default()
}
