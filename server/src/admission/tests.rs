use super::*;
use crate::fakes;

/// Two inputs, `a` and `b`, of `[-1, 2]` and an optional `c` of `[1]`, up to 4 rows.
fn spec() -> ModelSpec {
    let c = TensorSpec { is_optional: true, ..fakes::tensor("c", &[1]) };
    let inputs = vec![fakes::tensor("a", &[-1, 2]), fakes::tensor("b", &[-1, 2]), c];
    fakes::spec("m", inputs, vec![fakes::tensor("y", &[1])])
}

fn asked(name: &str, shape: &[usize]) -> AskedInput {
    let size = shape.iter().product::<usize>() * 4;
    AskedInput {
        name: name.to_owned(),
        data_type: DataType::Int32,
        shape: shape.to_vec(),
        data: vec![0; size].into(),
    }
}

#[track_caller]
fn check(spec: &ModelSpec, inputs: Vec<AskedInput>, expected: &str) {
    let mut ask = Ask { id: "7".into(), inputs, ..Ask::default() };
    let actual = match admit(spec, &mut ask) {
        Ok(admitted) => {
            let names: Vec<_> = admitted.inputs.iter().map(|(name, _)| &**name).collect();
            format!("{} rows of {}", admitted.rows, names.join(" "))
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected);
}

#[test]
fn what_fits_comes_in_the_models_order() {
    let (a, b, c) = (&[2, 7, 2], &[2, 1, 2], &[2, 1]);
    check(&spec(), vec![asked("b", b), asked("a", a)], "2 rows of a b");
    check(&spec(), vec![asked("c", c), asked("b", b), asked("a", a)], "2 rows of a b c");
}

#[test]
fn names_are_checked() {
    let shape = &[1, 1, 2];
    let count = "[request id: 7] expected between 2 and 3 inputs but got 1 inputs for model 'm'. \
                 Got input(s) ['b'], but missing required input(s) ['a']. Please provide all \
                 required input(s).";
    check(&spec(), vec![asked("b", shape)], count);
    let twice = "[request id: 7] input 'a' already exists in request";
    check(&spec(), vec![asked("a", shape), asked("a", shape)], twice);
    let unknown = "unexpected inference input 'x' for model 'm'";
    check(&spec(), vec![asked("a", shape), asked("x", shape)], unknown);
}

/// A message of the default limit has room for this many. Compared each with each, they would hold
/// the thread for hours.
#[test]
fn a_million_inputs_are_refused_at_once() {
    let inputs = (0..1_000_000).map(|index| asked(&index.to_string(), &[0])).collect();
    let mut ask = Ask { inputs, ..Ask::default() };
    let error = admit(&spec(), &mut ask).unwrap_err().to_string();
    let text = "expected between 2 and 3 inputs but got 1000000 inputs for model 'm'";
    assert!(error.contains(text), "{error:.200}");
}

#[test]
fn types_and_sizes_are_checked() {
    let shape = &[1, 1, 2];
    let float = AskedInput { data_type: DataType::Fp32, ..asked("a", shape) };
    let text = "[request id: 7] inference input 'a' data-type is 'FP32', but model 'm' expects \
                'INT32'";
    check(&spec(), vec![float, asked("b", shape)], text);
    let short = AskedInput { data: vec![0; 7].into(), ..asked("a", shape) };
    let text = "[request id: 7] input byte size mismatch for input 'a' for model 'm'. Expected 8, \
                got 7";
    check(&spec(), vec![short, asked("b", shape)], text);
    let vast = AskedInput { shape: vec![usize::MAX, 2], ..asked("a", shape) };
    let text = "[request id: 7] input 'a' for model 'm': shape overflows";
    check(&spec(), vec![vast, asked("b", shape)], text);
}

#[test]
fn strings_must_fill_their_bytes() {
    let check = |data: &[u8], expected| assert_eq!(wrong_framing("s", data, 2), expected);
    check(
        b"\x01\0\0\0a\x63\0\0\0abc",
        "incomplete string data for inference input 's', expecting string of length 99 but only 3 \
         bytes available",
    );
    check(
        b"\x01\0\0\0a\x63\0\0",
        "incomplete string length data for inference input 's', expecting 2 strings but only 1 \
         are there",
    );
    check(
        b"\0\0\0\0\0\0\0\0abc",
        "unexpected number of string elements for inference input 's', expecting 2; 3 more bytes \
         follow",
    );
}

#[test]
fn shapes_are_checked() {
    let differ = "[request id: 7] input 'a' batch size does not match other inputs for 'm'";
    check(&spec(), vec![asked("a", &[2, 1, 2]), asked("b", &[1, 1, 2])], differ);
    let many = "[request id: 7] inference request batch-size must be <= 4 for 'm'";
    check(&spec(), vec![asked("a", &[5, 1, 2]), asked("b", &[5, 1, 2])], many);
    let none = "[request id: 7] inference request batch-size must be at least 1 for 'm'";
    check(&spec(), vec![asked("a", &[0, 1, 2]), asked("b", &[0, 1, 2])], none);

    let wrong = "[request id: 7] unexpected shape for input 'a' for model 'm'. Expected [-1,-1,2], \
                 got [1,1,3].";
    check(
        &spec(),
        vec![asked("a", &[1, 1, 3]), asked("b", &[1, 1, 2])],
        &format!("{wrong}{BATCH_NOTE}"),
    );
    let plain = ModelSpec { is_batched: false, rows_max: 1, ..spec() };
    let rank = "[request id: 7] unexpected shape for input 'b' for model 'm'. Expected [-1,2], got \
                [1,1,2].";
    check(&plain, vec![asked("a", &[1, 2]), asked("b", &[1, 1, 2])], rank);
    check(&plain, vec![asked("a", &[9, 2]), asked("b", &[1, 2])], "1 rows of a b");
}

#[test]
fn outputs_are_all_or_those_asked_for() {
    let names = |asked: &[&str]| {
        let asked: Vec<Arc<str>> = asked.iter().map(|&name| name.into()).collect();
        let wanted = wanted(&spec(), &asked).map_err(|error| error.to_string())?;
        Ok(wanted.iter().map(|output| output.name.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(names(&[]), Ok(vec!["y".to_owned()]));
    assert_eq!(names(&["y"]), Ok(vec!["y".to_owned()]));
    assert_eq!(names(&["y", "y"]), Ok(vec!["y".to_owned()]));
    let unknown = "unexpected inference output 'z' for model 'm'".to_owned();
    assert_eq!(names(&["y", "z"]), Err(unknown));
}
