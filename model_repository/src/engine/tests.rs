//! By backend, by platform, by file.

use super::*;
use crate::fakes::{Repository, engines};

fn found(config: &str, folder: &Path) -> Result<&'static str, String> {
    let config = nereid_proto::config::parse(config.as_bytes()).unwrap().config;
    find(&config, folder, &engines()).map(|backend| backend.name())
}

#[test]
fn which_backend() {
    let repository = Repository::new();
    repository.file("m/1/model.onnx", "").folders(&["m/2/model.onnx", "m/3"]);
    let check = |config: &str, version: &str, expected: Result<&'static str, &str>| {
        let found = found(config, &repository.path.join("m").join(version));
        let found = found.map_err(|error| repository.shorten(&error));
        assert_eq!(found, expected.map_err(ToOwned::to_owned), "{config}");
    };
    check("backend: 'onnxruntime'", "3", Ok("onnxruntime"));
    check("backend: 'image'", "1", Ok("image"));
    check("platform: 'onnxruntime_onnx'", "3", Ok("onnxruntime"));
    check("backend: 'image' platform: 'anything'", "1", Ok("image"));
    check("", "1", Ok("onnxruntime"));
    check("", "2", Ok("onnxruntime")); // A model of ONNX may be a folder.
    check(
        "",
        "3",
        Err("no backend is stated, and R/m/3 has no file that tells it (model.onnx); state \
             `backend: \"...\"`, one of onnxruntime, image"),
    );
    check(
        "backend: 'python'",
        "1",
        Err("this server has no backend 'python'; it has onnxruntime, image"),
    );
    check(
        "platform: 'tensorrt_plan'",
        "1",
        Err("this server has no backend 'tensorrt'; it has onnxruntime, image"),
    );
    check(
        "platform: 'onnx'",
        "1",
        Err("unknown platform 'onnx': state a backend instead, one of onnxruntime, image"),
    );
}

#[test]
fn platforms() {
    assert_eq!(platform_of("onnxruntime"), "onnxruntime_onnx");
    assert_eq!(platform_of("tensorrt"), "tensorrt_plan");
    assert_eq!(platform_of("image"), "");
}
