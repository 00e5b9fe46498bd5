//! The slots of 11.x, as a C++ compiler lays out the classes of NVIDIA's headers. The headers are fetched by
//! `tools/tensorrt.py headers`, and where they or a compiler are missing, this says so and checks nothing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::{Slots, all};

/// A pointer to a virtual method is one more than its place in the table, in bytes. (Itanium C++ ABI 2.3, x86-64.)
const HEAD: &str = "
#include <NvInferRuntime.h>
#include <cstdio>
#include <cstring>
template <class M> long slot(M method) {
    long word; std::memcpy(&word, &method, sizeof word); return (word - 1) / (long)sizeof(void*);
}
using namespace nvinfer1;
int main() {
";

fn headers() -> Option<PathBuf> {
    let headers = PathBuf::from(std::env::var_os("NEREID_TENSORRT_HEADERS")?);
    headers.join("TRT-Enterprise-11.4/NvInferRuntime.h").is_file().then_some(headers)
}

#[test]
fn slots_of_11_are_those_of_the_headers() {
    let Some(headers) = headers().filter(|_| cfg!(target_arch = "x86_64")) else {
        return eprintln!(
            "SKIPPED: no headers of TensorRT; NEREID_TENSORRT_HEADERS=$(python3 tools/tensorrt.py headers)"
        );
    };
    let slots = all(Slots::of(11).unwrap());
    let mut source = HEAD.to_owned();
    for (class, method, _) in &slots {
        // One of them is overloaded in 10.x only.
        writeln!(source, "    std::printf(\"%ld\\n\", slot(&apiv::{}::{method}));", class.name)
            .unwrap();
    }
    source.push_str("}\n");
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("slots.cpp"), folder.path().join("slots"));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("c++");
    compiler.arg("-w").arg("-I").arg(headers.join("TRT-Enterprise-11.4")).arg("-I").arg(&headers);
    let Ok(compiled) = compiler.arg(&file).arg("-o").arg(&program).output() else {
        return eprintln!("SKIPPED: no C++ compiler (c++)");
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let told = Command::new(&program).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let told: Vec<usize> = told.lines().map(|line| line.parse().unwrap()).collect();
    let expected: Vec<usize> = slots.iter().map(|(_, _, slot)| *slot).collect();
    assert_eq!(told, expected);
}
