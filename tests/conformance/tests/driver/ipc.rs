//! Two processes that share memory of a device.

use std::fmt::Write as _;
use std::process::Command;

use nereid_conformance::{Add, Driver, IpcHandle, words};
use nereid_softcuda_harness::AnyCuda;

/// `CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS`.
const LAZY: u32 = 1;
/// `CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL`, `_RANGE_START_ADDR` and `_RANGE_SIZE`.
const ORDINAL: i32 = 9;
const RANGE_START: i32 = 11;
const RANGE_SIZE: i32 = 12;
/// What the child finds the handle in.
const HANDLE: &str = "CONFORMANCE_IPC_HANDLE";

#[test]
fn two_processes_share_memory() {
    AnyCuda::new().run(|| {
        let driver = Driver::open();
        let memory = driver.upload(&words(&[1, 2, 0]));
        let mut handle = String::new();
        for byte in driver.export(memory).bytes {
            write!(handle, "{byte:02x}").unwrap();
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ipc::child_that_adds", "--ignored", "--nocapture"])
            .env(HANDLE, handle)
            .status();
        assert!(child.unwrap().success());
        assert_eq!(driver.download(memory, 12), words(&[1, 2, 12]));
        driver.free(memory);
    });
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_adds() {
    let Ok(text) = std::env::var(HANDLE) else { return };
    let driver = Driver::open();
    let add = Add::load(&driver);
    let byte = |place: usize| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap();
    let handle = IpcHandle { bytes: std::array::from_fn(byte) };
    let mut memory = 0;
    assert_eq!(driver.cuIpcOpenMemHandle_v2(&raw mut memory, handle, LAZY), 0);
    assert_eq!(driver.download(memory, 8), words(&[1, 2]));
    check_place(&driver, memory);
    assert_eq!(add.launch(memory, memory + 8, 1, 0), 0);
    assert_eq!(driver.cuCtxSynchronize(), 0);
    assert_eq!(driver.cuIpcCloseMemHandle(memory), 0);
}

/// What is mapped is told as what is allocated: whose it is, and at least as much as was asked for.
fn check_place(driver: &Driver, memory: u64) {
    let (mut ordinal, mut start, mut size) = (-1_i32, 0_u64, 0_usize);
    assert_eq!(driver.cuPointerGetAttribute((&raw mut ordinal).cast(), ORDINAL, memory), 0);
    assert_eq!(driver.cuPointerGetAttribute((&raw mut start).cast(), RANGE_START, memory), 0);
    assert_eq!(driver.cuPointerGetAttribute((&raw mut size).cast(), RANGE_SIZE, memory), 0);
    assert_eq!(ordinal, 0);
    assert!(start <= memory && memory + 12 <= start + size as u64, "{start:#x} {size} {memory:#x}");
}
