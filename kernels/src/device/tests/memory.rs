//! Limits, ranges, and pinned memory that is used again.

use nereid_backend::error::InferError;

use super::*;

const LITTLE: Limits = Limits { memory_bytes: Some(1000), pinned_bytes: 256 << 10 };

fn little() -> Device {
    probe(LITTLE).unwrap().get(0).unwrap().clone()
}

#[test]
fn no_more_device_memory_is_used_than_allowed() {
    AnyCuda::new().run(|| {
        let stream = stream(&little(), "resnet50");
        let first = stream.allocate(600).unwrap();
        let error = stream.allocate(401).err().unwrap();
        let text = "device memory of cuda:0: resnet50 asked for 401 bytes, 600 of 1000 are in use";
        assert_eq!(error.to_string(), text);
        assert!(matches!(InferError::from(error), InferError::Overloaded(_)));
        drop(stream.allocate(400).unwrap());
        drop(first);
        drop(stream.allocate(1000).unwrap());
        assert_eq!(stream.device().memory().in_use(), 0);
    });
}

#[test]
fn no_more_memory_is_pinned_than_allowed() {
    AnyCuda::new().run(|| {
        let stream = stream(&little(), "resnet50");
        let first = stream.pinned(100 << 10).unwrap();
        let error = stream.pinned(129 << 10).err().unwrap().to_string();
        let text = "pinned memory of cuda:0: resnet50 asked for 196608 bytes, 131072 of 262144 \
                    are in use";
        assert_eq!(error, text);
        drop(first);
        // What is kept makes room for what does not fit it.
        assert_eq!(stream.pinned(250 << 10).unwrap().as_ref().len(), 250 << 10);
        assert_eq!(stream.device().pinned().in_use(), 256 << 10);
    });
}

#[test]
fn pinned_memory_is_used_again_when_its_copy_is_done() {
    AnyCuda::new().latest().run(|| {
        let (stream, copies) = (stream(&device(), "test"), CopyCounter::default());
        let mut first = stream.pinned(64).unwrap();
        first.as_mut().fill(1);
        let place = first.as_ref().as_ptr();
        let mut to = stream.allocate(64).unwrap();
        host_to_device(&mut to, 0, Source::Pinned(first), &copies).unwrap();
        let buffer = to.ready().unwrap();
        stream.synchronize().unwrap();
        let mut again = stream.pinned(64).unwrap();
        assert_eq!(again.as_ref().as_ptr(), place, "the same block");
        again.as_mut().fill(2);
        assert_eq!(download(&stream, &buffer, &copies)[..], [1; 64]);
    });
}

#[test]
fn pinned_memory_is_not_used_again_before_its_copy() {
    AnyCuda::new().latest().run(|| {
        let (stream, copies) = (stream(&device(), "test"), CopyCounter::default());
        let mut first = stream.pinned(64).unwrap();
        first.as_mut().fill(1);
        let mut to = stream.allocate(64).unwrap();
        host_to_device(&mut to, 0, Source::Pinned(first), &copies).unwrap();
        stream.pinned(64).unwrap().as_mut().fill(2);
        assert_eq!(download(&stream, &to.ready().unwrap(), &copies)[..], [1; 64]);
    });
}

/// As `host_to_device` would, without the end of its copy.
#[allow(unsafe_code)]
#[test]
fn mutant_that_gives_pinned_memory_back_early() {
    SoftCuda::new().set("run_when_awaited", 1).errs("pinned host memory was changed").run(|_| {
        let stream = stream(&device(), "test");
        let mut first = stream.pinned(64).unwrap();
        first.as_mut().fill(1);
        let to = stream.allocate(64).unwrap();
        // SAFETY: the memory is of this size; what becomes of the buffer is the test.
        let copied = unsafe { sys::memory::copy_in(to.address(), first.as_ref(), stream.raw()) };
        stream.device().told(copied).unwrap();
        drop(first);
        stream.pinned(64).unwrap().as_mut().fill(2);
        stream.synchronize().unwrap();
    });
}

#[test]
fn pageable_memory_is_taken_at_the_call() {
    AnyCuda::new().run(|| {
        let (stream, copies) = (stream(&device(), "test"), CopyCounter::default());
        let (mut bytes, mut to) = (vec![7; 64], stream.allocate(80).unwrap());
        to.fill(1).unwrap();
        host_to_device(&mut to, 16, Source::Pageable(&bytes), &copies).unwrap();
        bytes.fill(0);
        let down = download(&stream, &to.ready().unwrap(), &copies);
        assert_eq!((&down[..16], &down[16..]), (&[1; 16][..], &[7; 64][..]));
        assert_eq!((copies.get(Copy::HostToDevice), copies.get(Copy::DeviceToHost)), (64, 80));
    });
}

#[test]
fn a_copy_stays_within_its_memory() {
    SoftCuda::new().run(|cuda| {
        let (stream, copies) = (stream(&device(), "test"), CopyCounter::default());
        let buffer = upload(&stream, &[0; 64], &copies);
        let mut to = stream.allocate(64).unwrap();
        let text = |error: DeviceError| error.to_string();
        let error = host_to_device(&mut to, 60, Source::Pageable(&[0; 5]), &copies);
        assert_eq!(
            error.map_err(text),
            Err("bytes 60 to 65 asked of an allocation that has 64".into())
        );
        let error = device_to_host(&buffer, &(1..65), &stream, &copies).err().map(text);
        assert_eq!(error.as_deref(), Some("bytes 1 to 65 asked of a buffer that has 64"));
        let error = device_to_device(&mut to, usize::MAX, &buffer, &(0..64), &copies);
        assert!(matches!(error, Err(DeviceError::Range { .. })));
        device_to_device(&mut to, 32, &buffer, &(32..64), &copies).unwrap();
        assert_eq!((copies.get(Copy::DeviceToDevice), cuda.count("d2d_bytes")), (32, 32));
        assert_eq!((copies.get(Copy::HostToDevice), cuda.count("h2d_bytes")), (64, 64));
    });
}

#[test]
fn memory_of_no_bytes_is_memory() {
    AnyCuda::new().run(|| {
        let (stream, copies) = (stream(&device(), "test"), CopyCounter::default());
        let buffer = upload(&stream, &[], &copies);
        assert_eq!(download(&stream, &buffer, &copies).len(), 0);
        assert_eq!(copies.get(Copy::HostToDevice), 0);
    });
}
