//! Two processes that share memory of a device.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use nereid_conformance::Add;

use crate::device::{Device, Handle, INVALID_VALUE};

const LAZY: u32 = 1;
/// What the child finds the handle in.
const HANDLE: &str = "SOFTCUDA_TEST_HANDLE";

impl Device {
    fn open_exported(&self) -> u64 {
        let text = std::env::var(HANDLE).unwrap();
        let byte = |place: usize| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap();
        let handle = Handle { bytes: std::array::from_fn(byte) };
        let mut address = 0;
        assert_eq!(self.cuIpcOpenMemHandle_v2(&raw mut address, handle, LAZY), 0);
        address
    }
}

/// A test of this file, in a process of its own.
fn child(name: &str, handle: Handle) -> Child {
    let mut text = String::new();
    for byte in handle.bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("ipc::{name}"), "--ignored", "--nocapture"])
        .env(HANDLE, text)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the child says so; the test's name stands before it in the line.
fn hear(child: &mut BufReader<std::process::ChildStdout>, word: &str) {
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(child.read_line(&mut line).unwrap(), 0, "the child ended before `{word}`");
    }
}

#[test]
fn two_processes_share_memory() {
    let device = Device::open();
    let memory = device.upload(&[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let mut child = child("child_that_adds", device.export(memory));
    assert!(child.wait().unwrap().success());
    assert_eq!(device.download(memory, 12), [1, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0]);
    assert_eq!(device.cuMemFree_v2(memory), 0);
    assert_eq!(device.leaks(), [""; 0]);
    device.assert_clean();
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_adds() {
    let device = Device::open();
    let add = Add::load(&device);
    let (memory, again) = (device.open_exported(), device.open_exported());
    assert_eq!(memory, again);
    assert_eq!(device.download(memory, 8), [1, 0, 0, 0, 2, 0, 0, 0]);
    // By a kernel, with its constant 1: 1 + 10 + 1 goes to the third word.
    assert_eq!(add.launch(memory, memory + 8, 1, 0), 0);
    assert_eq!(device.cuCtxSynchronize(), 0);
    assert_eq!(device.count("allocations"), 1, "only the kernel's constant is ours");
    assert_eq!(device.cuIpcCloseMemHandle(memory), 0);
    assert_eq!(device.leaks().len(), 2, "{:?}", device.leaks());
    assert_eq!(device.cuIpcCloseMemHandle(memory), 0);
    assert_eq!(device.leaks().len(), 1);
    device.assert_clean();
    assert_eq!(device.cuIpcCloseMemHandle(memory), INVALID_VALUE);
    device.assert_violation("no memory of another process begins at");
}

#[test]
fn memory_that_is_freed_while_another_process_has_it_open() {
    let device = Device::open();
    let memory = device.upload(&[1; 8]);
    let mut child = child("child_that_goes_on", device.export(memory));
    let mut told = BufReader::new(child.stdout.take().unwrap());
    hear(&mut told, "opened");
    assert_eq!(device.cuMemFree_v2(memory), 0);
    device.assert_violation("allocation #1 is freed while 1 other process(es) have it open");
    child.stdin.take().unwrap().write_all(b"freed\n").unwrap();
    hear(&mut told, "seen");
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "a part of the test above"]
fn child_that_goes_on() {
    let device = Device::open();
    let memory = device.open_exported();
    assert_eq!(device.download(memory, 8), [1; 8]);
    println!("opened");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    device.assert_clean();
    assert_eq!(device.cuMemcpyDtoH_v2([0; 8].as_mut_ptr(), memory, 8), INVALID_VALUE);
    device.assert_violation("use of allocation #1 after it was freed");
    let leaks = device.leaks();
    assert!(leaks.len() == 1 && leaks[0].contains("opened and not closed"), "{leaks:?}");
    assert_eq!(device.cuIpcCloseMemHandle(memory), 0);
    assert_eq!(device.leaks(), [""; 0]);
    println!("seen");
}

#[test]
#[ignore = "a part of the test below"]
fn child_that_frees() {
    let device = Device::open();
    let memory = device.open_exported();
    assert_eq!(device.cuMemFree_v2(memory), INVALID_VALUE);
    device.assert_violation("memory of another process is to be closed, and not freed");
    assert_eq!(device.cuIpcCloseMemHandle(memory), 0);
}

#[test]
fn memory_of_another_process_is_not_freed() {
    let device = Device::open();
    let memory = device.upload(&[1; 8]);
    let mut child = child("child_that_frees", device.export(memory));
    assert!(child.wait().unwrap().success());
    assert_eq!(device.cuMemFree_v2(memory), 0);
    device.assert_clean();
}

#[test]
fn what_cannot_be_shared() {
    let device = Device::open();
    let (memory, mut pooled, mut address) = (device.alloc(16), 0, 0);
    let mut handle = Handle { bytes: [0; 64] };
    assert_eq!(device.cuMemAllocAsync(&raw mut pooled, 16, 0), 0);
    assert_eq!(device.cuIpcGetMemHandle(&raw mut handle, pooled), INVALID_VALUE);
    assert_eq!(device.cuIpcGetMemHandle(&raw mut handle, memory + 1), INVALID_VALUE);
    assert_eq!(device.cuIpcGetMemHandle(&raw mut handle, 5), INVALID_VALUE);
    let exported = device.export(memory);
    let mut open = |handle, flags| device.cuIpcOpenMemHandle_v2(&raw mut address, handle, flags);
    assert_eq!(open(exported, LAZY), 201, "it is the process's own");
    assert_eq!(open(exported, 0), INVALID_VALUE);
    assert_eq!(open(Handle { bytes: [7; 64] }, LAZY), INVALID_VALUE);
    let mut of_nobody = exported;
    of_nobody.bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(open(of_nobody, LAZY), INVALID_VALUE);
    let mut attribute = [0_u8; 2];
    for (place, address) in [memory, pooled].into_iter().enumerate() {
        let value = (&raw mut attribute[place]).cast();
        assert_eq!(device.cuPointerGetAttribute(value, 10, address), 0);
    }
    assert_eq!(attribute, [1, 0]);
    device.assert_clean();
}
