//! Steps that are run on a condition.

use super::*;

/// Outputs by name, as `OUT [1, 2]`; each is INT32.
fn text(response: Response) -> String {
    let one = |(name, tensor): (Arc<str>, Tensor)| format!("{name} {:?}", values(&tensor));
    response.outputs.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_step_is_run_on_its_condition() {
    let mut world = World::new();
    world.model("f", plus(1));
    with_optional_called(&mut world, "maybe");
    sum_of(&mut world);
    let inputs = vec![any("IN"), any("IF")];
    let outputs = ["F", "G", "MAYBE", "SUM", "IN"].map(any).to_vec();
    world.ensemble_of(
        fakes::spec("e", inputs, outputs),
        &[
            // In another order than they run.
            "sum a=IN b=G c=SUM",
            "maybe x=IN b=F y=MAYBE",
            "f ?=G x=IN y=G2",
            "f ?=IF x=IN y=F",
            "f x=F y=G",
        ],
    );
    let ask = |condition: Vec<i32>, outputs: &[&str]| {
        let condition = Tensor::from_values(vec![1, condition.len()], condition).unwrap();
        let numbers = fakes::numbers(&[1, 2]);
        let (request, client) = request(&[("IN", &numbers), ("IF", &condition)], outputs);
        world.push("e", request);
        text(client.blocking_recv().unwrap().unwrap())
    };
    let all = ["F", "G", "MAYBE", "SUM", "IN"];
    let yes = "F [1, 2], G [2, 3], MAYBE [1, 3], SUM [2, 4], IN [0, 1]";
    for condition in [vec![1], vec![0, -256], vec![7, 0]] {
        assert_eq!(ask(condition, &all), yes);
    }
    // What needs what is not made is not made, either, but optional inputs may be missing.
    for condition in [vec![0], vec![0, 0], vec![]] {
        assert_eq!(ask(condition.clone(), &all), "MAYBE [0, 1], IN [0, 1]");
        assert_eq!(ask(condition, &["SUM", "G"]), "");
    }
    let done = world.end();
    assert_eq!((done.of("sum").executions, done.of("maybe").executions), (3, 6));
    assert_eq!((done.of("e").success.count, done.of("e").failure.count), (9, 0));
}
