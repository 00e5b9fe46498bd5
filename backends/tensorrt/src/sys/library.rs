//! `libnvinfer`, opened at run time.

use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library as Opened, RTLD_GLOBAL, RTLD_NOW};

use super::logger::Logger;
use super::object::Object;
use super::slots::Slots;
use super::{Refusal, logger};

/// By their sonames, the newest first.
const NAMES: [&str; 2] = ["libnvinfer.so.11", "libnvinfer.so.10"];

type CreateRuntime = unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void;
type InitPlugins = unsafe extern "C" fn(*mut c_void, *const c_char) -> bool;

/// The library, which stays open until the process ends.
pub(crate) struct Library {
    version: i32,
    pub(super) slots: &'static Slots,
    logger: &'static Logger,
    create_runtime: CreateRuntime,
}

/// Why there is none, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error(
        "TensorRT's runtime was not found ({0}); install libnvinfer.so.11 or libnvinfer.so.10, or give its path by \
         --backend-config=tensorrt,library=PATH"
    )]
    Missing(String),
    #[error("{path} is no runtime of TensorRT: it has no {function}")]
    Foreign { path: String, function: &'static str },
    #[error(
        "{path} is TensorRT {}.{}.{}, and Nereid takes 10.x and 11.x; give the path of such a libnvinfer by \
         --backend-config=tensorrt,library=PATH", version / 10_000, version / 100 % 100, version % 100
    )]
    Version { path: String, version: i32 },
    #[error(
        "the plug-in library {path} of --backend-config=tensorrt,plugins cannot be used: {reason}"
    )]
    Plugin { path: String, reason: String },
}

impl Library {
    /// Opens `path`, or what the loader finds by the library's names, and the libraries of plug-ins, and has
    /// them register what they have.
    pub(crate) fn open(path: Option<&Path>, plugins: &[PathBuf]) -> Result<Self, Unusable> {
        let (opened, path) = match path {
            Some(path) => (open(path), path.display().to_string()),
            None => find(),
        };
        let opened = opened.map_err(Unusable::Missing)?;
        let library = Self::of(&opened, &path, Slots::of)?;
        // What it registered stays registered, so it is never closed.
        std::mem::forget(opened);
        for plugin in plugins {
            library.load_plugins(plugin)?;
        }
        Ok(library)
    }

    /// What `opened` has, if `slots` knows its version's major.
    pub(super) fn of(
        opened: &Opened,
        path: &str,
        slots: impl Fn(i32) -> Option<&'static Slots>,
    ) -> Result<Self, Unusable> {
        let foreign = |function| Unusable::Foreign { path: path.to_owned(), function };
        // SAFETY: this is the function's type, in all versions. (`NvInferRuntimeBase.h`.)
        let version = unsafe { opened.get::<unsafe extern "C" fn() -> i32>(b"getInferLibVersion") };
        let version = version.map_err(|_| foreign("getInferLibVersion"))?;
        // SAFETY: it only tells a number.
        let version = unsafe { version() };
        let slots = slots(version / 10_000)
            .ok_or_else(|| Unusable::Version { path: path.to_owned(), version })?;
        // SAFETY: this is the function's type in the majors that have slots. (`NvInferRuntime.h`.)
        let create = unsafe { opened.get::<CreateRuntime>(b"createInferRuntime_INTERNAL") };
        let create_runtime = *create.map_err(|_| foreign("createInferRuntime_INTERNAL"))?;
        Ok(Self { version, slots, logger: Logger::new(slots.logger), create_runtime })
    }

    fn load_plugins(&self, path: &Path) -> Result<(), Unusable> {
        let unusable = |reason| Unusable::Plugin { path: path.display().to_string(), reason };
        let opened = open(path).map_err(unusable)?;
        // A library may as well register its plug-ins while it is loaded.
        // SAFETY: this is the function's type. (`NvInferPlugin.h`.)
        if let Ok(init) = unsafe { opened.get::<InitPlugins>(b"initLibNvInferPlugins") } {
            drop(logger::take_error());
            // SAFETY: the logger is of the library's layout and never freed; the name ends with a 0.
            if !unsafe { init(self.logger.pointer(), c"".as_ptr()) } {
                return Err(unusable(Refusal::of("initLibNvInferPlugins").to_string()));
            }
        }
        std::mem::forget(opened);
        Ok(())
    }

    /// As people write it: `11.4.0`.
    pub(crate) fn version(&self) -> String {
        let version = self.version;
        format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
    }

    /// A new `IRuntime`.
    pub(super) fn create_runtime(&self) -> Result<Object, Refusal> {
        drop(logger::take_error());
        // SAFETY: the logger is of the library's layout and never freed; what comes is a new public object.
        let runtime =
            unsafe { Object::new((self.create_runtime)(self.logger.pointer(), self.version)) };
        runtime.ok_or_else(|| Refusal::of("createInferRuntime"))
    }
}

fn find() -> (Result<Opened, String>, String) {
    let mut reasons = Vec::new();
    for name in NAMES {
        match open(Path::new(name)) {
            Ok(opened) => return (Ok(opened), name.to_owned()),
            Err(reason) => reasons.push(reason),
        }
    }
    (Err(reasons.join("; ")), String::new())
}

/// Plug-ins look for TensorRT's symbols in the process, so these are global.
fn open(path: &Path) -> Result<Opened, String> {
    // SAFETY: whoever starts the server chose the library, and what it does when it is loaded.
    let opened = unsafe { Opened::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    opened.map_err(|error| {
        let mut text = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            text = format!("{text}: {cause}");
        }
        text
    })
}
