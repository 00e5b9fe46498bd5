//! A tensor that one step hands to the next: where it is copied on the way, the software CUDA device's
//! counts tell it, whoever copies and however.

use nereid_softcuda_harness::Library;

use super::*;

const SIZE: usize = 64;

/// Up, through two steps with `between` them, and down.
fn two_steps(between: impl FnOnce(&Stream, Arc<DeviceBuffer>) -> Arc<DeviceBuffer>) {
    let (device, copies) = (device(), CopyCounter::default());
    let (one, two) = (stream(&device, "one"), stream(&device, "two"));
    let function = add_one(&device);
    let up = upload(&one, &[1; SIZE], &copies);
    let handed_on = between(&one, added(&function, &one, &up));
    let down = download(&two, &added(&function, &two, &handed_on), &copies);
    assert_eq!(down[..], [3; SIZE]);
}

/// What was copied beside the first step's input and the last one's output, if anything was.
fn copied_on_the_way(cuda: &Library) -> Vec<&'static str> {
    let size = SIZE as u64;
    let expected = [("h2d_bytes", size), ("d2h_bytes", size), ("d2d_bytes", 0), ("launches", 2)];
    let others = expected.into_iter().filter(|(name, count)| cuda.count(name) != *count);
    others.map(|(name, _)| name).collect()
}

#[test]
fn a_tensor_is_handed_on_without_a_copy_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        two_steps(|_, buffer| buffer);
        assert_eq!(copied_on_the_way(cuda), [""; 0]);
    });
}

#[test]
fn mutant_that_copies_by_the_host_between_two_steps() {
    SoftCuda::new().run(|cuda| {
        // Not counted as the others are: it is the device that tells.
        let uncounted = CopyCounter::default();
        two_steps(|stream, buffer| {
            upload(stream, &download(stream, &buffer, &uncounted), &uncounted)
        });
        assert_eq!(copied_on_the_way(cuda), ["h2d_bytes", "d2h_bytes"]);
    });
}

#[test]
fn mutant_that_copies_on_the_device_between_two_steps() {
    SoftCuda::new().run(|cuda| {
        let uncounted = CopyCounter::default();
        two_steps(|stream, buffer| {
            let mut to = stream.allocate(buffer.size_bytes()).unwrap();
            device_to_device(&mut to, 0, &buffer, &(0..buffer.size_bytes()), &uncounted).unwrap();
            to.ready().unwrap()
        });
        assert_eq!(copied_on_the_way(cuda), ["d2d_bytes"]);
    });
}

#[test]
fn mutant_that_copies_by_a_kernel_between_two_steps() {
    SoftCuda::new().run(|cuda| {
        two_steps(|stream, buffer| {
            let copy = PTX.replace("add.s16 %h2, %h1, 1;", "mov.b16 %h2, %h1;");
            assert_ne!(copy, PTX);
            let module = Module::load(stream.device(), &copy).unwrap();
            added(&module.function("add_one").unwrap(), stream, &buffer)
        });
        assert_eq!(copied_on_the_way(cuda), ["launches"]);
    });
}
