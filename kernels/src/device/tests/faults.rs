//! What fails, fails with a clear text, and leaves nothing behind.

use nereid_backend::backend::Completion;
use nereid_backend::error::{InferError, Kind};

use super::*;

/// Up, through a kernel, and down again.
fn pipeline(device: &Device, copies: &CopyCounter) -> Result<bytes::Bytes, DeviceError> {
    let stream = device.stream("pipeline", Priority::Greatest)?;
    let function = Module::load(device, PTX)?.function("add_one")?;
    let mut pinned = stream.pinned(64)?;
    pinned.as_mut().fill(1);
    let mut up = stream.allocate(64)?;
    host_to_device(&mut up, 0, Source::Pinned(pinned), copies)?;
    let up = up.ready()?;
    let reading = up.read(&stream)?;
    let to = stream.allocate(64)?;
    launch(&function, &stream, reading.address(), &to)?;
    drop(reading);
    device_to_host(&*to.ready()?, &(0..64), &stream, copies)?.bytes()
}

#[test]
fn out_of_memory_at_every_allocation() {
    SoftCuda::new().run(|cuda| {
        let mut failures = 0;
        for nth in 1.. {
            let device = device(); // Anew, without pinned memory that was kept.
            cuda.set("fail_allocation", nth);
            let ended = pipeline(&device, &CopyCounter::default());
            cuda.set("fail_allocation", 0);
            let error = match ended {
                Ok(bytes) => {
                    assert_eq!(bytes[..], [2; 64]);
                    break;
                }
                Err(error) => error,
            };
            failures += 1;
            let text = error.to_string();
            assert!(text.contains("memory of cuda:0: pipeline asked for"), "{text}");
            assert!(text.contains("; the driver has no more: cuMem"), "{text}");
            assert_eq!(InferError::from(error).kind(), Kind::Unavailable);
            assert_eq!(device.memory().in_use(), 0);
            assert!(!device.is_lost());
        }
        // Two on the device, and pinned ones: the download may have the upload's block again.
        assert!((3..=4).contains(&failures), "{failures}");
    });
}

#[test]
fn a_launch_that_fails_fails_alone() {
    SoftCuda::new().run(|cuda| {
        let (device, copies) = (device(), CopyCounter::default());
        cuda.set("fail_launch", 1);
        let error = pipeline(&device, &copies).unwrap_err();
        let text = "cuda:0: cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES";
        assert!(error.to_string().starts_with(text), "{error}");
        assert!(matches!(InferError::from(error), InferError::Backend(_)));
        assert_eq!(pipeline(&device, &copies).unwrap()[..], [2; 64]);
    });
}

#[test]
fn a_device_that_is_lost_answers_so_at_once() {
    SoftCuda::new().run(|cuda| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let buffer = upload(&stream, &[1; 64], &copies);
        let event = stream.record().unwrap();
        cuda.set("fail_kernel", 1);
        let error = pipeline(&device, &copies).unwrap_err();
        let text = error.to_string(); // Which call is the first to be told is the device's.
        assert!(text.starts_with("device cuda:0 is lost (cu"), "{text}");
        let end = ": CUDA_ERROR_LAUNCH_FAILED); restart the server to use it again";
        assert!(text.ends_with(end), "{text}");
        assert!(device.is_lost());
        let launches = cuda.count("launches");
        assert_eq!(pipeline(&device, &copies).unwrap_err(), error);
        assert_eq!(stream.allocate(1).err(), Some(error.clone()));
        assert_eq!(stream.pinned(1).err(), Some(error.clone()));
        assert_eq!(stream.record().err(), Some(error.clone()));
        assert_eq!(buffer.read(&stream).err(), Some(error));
        assert_eq!(cuda.count("launches"), launches);
        let ended = event.poll().unwrap().unwrap_err();
        assert!(matches!(ended, InferError::DeviceLost(_)) && ended.kind() == Kind::Unavailable);
    });
}

#[test]
fn an_event_is_waited_for_by_the_reaper() {
    AnyCuda::new().run(|| {
        let (device, copies) = (device(), CopyCounter::default());
        let stream = stream(&device, "test");
        let buffer = upload(&stream, &[3; 64], &copies);
        let download = device_to_host(&buffer, &(0..64), &stream, &copies).unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let finish = move |ended: Result<(), InferError>| {
            told.send((ended.is_ok(), download.bytes().unwrap())).unwrap();
        };
        device.reaper().watch(Box::new(stream.record().unwrap()), Box::new(finish));
        let (is_done, bytes) = heard.recv().unwrap();
        assert!(is_done && bytes[..] == [3; 64]);
    });
}
