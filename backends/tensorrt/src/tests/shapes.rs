//! Shapes that are values, and shapes that are known only when they were computed.

use super::double::plan;
use super::*;

/// `y` has as many elements as `s` says; `n` tells how many `x` has.
const VALUES: &str = "input x FP32 -1\ninput s INT32 1 host\noutput n INT64 1 host\noutput y FP32 @0\n\
                      profile\nrange x 1 4 8\nrange s 1 1 1";

#[test]
fn values_of_shapes_are_read_and_written_on_the_host_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        for_both_majors(|fixture| {
            let mut instance = fixture.spawn(fixture.spec(&plan(VALUES), 0).unwrap()).unwrap();
            let x = on_device(&floats(&[5], &[1., 2., 3., 4., 5.]));
            let s = Tensor::from_values(vec![1], vec![3_i32]).unwrap();
            for s in [on_device(&s), s] {
                let inputs: &[(&str, &Tensor)] = &[("x", &x), ("s", &s)];
                let answers = fixture.run(&mut *instance, &[inputs], &["y", "n"]);
                assert_eq!(values(&answers[0], 0), (vec![3], affine(&[1., 2., 3.])));
                let n = answers[0].as_ref().unwrap().outputs[1].1.host().unwrap();
                assert_eq!(n, 5_i64.to_le_bytes());
            }
        });
    });
}

#[test]
fn a_plan_with_values_of_shapes_does_not_batch_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let told = fixture.spawn(fixture.spec(&plan(VALUES), 4).unwrap()).err().unwrap().0;
        assert!(
            told.starts_with("input 's' holds values of shapes")
                && told.contains("max_batch_size: 0"),
            "{told}"
        );
    });
}

#[test]
fn an_output_whose_shape_is_computed_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        for_both_majors(|fixture| {
            let plan = plan("input x FP32 -1\noutput y FP32 ?");
            let plan = plan.replace("output y FP32 ?", "output y FP32 ?\nprofile\nrange x 0 4 8");
            let mut instance = fixture.spawn(fixture.spec(&plan, 0).unwrap()).unwrap();
            for rows in [8, 5, 1, 0] {
                let numbers = vec![1.5; rows];
                let x = on_device(&floats(&[rows], &numbers));
                let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
                let half = rows.div_ceil(2);
                assert_eq!(values(&answers[0], 0), (vec![half], affine(&numbers[..half])));
            }
        });
    });
}

#[test]
fn an_output_that_has_not_the_batchs_rows_is_told_on_the_software_cuda_device() {
    SoftCuda::new().run(|_| {
        let fixture = Fixture::new();
        let plan = plan("input x FP32 -1,3\noutput y FP32 ?,3\nprofile\nrange x 1,3 2,3 4,3");
        let mut instance = fixture.spawn(fixture.spec(&plan, 4).unwrap()).unwrap();
        let x = on_device(&floats(&[2, 3], &[0.; 6]));
        let answers = fixture.run(&mut *instance, &[&[("x", &x)]], &["y"]);
        let told = answers[0].as_ref().err().unwrap().to_string();
        assert_eq!(told, "the model made output 'y' of shape [1, 3] for a batch of 2");
    });
}
