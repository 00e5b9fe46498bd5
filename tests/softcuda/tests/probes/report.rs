//! The file that a program leaves which runs as a child.

use std::path::PathBuf;
use std::process::Command;

use crate::device::Device;

#[test]
fn a_child_leaves_a_report() {
    let pattern = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report-%p.txt");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "report::child_that_errs", "--ignored"])
        .env("SOFTCUDA_REPORT", &pattern)
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let path = pattern.to_str().unwrap().replace("%p", &child.id().to_string());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for line in [
        "counter h2d_bytes 24",
        "counter d2h_calls 0",
        "violation copy H2D: 8 bytes at offset 20 run over the end of allocation #1 of 24 bytes",
        "leak allocation #1 of 24 bytes",
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in:\n{text}");
    }
    assert_eq!(text.lines().filter(|line| !line.starts_with("counter ")).count(), 2, "{text}");
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_errs() {
    let device = Device::open();
    let memory = device.upload(&[1; 24]);
    assert_ne!(device.cuMemcpyHtoD_v2(memory + 20, [0; 8].as_ptr(), 8), 0);
}
