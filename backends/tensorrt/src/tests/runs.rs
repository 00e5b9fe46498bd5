//! Batches, and what is copied for them.

use nereid_backend::observer::Copy;

use super::double::{AFFINE, Count};
use super::*;

const COPIES: [Copy; 4] =
    [Copy::HostToDevice, Copy::DeviceToDevice, Copy::DeviceToHost, Copy::Gather];

#[test]
fn a_batch_of_the_device_is_not_copied_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        for_both_majors(|fixture| {
            let mut instance = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
            let x = floats(&[2, 3], &[1., 2., 3., 4., 5., 6.]);
            let answers = fixture.run(&mut *instance, &[&[("x", &on_device(&x))]], &["y"]);
            assert_eq!(values(&answers[0], 0), (vec![2, 3], affine(&[1., 2., 3., 4., 5., 6.])));
            assert_eq!(COPIES.map(|copy| fixture.copies.get(copy)), [0; 4]);
        });
    });
}

#[test]
fn requests_run_as_one_batch_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        for_both_majors(|fixture| {
            let mut spec = fixture.spec(AFFINE, 8).unwrap();
            spec.engine.profiles = vec![1];
            let mut instance = fixture.spawn(spec).unwrap();
            let (a, b) =
                (floats(&[1, 3], &[1., 2., 3.]), floats(&[2, 3], &[4., 5., 6., 7., 8., 9.]));
            let before = cuda.count("launches");
            let near = on_device(&b);
            let requests: [&[(&str, &Tensor)]; 3] =
                [&[("x", &a)], &[("x", &near)], &[("x", &near)]];
            let answers = fixture.run(&mut *instance, &requests, &["y"]);
            assert_eq!(values(&answers[0], 0), (vec![1, 3], affine(&[1., 2., 3.])));
            let expected = (vec![2, 3], affine(&[4., 5., 6., 7., 8., 9.]));
            assert_eq!(
                [values(&answers[1], 0), values(&answers[2], 0)],
                [expected.clone(), expected]
            );
            assert_eq!(COPIES.map(|copy| fixture.copies.get(copy)), [12, 0, 0, 48]);
            assert_eq!(cuda.count("launches") - before, 2, "one gathers, one is the model");
        });
    });
}

#[test]
fn a_row_that_is_not_aligned_is_copied_and_counted_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        for_both_majors(|fixture| {
            let mut instance = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
            let both = on_device(&floats(&[2, 3], &[1., 2., 3., 4., 5., 6.]));
            let second = both.rows(1..2).unwrap();
            let answers = fixture.run(&mut *instance, &[&[("x", &second)]], &["y"]);
            assert_eq!(values(&answers[0], 0), (vec![1, 3], affine(&[4., 5., 6.])));
            assert_eq!(COPIES.map(|copy| fixture.copies.get(copy)), [0, 12, 0, 0]);
        });
    });
}

#[test]
fn the_nearest_profile_runs_and_none_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| for_both_majors(|fixture| {
        let mut spec = fixture.spec(AFFINE, 8).unwrap();
        spec.engine.profiles = vec![0, 1];
        let mut instance = fixture.spawn(spec).unwrap();
        assert_eq!(fixture.double.count(Count::Contexts), 2, "one of each profile");
        for rows in [1, 2, 8, 9] {
            let numbers = vec![0.5_f32; rows * 3];
            let x = floats(&[rows, 3], &numbers);
            let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
            match &answers[0] {
                Ok(_) => assert_eq!(values(&answers[0], 0), (vec![rows, 3], affine(&numbers))),
                Err(error) => assert_eq!(
                    (rows, error.to_string().as_str()),
                    (
                        9,
                        "the plan has no optimization profile for 'x' [9, 3]; it has profile 0: 'x' [1, 3] to [2, 3]; \
                         profile 1: 'x' [1, 3] to [8, 3]"
                    )
                ),
            }
        }
    }));
}

#[test]
fn instances_share_an_engine_and_run_side_by_side_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        for_both_majors(|fixture| {
            cuda.set("delay_us", 300);
            let spec = Arc::new(fixture.spec(AFFINE, 2).unwrap());
            let model = fixture.engine.load(spec).unwrap();
            let mut instances = [model.spawn(on(0)).unwrap(), model.spawn(on(0)).unwrap()];
            drop(model);
            let counts = [Count::Engines, Count::Contexts].map(|what| fixture.double.count(what));
            assert_eq!(counts, [1, 2]);
            let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
            for _ in 0..3 {
                // The output of one is the input of the other.
                let first = fixture.run(&mut *instances[0], &[&[("x", &x)]], &["y"]);
                let y = first[0].as_ref().unwrap().outputs[0].1.clone();
                let second = fixture.run(&mut *instances[1], &[&[("x", &y)]], &["y"]);
                assert_eq!(values(&second[0], 0).1, affine(&affine(&[1., 2., 3.])));
            }
        });
    });
}

/// Batches that are all in flight at once: a host copy or a wait between them would be seen in the counts.
#[test]
fn batches_follow_each_other_without_the_host_on_the_software_cuda_device() {
    SoftCuda::new().set("run_when_awaited", 1).run(|_| {
        let fixture = Fixture::new();
        let mut instance = fixture.spawn(fixture.spec(AFFINE, 2).unwrap()).unwrap();
        let x = on_device(&floats(&[1, 3], &[1., 2., 3.]));
        let mut running = Vec::new();
        for _ in 0..4 {
            let (request, client) = request(&[("x", &x)], &["y"]);
            let batch = Batch::new(request, Instant::now(), fixture.copies.clone());
            let Running::OnDevice { after, finish } = instance.start(batch) else { panic!() };
            assert!(after.poll().is_none(), "nobody waited for the stream yet");
            running.push((after, finish, client));
        }
        drop(instance); // It waits for what it enqueued.
        for (after, finish, client) in running {
            finish(after.poll().unwrap());
            assert_eq!(values(&client.recv().unwrap(), 0).1, affine(&[1., 2., 3.]));
        }
    });
}
