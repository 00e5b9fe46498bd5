//! The double of the library, beside the tests' binary, and plans for it.

use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::process::Command;

use libloading::os::unix::Library;

/// `y = 2 x + 1`, of any number of rows of three, in two profiles.
pub(crate) const AFFINE: &str = concat!(
    "softnvinfer plan\ninput x FP32 -1,3\noutput y FP32 -1,3\n",
    "profile\nrange x 1,3 1,3 2,3\nprofile\nrange x 1,3 4,3 8,3\n",
    "ptx\n",
    include_str!("affine.ptx")
);

/// As [`AFFINE`], with other tensors and profiles.
pub(crate) fn plan(head: &str) -> String {
    format!("softnvinfer plan\n{head}\nptx\n{}", include_str!("affine.ptx"))
}

pub(crate) fn path() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libsoftnvinfer.so")
}

pub(crate) fn opened() -> Library {
    // SAFETY: the double does nothing when it is loaded.
    unsafe { Library::new(path()) }.unwrap()
}

/// What a test asks of the double.
pub(crate) struct Double(Library);

/// What the double counts.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    Engines = 1,
    Contexts = 2,
    Plugins = 3,
}

impl Double {
    pub(crate) fn new() -> Self {
        Self(opened())
    }

    pub(crate) fn set_version(&self, version: i32) {
        // SAFETY: this is the function's type.
        unsafe { self.0.get::<extern "C" fn(i32)>(b"softnvinfer_set_version").unwrap()(version) };
    }

    /// Lets calls of this function fail from now on; none if it is empty.
    pub(crate) fn fail(&self, function: &str) {
        let function = CString::new(function).unwrap();
        // SAFETY: this is the function's type.
        let fail =
            unsafe { self.0.get::<unsafe extern "C" fn(*const c_char)>(b"softnvinfer_fail") };
        // SAFETY: the name ends with a 0.
        unsafe { fail.unwrap()(function.as_ptr()) };
    }

    pub(crate) fn count(&self, what: Count) -> i32 {
        // SAFETY: this is the function's type.
        unsafe {
            self.0.get::<extern "C" fn(usize) -> i32>(b"softnvinfer_count").unwrap()(what as usize)
        }
    }
}

/// What a child process with the same environment writes while it runs `body`, and dies. The child is the
/// test's process again, which comes here with the same `mark`; `None` in a child of another one.
pub(crate) fn told_by_child(mark: &str, body: impl FnOnce()) -> Option<String> {
    const MARK: &str = "NEREID_TENSORRT_CHILD";
    match std::env::var(MARK) {
        Ok(given) if given == mark => {
            body();
            std::process::exit(0)
        }
        Ok(_) => None,
        Err(_) => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(std::env::args_os().skip(1)).env(MARK, mark);
            let output = command.output().unwrap();
            assert!(!output.status.success(), "nothing was found with {mark}");
            Some(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}
