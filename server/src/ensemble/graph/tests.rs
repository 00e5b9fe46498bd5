use super::*;
use crate::fakes;

/// Models by name: `f` from `x` to `y` and `two` from `a` and `b` to `c`, of `[-1]`; `wide` from
/// `x` of `[3]` to `y` of `[4]`.
fn find(target: &Target, models: &[ModelSpec]) -> Option<usize> {
    models.iter().position(|model| *model.name == *target.model)
}

fn models() -> Vec<ModelSpec> {
    let any = |name| fakes::tensor(name, &[-1]);
    vec![
        fakes::spec("f", vec![any("x")], vec![any("y")]),
        fakes::spec("two", vec![any("a"), any("b")], vec![any("c")]),
        fakes::spec("wide", vec![fakes::tensor("x", &[3])], vec![fakes::tensor("y", &[4])]),
    ]
}

fn graph(steps: &[&str]) -> Result<Graph, LoadError> {
    let spec =
        fakes::spec("e", vec![fakes::tensor("IN", &[-1])], vec![fakes::tensor("OUT", &[-1])]);
    let steps: Vec<_> = steps.iter().map(|text| fakes::step(text)).collect();
    let models = models();
    Ok(Graph::new(&spec, &steps, |target| find(target, &models).map(|index| &models[index]))?)
}

#[track_caller]
fn refused(steps: &[&str], expected: &str) {
    let error = graph(steps).err().map(|error| error.to_string());
    assert_eq!(error, Some(format!("ensemble 'e': {expected}")));
}

#[test]
fn steps_come_in_the_order_of_their_needs() {
    let graph = graph(&["two a=ONE b=TWO c=OUT", "f x=ONE y=TWO", "f x=IN y=ONE"]).unwrap();
    let order: Vec<_> = graph.nodes.iter().map(|node| node.outputs[0].0.to_string()).collect();
    assert_eq!((order, graph.tensors), (vec!["y".into(), "y".into(), "c".into()], 4));
}

#[test]
fn only_what_is_wanted_is_needed() {
    let graph = graph(&["f x=IN y=OUT", "f x=OUT y=UNUSED"]).unwrap();
    let out = graph.outputs[0].1;
    assert_eq!(graph.needed(&[out]), [true, false]);
    assert_eq!(graph.needed(&[]), [false, false]);
}

#[test]
fn mistakes_are_named() {
    refused(&["g x=IN y=OUT"], "step 0: model 'g' is not ready; no step makes the output 'OUT'");
    refused(
        &["f z=IN y=OUT"],
        "step 0 ('f'): the model has no output 'z'; step 0 ('f'): the model's input 'x' is not mapped",
    );
    refused(&["f x=MID y=OUT"], "step 0 ('f'): nothing makes tensor 'MID'");
    refused(
        &["f x=IN y=IN", "f x=IN y=OUT"],
        "step 0 ('f') makes tensor 'IN', which is made already",
    );
    refused(&["f x=B y=A", "f x=A y=B", "f x=IN y=OUT"], "the steps 'f', 'f' wait for each other");
    refused(
        &["wide x=IN y=MID", "wide x=MID y=OUT"],
        "step 1 ('wide'): input 'x' gets tensor 'MID': its shape is [-1,4], but [-1,3] is expected",
    );
}

#[test]
fn an_output_is_always_made() {
    let (of, all) = (fakes::tensor("OUT", &[-1]), vec![fakes::tensor("OUT", &[-1])]);
    let build = |is_optional| {
        let input = TensorSpec { is_optional, ..of.clone() };
        let spec = fakes::spec("e", vec![input], all.clone());
        Graph::new(&spec, &[], |_| None).err().map(|faults| LoadError::from(faults).to_string())
    };
    let text = "ensemble 'e': output 'OUT' is an optional input, which clients may leave out";
    assert_eq!((build(false), build(true)), (None, Some(text.to_owned())));
}

#[test]
fn a_condition_is_a_need() {
    let graph = graph(&["f ?=TWO x=IN y=OUT", "f x=IN y=TWO"]).unwrap();
    assert_eq!((&*graph.nodes[0].label, &*graph.nodes[1].label), ("step 1 ('f')", "step 0 ('f')"));
    assert_eq!(graph.needed(&[graph.outputs[0].1]), [true, true]);
    refused(&["f ?=NONE x=IN y=OUT"], "step 0 ('f'): nothing makes its condition 'NONE'");
    refused(&["f ?=OUT x=IN y=OUT"], "the steps 'f' wait for each other");
}

#[test]
fn a_condition_is_of_whole_numbers() {
    let condition = TensorSpec::new("IF", DataType::Fp32, vec![Dim::Any]);
    let mut models = models();
    models[0].signature.inputs = vec![fakes::tensor("x", &[-1])];
    let spec = fakes::spec(
        "e",
        vec![fakes::tensor("IN", &[-1]), condition],
        vec![fakes::tensor("OUT", &[-1])],
    );
    let steps = [fakes::step("f ?=IF x=IN y=OUT")];
    let built =
        Graph::new(&spec, &steps, |target| find(target, &models).map(|index| &models[index]));
    let expected = "ensemble 'e': step 0 ('f'): its condition 'IF' is FP32, but BOOL or whole numbers are \
                    expected";
    assert_eq!(
        built.err().map(|error| LoadError::from(error).to_string()).as_deref(),
        Some(expected)
    );
}
