//! NVIDIA's own library, as far as it comes without a GPU: it tells its version, and that it does not start.

use std::path::PathBuf;

use super::*;

/// Where `tools/nvjpeg.py` places a version, if it did.
fn fetched(wheel: &str, file: &str) -> Option<PathBuf> {
    let variable =
        |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("NEREID_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|home| home.join("nereid")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/nereid")));
    let folder = cache.map(|cache| cache.join(wheel)).filter(|folder| folder.join(file).exists());
    if folder.is_none() {
        eprintln!("SKIPPED: {wheel} is not in the cache: run tools/nvjpeg.py");
    }
    folder
}

/// Opens it on the software CUDA device, which is not enough for it.
fn open(version: &str) {
    let error = Nvjpeg::open(&device()).unwrap_err();
    assert!(matches!(error, NvjpegError::NoBackend { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("nvJPEG {version} has no decoder for cuda:0: ")), "{text}");
    for backend in ["hardware decoder", "decoder by kernels", "decoder by host and kernels"] {
        let reason = format!("{backend}: nvjpegCreateEx: NVJPEG_STATUS_");
        assert!(text.contains(&reason), "{text}");
    }
}

#[test]
fn version_12_says_why_it_does_not_start_on_the_software_cuda_device() {
    if let Some(folder) = fetched("nvidia-nvjpeg-cu12-12.4.0.76", "libnvjpeg.so.12") {
        SoftCuda::new().with_folder(folder).run(|_| open("12.4"));
    }
}

#[test]
fn version_13_says_why_it_does_not_start_on_the_software_cuda_device() {
    if let Some(folder) = fetched("nvidia-nvjpeg-13.3.2.43", "libnvjpeg.so.13") {
        SoftCuda::new().with_folder(folder).run(|_| open("13.3"));
    }
}
