//! What is done beside what: while a piece of work is held up, other work has to get done. What waits for
//! it though it need not would stand still, too, however fast or slow this machine is.

use nereid_softcuda_harness::{Library, SoftCuda};

use crate::client::{Asked, jpeg};
use crate::repository::Seed;
use crate::world::World;

const DRAWING: &str = "resize_f32";
/// What TensorRT's double runs.
const NET: &str = "model";
const JOINING: &str = "copy_blocks";

/// Two requests at a time of the pipeline; `check` tells what the second has to get done.
fn check(cuda: &Library, work: &str, check: impl Fn()) {
    let world = World::serving(cuda, &Seed::small().models());
    let asked = Asked::image("seed", &jpeg(64, 36), &["OUTPUT"]);
    let held = cuda.hold(work);
    let first = world.send(&asked);
    held.await_standing();
    let second = world.send(&asked);
    check();
    drop(held);
    let answers = [first, second].map(|sent| world.answer(sent));
    assert!(answers[0].is_ok() && answers[0] == answers[1]);
    world.check_counts();
}

#[test]
fn the_next_picture_is_decoded_while_one_is_drawn_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        check(cuda, DRAWING, || {
            cuda.await_done("copy H2D", 2);
            cuda.await_done("kernel of a library", 2);
            assert_eq!(cuda.done(DRAWING), 0);
        });
    });
}

#[test]
fn the_next_picture_is_drawn_while_a_model_runs_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        check(cuda, NET, || cuda.await_done(DRAWING, 2));
    });
}

/// Six models and the first of the chain read the picture; one of these seven is held.
#[test]
fn models_of_one_picture_run_beside_each_other_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        check(cuda, NET, || cuda.await_done(NET, 6));
    });
}

#[test]
fn the_next_picture_is_computed_while_outputs_come_home_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        check(cuda, "copy D2H", || {
            cuda.await_done(JOINING, 2);
            assert_eq!((cuda.done(NET), cuda.done("copy D2H")), (18, 0));
        });
    });
}
