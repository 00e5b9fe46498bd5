//! Steps that are several requests, or none.

use super::*;

/// Rows that are taken apart and brought together again, and how they are counted.
#[test]
fn more_rows_than_a_model_takes_are_several_requests() {
    let mut world = World::new();
    let (seen, rows) = unbounded();
    let spec = fakes::spec("f", vec![fakes::tensor("x", &[2])], vec![fakes::tensor("y", &[2])]);
    world.serve(spec, move |batch| {
        seen.send(batch.rows()).unwrap();
        plus(1)(batch);
    });
    whole_ensemble(&mut world, 2);
    for (count, parts) in [(4, vec![4]), (5, vec![4, 1]), (8, vec![4, 4])] {
        let answer = world.ask(&fakes::numbers(&[count, 2])).unwrap();
        let last = i32::try_from(2 * count).unwrap();
        assert_eq!(
            (answer.shape(), values(&answer)),
            (&[count, 2][..], &*(1..=last).collect::<Vec<_>>())
        );
        assert_eq!(rows.try_iter().collect::<Vec<_>>(), parts);
    }
    // What came in parts lies in several places: 5 + 8 rows of 8 bytes.
    assert_eq!(world.served("e").statistics.copies().get(Copy::Gather), 13 * 8);
    assert_eq!(world.served("f").statistics.copies().get(Copy::Gather), 0);
    let done = world.end();
    assert_eq!((done.of("f").success.count, done.of("e").success.count), (5, 3));
}

/// The ensemble `e` of `f` that is no batch by itself: `IN` to `OUT`, both `[-1, columns]`.
fn whole_ensemble(world: &mut World, columns: i64) {
    let tensor = |name| fakes::tensor(name, &[-1, columns]);
    let mut spec = fakes::spec("e", vec![tensor("IN")], vec![tensor("OUT")]);
    (spec.is_batched, spec.rows_max) = (false, 1);
    world.ensemble_of(spec, &["f x=IN y=OUT"]);
}

#[test]
fn parts_in_one_memory_are_joined_without_a_copy() {
    let mut world = World::new();
    let (seen, _places) = unbounded();
    world.model("f", echo(seen));
    whole_ensemble(&mut world, 3);
    let sent = fakes::numbers(&[8, 3]);
    let (request, client) = request(&[("IN", &sent)], &["OUT"]);
    world.push("e", request);
    let outputs = client.blocking_recv().unwrap().unwrap().outputs;
    assert_eq!((place(&outputs[0].1), outputs[0].1.shape()), (place(&sent), &[8, 3][..]));
    assert_eq!(world.served("e").statistics.copies().get(Copy::Gather), 0);
    world.end();
}

#[test]
fn no_rows_are_no_request() {
    let mut world = World::new();
    let outputs = vec![fakes::tensor("y", &[-1, 3])];
    world.serve(fakes::spec("f", vec![any("x")], outputs), plus(1));
    let mut spec = fakes::spec(
        "e",
        vec![fakes::tensor("IN", &[-1, -1])],
        vec![fakes::tensor("OUT", &[-1, -1, 3])],
    );
    (spec.is_batched, spec.rows_max) = (false, 1);
    world.ensemble_of(spec, &["f x=IN y=OUT"]);
    let answer = world.ask(&fakes::numbers(&[0, 7])).unwrap();
    assert_eq!(answer.shape(), [0, 0, 3]);
    let done = world.end();
    assert_eq!((done.of("f").success.count, done.of("e").success.count), (0, 1));
}

/// Each ends before its push returns; the stack of a thread is for far less than all of them.
#[test]
fn a_long_way_of_no_rows_is_no_deep_one() {
    const STEPS: usize = 4_000;
    let mut world = World::new();
    world.model("f", plus(1));
    let tensor = |index| match index {
        0 => "IN".to_owned(),
        STEPS => "OUT".to_owned(),
        _ => format!("t{index}"),
    };
    let steps: Vec<_> =
        (0..STEPS).map(|index| format!("f x={} y={}", tensor(index), tensor(index + 1))).collect();
    let open = |name| fakes::tensor(name, &[-1, -1]);
    let mut spec = fakes::spec("e", vec![open("IN")], vec![open("OUT")]);
    (spec.is_batched, spec.rows_max) = (false, 1);
    world.ensemble_of(spec, &steps.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(world.ask(&fakes::numbers(&[0, 7])).unwrap().shape(), [0, 0]);
    assert_eq!(world.ask(&fakes::numbers(&[1, 1])).unwrap().shape(), [1, 1]);
    let done = world.end();
    assert_eq!((done.of("f").success.count, done.of("e").success.count), (STEPS as u64, 2));
}

#[test]
fn a_part_that_fails_fails_the_request_once() {
    let mut world = World::new();
    world.model("f", |batch| {
        let x = input(&batch, "x");
        if values(&x)[0] == 4 {
            failing(batch);
        } else {
            respond(batch, "y", x.shape(), values(&x).to_vec());
        }
    });
    whole_ensemble(&mut world, 1);
    let error = world.ask(&fakes::numbers(&[8, 1])).unwrap_err();
    assert_eq!(error, "in ensemble 'e', step 0 ('f'): a bad picture");
    let done = world.end();
    assert_eq!((done.of("e").failure.count, done.of("f").success.count), (1, 1));
}

#[test]
fn parts_that_differ_are_no_answer() {
    let mut world = World::new();
    world.model("f", |batch| {
        let rows = batch.rows();
        respond(batch, "y", &[rows, rows], vec![0; rows * rows]);
    });
    whole_ensemble(&mut world, 1);
    let error = world.ask(&fakes::numbers(&[5, 1])).unwrap_err();
    let text = "in ensemble 'e', step 0 ('f'): output 'y' of several requests: their rows differ in \
                type or shape";
    assert_eq!(error, text);
    world.end();
}

#[test]
fn all_steps_together_have_a_limited_number_of_parts() {
    let mut world = World::new();
    world.model("f", plus(1));
    let tensor = |name| fakes::tensor(name, &[-1, 1]);
    let mut spec = fakes::spec("e", vec![tensor("IN")], vec![tensor("OUT")]);
    (spec.is_batched, spec.rows_max) = (false, 1);
    let last = parts::PARTS_OF_ALL_MAX / 2;
    let name = |index: usize| match index {
        0 => "IN".to_owned(),
        _ if index == last + 1 => "OUT".to_owned(),
        _ => format!("T{index}"),
    };
    let steps: Vec<_> =
        (0..=last).map(|index| format!("f x={} y={}", name(index), name(index + 1))).collect();
    world.ensemble_of(spec, &steps.iter().map(String::as_str).collect::<Vec<_>>());
    let error = world.ask(&fakes::numbers(&[8, 1])).unwrap_err();
    assert!(error.contains("the request would be 8194 requests to models of its steps"), "{error}");
    world.end();
}

#[test]
fn a_step_has_a_limited_number_of_parts() {
    let mut world = World::new();
    world.model("f", plus(1));
    whole_ensemble(&mut world, 1);
    let error = world.ask(&fakes::numbers(&[4 * parts::PARTS_MAX + 1, 1])).unwrap_err();
    let text = "in ensemble 'e', step 0 ('f'): 4097 rows are 1025 requests to model 'f', which takes 4 \
                at a time; a step may have at most 1024";
    assert_eq!(error, text);
    world.end();
}
