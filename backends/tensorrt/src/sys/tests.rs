//! What goes wrong below the engine is found: by the double, by the software CUDA device, and by a real library.

use std::path::PathBuf;

use nereid_kernels::device::{Limits, Priority, Stream, probe};
use nereid_softcuda_harness::SoftCuda;

use super::*;
use crate::tests::double::{self, AFFINE, Double};

mod real;

const LIMITS: Limits = Limits { memory_bytes: None, pinned_bytes: 1 << 20 };

fn library() -> &'static Library {
    Box::leak(Box::new(Library::open(Some(&double::path()), &[]).unwrap()))
}

fn streams() -> [Stream; 2] {
    let device = probe(LIMITS).unwrap().get(0).unwrap().clone();
    ["one", "two"].map(|owner| device.stream(owner, Priority::Least).unwrap())
}

/// A context of `AFFINE` in `stream`, for shapes of 2 rows.
fn context(stream: &Stream) -> Context {
    let engine = Engine::deserialize(library(), stream.device(), AFFINE.as_bytes()).unwrap();
    let mut context = Context::new(engine.into(), stream.clone(), 0).unwrap();
    context.set_input_shape(c"x", &Dims::of(&[2, 3]).unwrap()).unwrap();
    context
}

/// What a program does that forgets to wait for the input's writer.
#[test]
fn a_missing_wait_is_told_on_the_software_cuda_device() {
    SoftCuda::new().set("delay_us", 500).errs("race").run(|_| {
        let [one, two] = streams();
        let mut context = context(&one);
        let (mut x, y) = (two.allocate(24).unwrap(), one.allocate(24).unwrap());
        x.fill(0).unwrap();
        // SAFETY: this is the fault that is to be found: `x` is written by another stream.
        unsafe {
            context.set_address(c"x", x.address()).unwrap();
            context.set_address(c"y", y.address()).unwrap();
            context.enqueue().unwrap();
        }
        let _failed = one.synchronize();
    });
}

/// What a program does that frees an output before the run has ended.
#[test]
fn an_output_freed_early_is_told_on_the_software_cuda_device() {
    SoftCuda::new().set("delay_us", 500).errs("allocation").run(|_| {
        let [one, two] = streams();
        let mut context = context(&one);
        let (mut x, y) = (one.allocate(24).unwrap(), two.allocate(24).unwrap());
        x.fill(0).unwrap();
        // SAFETY: this is the fault that is to be found: `y` is gone before the run has ended.
        unsafe {
            context.set_address(c"x", x.address()).unwrap();
            context.set_address(c"y", y.address()).unwrap();
            drop(y);
            two.synchronize().unwrap();
            context.enqueue().unwrap();
        }
        let _failed = one.synchronize();
    });
}

/// What a program does that hands out outputs as if another stream had written them.
#[test]
fn a_wrong_stream_is_told_on_the_software_cuda_device() {
    SoftCuda::new().set("delay_us", 500).errs("race").run(|_| {
        let [one, two] = streams();
        let mut context = context(&one);
        let (mut x, y) = (one.allocate(24).unwrap(), two.allocate(24).unwrap());
        x.fill(0).unwrap();
        // SAFETY: this is the fault that is to be found: `y` belongs to another stream's work.
        unsafe {
            context.set_address(c"x", x.address()).unwrap();
            context.set_address(c"y", y.address()).unwrap();
            context.enqueue().unwrap();
        }
        let copies = nereid_backend::observer::CopyCounter::default();
        let y = y.ready().unwrap();
        let down = nereid_kernels::device::device_to_host(&y, &(0..24), &two, &copies).unwrap();
        drop(down.bytes());
        one.synchronize().unwrap();
    });
}

/// A slot beside the right one ends the process, with the name of what was called.
#[test]
fn a_wrong_slot_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let library = library();
        let check = |mutate: &dyn Fn(&mut slots::Slots), method: &str| {
            let mut slots = *library.slots;
            mutate(&mut slots);
            let told = double::told_by_child(&format!("{slots:?}"), || {
                let slots: &'static slots::Slots = Box::leak(Box::new(slots));
                let opened = double::opened();
                let wrong = Library::of(&opened, "double", |_| Some(slots)).unwrap();
                let [stream, _] = streams();
                let wrong: &'static Library = Box::leak(Box::new(wrong));
                let engine =
                    Engine::deserialize(wrong, stream.device(), AFFINE.as_bytes()).unwrap();
                let mut context = Context::new(engine.into(), stream.clone(), 0).unwrap();
                // SAFETY: nothing has an address, so nothing is enqueued.
                let _refused = unsafe { context.enqueue() };
            });
            let is_told = told.as_ref().is_none_or(|told| told.contains(method));
            assert!(is_told, "expected {method} in {told:?}");
        };
        check(&|slots| slots.context.enqueue += 1, "setPersistentCacheLimit");
        check(&|slots| slots.context.set_profile += 1, "setEnqueueEmitsProfile");
        check(&|slots| slots.engine.create_context -= 1, "serialize");
        check(&|slots| slots.runtime.deserialize += 1, "setDLACore");
    });
}

#[test]
fn a_library_that_is_none() {
    let error =
        |path: &str| Library::open(Some(&PathBuf::from(path)), &[]).err().unwrap().to_string();
    let text = error("/nonexistent/libnvinfer.so");
    assert!(
        text.contains("was not found (dlopen failed: /nonexistent/libnvinfer.so: cannot open"),
        "{text}"
    );
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps.split_whitespace().find(|word| word.contains("/libc.so")).unwrap();
    let text = error(libc);
    assert!(text.ends_with("is no runtime of TensorRT: it has no getInferLibVersion"), "{text}");
}

#[test]
fn a_version_without_slots() {
    SoftCuda::new().run(|_| {
        let double = Double::new();
        for version in [80_600, 10_701, 120_000] {
            double.set_version(version);
            let error = Library::open(Some(&double::path()), &[]).err().unwrap().to_string();
            let told = format!("is TensorRT {}.{}", version / 10_000, version / 100 % 100);
            assert!(error.contains(&told) && error.contains("10.x and 11.x"), "{error}");
        }
    });
}
