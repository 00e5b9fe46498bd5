//! Memory of another process: one that owns some, and does with it what its standard input says.

use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nereid_conformance::Driver;

use super::*;

const SIZE: usize = 64;

/// The process that owns the memory. It ends with its standard input.
struct Owner {
    child: Child,
    orders: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
    handle: SharedHandle,
}

impl Owner {
    /// One that has `SIZE` bytes of 1.
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "device::tests::shared::owner", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, told) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut owner = Self { child, orders, told, handle: [0; 64] };
        owner.handle = owner.hear("handle").try_into().unwrap();
        owner
    }

    /// What it has in its memory now.
    fn bytes(&mut self) -> Vec<u8> {
        writeln!(self.orders.as_ref().unwrap(), "tell").unwrap();
        self.hear("bytes")
    }

    fn hear(&mut self, what: &str) -> Vec<u8> {
        let line = self.told.by_ref().lines().map(Result::unwrap).find(|line| line.contains(what));
        let line = line.unwrap();
        let hex = line.split_once(what).unwrap().1.trim();
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..][..2], 16).unwrap()).collect()
    }

    /// Lets it free its memory and end in order.
    fn end(mut self) {
        drop(self.orders.take());
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
#[ignore = "a part of the tests below"]
fn owner() {
    let driver = Driver::open();
    let memory = driver.upload(&[1; SIZE]);
    let tell = |what: &str, bytes: &[u8]| {
        print!("\n{what} ");
        for byte in bytes {
            print!("{byte:02x}");
        }
        println!();
    };
    tell("handle", &driver.export(memory).bytes);
    for _ in stdin().lines() {
        tell("bytes", &driver.download(memory, SIZE));
    }
    driver.free(memory);
}

#[test]
fn memory_of_another_process_is_read_and_written_in_place() {
    SoftCuda::new().set("run_when_awaited", 1).run(|cuda| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let mut owner = Owner::start();
        let memory = SharedMemory::open(&device, &owner.handle, SIZE).unwrap();
        let added = added(&add_one(&device), &stream, memory.buffer());
        let mut to = memory.writing(&(8..16), &stream).unwrap();
        assert_eq!((to.size_bytes(), memory.size_bytes()), (8, SIZE));
        device_to_device(&mut to, 0, &added, &(0..8), &copies).unwrap();
        to.ready().unwrap().ready().unwrap().synchronize().unwrap();
        assert_eq!(owner.bytes(), [&[1; 8][..], &[2; 8], &[1; 48]].concat());
        // Nothing of it came to this host.
        let counted = ["h2d_bytes", "d2h_bytes", "d2d_bytes"].map(|name| cuda.count(name));
        assert_eq!((counted, copies.get(Copy::DeviceToDevice)), ([0, 0, 8], 8));
        drop((added, memory));
        until_given_back(&device);
        owner.end();
    });
}

/// Until the reaper has closed what was dropped before.
fn until_given_back(device: &Device) {
    let (told, heard) = std::sync::mpsc::channel();
    let reaper = device.reaper().clone();
    // What was dropped is watched first, and so is done before this is.
    let done = stream(device, "last").record().unwrap();
    device.reaper().watch(
        Box::new(done),
        Box::new(move |_| reaper.free(Box::new(move || told.send(()).unwrap()))),
    );
    heard.recv().unwrap();
}

#[test]
fn memory_of_another_process_stays_while_work_uses_it() {
    SoftCuda::new().set("delay_us", 20_000).run(|_| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let mut owner = Owner::start();
        let memory = SharedMemory::open(&device, &owner.handle, SIZE).unwrap();
        let added = added(&add_one(&device), &stream, memory.buffer());
        let mut to = memory.writing(&(0..SIZE), &stream).unwrap();
        device_to_device(&mut to, 0, &added, &(0..SIZE), &copies).unwrap();
        // Neither is known to be done. Closed now, the device would tell of a use after it.
        drop((memory, to));
        stream.synchronize().unwrap();
        assert_eq!(owner.bytes(), [2; SIZE]);
        drop(added);
        until_given_back(&device);
        owner.end();
    });
}

#[test]
fn what_cannot_be_mapped_is_refused_on_the_software_cuda_device() {
    SoftCuda::new().set("devices", 2).run(|_| {
        let devices = probe(LIMITS).unwrap();
        let [zero, one] = [0, 1].map(|ordinal| devices.get(ordinal).unwrap());
        let owner = Owner::start();
        let text = |device, handle, size| {
            let refused = SharedMemory::open(device, handle, size);
            refused.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let garbage = text(zero, &[7; 64], SIZE);
        assert!(garbage.starts_with("cuda:0: cuIpcOpenMemHandle: CUDA_ERROR_INVALID"), "{garbage}");
        let larger = text(zero, &owner.handle, SIZE + 1);
        assert_eq!(larger, "bytes 0 to 65 asked of shared memory that has 64");
        let elsewhere = text(one, &owner.handle, SIZE);
        assert_eq!(elsewhere, "the shared memory is on cuda:0, not on cuda:1");
        // Its own memory is nobody else's.
        let driver = Driver::open();
        let own = driver.upload(&[1]);
        let same = text(zero, &driver.export(own).bytes, 1);
        assert!(same.contains("cuIpcOpenMemHandle"), "{same}");
        driver.free(own);
        // What was refused is not kept.
        let memory = SharedMemory::open(zero, &owner.handle, SIZE).unwrap();
        let outside = memory.writing(&(1..SIZE + 1), &stream(zero, "test"));
        assert!(matches!(outside.err(), Some(DeviceError::Range { .. })));
        drop(memory);
        until_given_back(zero);
        owner.end();
    });
}

#[test]
fn memory_of_a_process_that_died_is_still_there_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let mut owner = Owner::start();
        let memory = SharedMemory::open(&device, &owner.handle, SIZE).unwrap();
        owner.child.kill().unwrap();
        owner.child.wait().unwrap();
        assert_eq!(download(&stream, memory.buffer(), &copies)[..], [1; SIZE]);
        drop(memory);
        until_given_back(&device);
        let again = SharedMemory::open(&device, &owner.handle, SIZE);
        assert!(matches!(again.err(), Some(DeviceError::Driver { .. })));
    });
}

#[test]
fn streams_that_are_done_with_memory_that_lives_on_are_forgotten() {
    SoftCuda::new().run(|_| {
        let (device, copies) = (device(), CopyCounter::default());
        let owner = Owner::start();
        let memory = SharedMemory::open(&device, &owner.handle, SIZE).unwrap();
        for _ in 0..100 {
            let stream = stream(&device, "short");
            let _there = download(&stream, memory.buffer(), &copies);
            stream.synchronize().unwrap();
            assert!(memory.buffer().readers() <= 16);
        }
        drop(memory);
        until_given_back(&device);
        owner.end();
    });
}
