//! Streams that share memory: what the layer orders, and the same programs without it, which the
//! software CUDA device must tell.

use std::sync::mpsc;

use super::*;

/// A buffer of `one`'s that `two` reads, with a kernel.
struct Shared {
    one: Stream,
    two: Stream,
    add_one: Function,
    buffer: Arc<DeviceBuffer>,
}

impl Shared {
    fn new() -> Self {
        let device = device();
        let (one, two) = (stream(&device, "one"), stream(&device, "two"));
        let buffer = upload(&one, &[1; 64], &CopyCounter::default());
        Self { one, two, add_one: add_one(&device), buffer }
    }

    fn download(&self, buffer: &DeviceBuffer) -> bytes::Bytes {
        download(&self.one, buffer, &CopyCounter::default())
    }
}

/// With streams that go on only as far as somebody waits for them: no luck helps.
fn latest() -> SoftCuda {
    SoftCuda::new().set("run_when_awaited", 1)
}

#[test]
fn streams_that_share_a_buffer_are_ordered_on_the_software_cuda_device() {
    for cuda in [latest(), SoftCuda::new().set("delay_us", 500)] {
        cuda.run(|cuda| {
            let shared = Shared::new();
            let by_two = added(&shared.add_one, &shared.two, &shared.buffer);
            let by_one = added(&shared.add_one, &shared.one, &by_two);
            assert_eq!(cuda.count("stream_syncs"), 0, "nobody waits on the host");
            assert_eq!(shared.download(&by_one)[..], [3; 64]);
        });
    }
}

#[test]
fn mutant_without_a_wait_for_the_writer() {
    latest().errs("race").run(|_| {
        let shared = Shared::new();
        let reading = shared.buffer.read(&shared.one).unwrap(); // Of the wrong stream.
        let to = shared.two.allocate(64).unwrap();
        launch(&shared.add_one, &shared.two, reading.address(), &to).unwrap();
        assert!(shared.two.synchronize().is_err(), "it reads what is not there yet");
    });
}

#[test]
fn a_buffer_is_freed_behind_its_readers() {
    AnyCuda::new().latest().run(|| {
        let Shared { one, two, add_one, buffer } = Shared::new();
        let by_two = added(&add_one, &two, &buffer);
        drop(buffer);
        one.synchronize().unwrap();
        assert_eq!(download(&one, &by_two, &CopyCounter::default())[..], [2; 64]);
    });
}

#[test]
fn a_buffer_is_freed_behind_all_of_its_readers() {
    AnyCuda::new().latest().run(|| {
        let Shared { one, two, add_one, buffer } = Shared::new();
        let three = stream(one.device(), "three");
        let made = [&two, &three].map(|reader| added(&add_one, reader, &buffer));
        drop(buffer); // In the order of one of them.
        for made in made {
            assert_eq!(download(&one, &made, &CopyCounter::default())[..], [2; 64]);
        }
    });
}

#[test]
fn mutant_that_forgets_a_reader() {
    latest().errs("after free").run(|_| {
        let Shared { one, two, add_one, buffer } = Shared::new();
        let reading = buffer.read(&two).unwrap();
        let to = two.allocate(64).unwrap();
        launch(&add_one, &two, reading.address(), &to).unwrap();
        std::mem::forget(reading);
        drop(buffer);
        one.synchronize().unwrap();
        assert!(two.synchronize().is_err(), "it reads what is there no more");
    });
}

#[test]
fn mutant_that_uses_a_buffer_after_it_is_freed() {
    SoftCuda::new().errs("after free").run(|_| {
        let Shared { one, add_one, buffer, .. } = Shared::new();
        let address = buffer.read(&one).unwrap().address();
        drop(buffer);
        let to = one.allocate(64).unwrap();
        launch(&add_one, &one, address, &to).unwrap();
        let _lost = one.synchronize();
    });
}

#[test]
fn mutant_with_a_grid_of_one_block_too_many_reads_out_of_bounds() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let Shared { one, add_one, buffer, .. } = Shared::new();
        let to = one.allocate(65).unwrap();
        launch(&add_one, &one, buffer.read(&one).unwrap().address(), &to).unwrap();
        assert!(matches!(one.synchronize(), Err(DeviceError::Lost { .. })));
    });
}

#[test]
fn what_other_threads_drop_is_freed_by_the_reaper() {
    SoftCuda::new().run(|cuda| {
        let Shared { one, two, add_one, buffer } = Shared::new();
        let frees = cuda.count("frees");
        let by_two = added(&add_one, &two, &buffer);
        let (told, heard) = mpsc::channel();
        std::thread::spawn(move || {
            drop((buffer, by_two));
            told.send(CALLS_DRIVER.get()).unwrap();
        });
        assert!(!heard.recv().unwrap(), "that thread called no driver");
        let reaper = one.device().reaper().clone();
        let (told, heard) = mpsc::channel();
        reaper.free(Box::new(move || told.send(()).unwrap()));
        heard.recv().unwrap();
        one.synchronize().unwrap();
        two.synchronize().unwrap();
        assert_eq!(cuda.count("frees"), frees + 2);
        assert_eq!(one.device().memory().in_use(), 0);
    });
}

/// An engine's tensor, which tells when it is given back.
struct Kept {
    _buffer: Arc<DeviceBuffer>,
    gone: mpsc::Sender<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.gone.send(()).unwrap();
    }
}

#[test]
#[allow(unsafe_code)]
fn foreign_memory_is_kept_until_its_readers_are_done() {
    AnyCuda::new().latest().run(|| {
        let Shared { one, two, add_one, buffer } = Shared::new();
        let address = buffer.read(&one).unwrap().address();
        let (gone, heard) = mpsc::channel();
        let ready = buffer.ready().cloned();
        let keeper = Arc::new(Kept { _buffer: buffer, gone });
        // SAFETY: the keeper keeps the buffer, which `ready` stands behind.
        let foreign = unsafe { DeviceBuffer::foreign(one.device(), (address, 64), ready, keeper) };
        assert_eq!((foreign.device(), foreign.size_bytes()), (DeviceId::Cuda(0), 64));
        let by_two = added(&add_one, &two, &foreign);
        drop(foreign);
        heard.recv().unwrap(); // The reaper asks for the end of the read, and so lets it come.
        assert_eq!(download(&two, &by_two, &CopyCounter::default())[..], [2; 64]);
    });
}
