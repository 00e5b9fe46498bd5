use nereid_backend::data_type::DataType;
use nereid_backend::parts::Parameter;
use nereid_proto::infer::{Data, NamedOutput};

use super::tensors::{BATCH_NOTE, wrong_framing};
use super::*;
use crate::fakes;

/// Two inputs, `a` and `b`, of `[-1, 2]` and an optional `c` of `[1]`, up to 4 rows.
fn spec() -> ModelSpec {
    let c = TensorSpec { is_optional: true, ..fakes::tensor("c", &[1]) };
    let inputs = vec![fakes::tensor("a", &[-1, 2]), fakes::tensor("b", &[-1, 2]), c];
    fakes::spec("m", inputs, vec![fakes::tensor("y", &[1])])
}

fn asked(name: &str, shape: &[i64]) -> Input {
    let size = usize::try_from(shape.iter().product::<i64>() * 4).unwrap_or(0);
    Input {
        name: name.to_owned(),
        data_type: Some(DataType::Int32),
        shape: shape.to_vec(),
        data: Data::Sent(vec![0; size].into()),
    }
}

#[track_caller]
fn check(spec: &ModelSpec, inputs: Vec<Input>, expected: &str) {
    let mut ask = Ask { id: "7".into(), inputs, ..Ask::default() };
    let actual = match admit(spec, &mut ask, &fakes::regions()) {
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
    check(&spec(), vec![asked("a", shape); 1000], twice);
    let unknown = "unexpected inference input 'x' for model 'm'";
    check(&spec(), vec![asked("a", shape), asked("x", shape)], unknown);
}

/// A message of the default limit has room for this many. Compared each with each, they would hold
/// the thread for hours.
#[test]
fn a_million_inputs_are_refused_at_once() {
    let inputs = (0..1_000_000).map(|index| asked(&index.to_string(), &[0])).collect();
    let mut ask = Ask { inputs, ..Ask::default() };
    let error = admit(&spec(), &mut ask, &fakes::regions()).unwrap_err().to_string();
    let text = "expected between 2 and 3 inputs but got 1000000 inputs for model 'm'";
    assert!(error.contains(text), "{error:.200}");
}

#[test]
fn types_and_sizes_are_checked() {
    let shape = &[1, 1, 2];
    let float = Input { data_type: Some(DataType::Fp32), ..asked("a", shape) };
    let text = "[request id: 7] inference input 'a' data-type is 'FP32', but model 'm' expects \
                'INT32'";
    check(&spec(), vec![float, asked("b", shape)], text);
    let short = Input { data: Data::Sent(vec![0; 7].into()), ..asked("a", shape) };
    let text = "[request id: 7] input byte size mismatch for input 'a' for model 'm'. Expected 8, \
                got 7";
    check(&spec(), vec![short, asked("b", shape)], text);
    let unknown = Input { data_type: None, ..asked("a", shape) };
    let text = "[request id: 7] inference input 'a' data-type is '<invalid>', but model 'm' \
                expects 'INT32'";
    check(&spec(), vec![unknown, asked("b", shape)], text);
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let shape = &[1, 1, 2];
    let most = i64::from(i32::MAX);
    let cube = ModelSpec {
        is_batched: false,
        ..fakes::spec("m", vec![fakes::tensor("a", &[-1, -1, -1])], vec![fakes::tensor("y", &[1])])
    };
    let vast = Input { shape: vec![most; 3], ..asked("a", shape) };
    check(&cube, vec![vast], "[request id: 7] input 'a' for model 'm': shape overflows");
    let text = "[request id: 7] input 'a' for model 'm' has a shape with a negative size: [1,-2,2]";
    check(&spec(), vec![asked("a", &[1, -2, 2]), asked("b", shape)], text);
    let text = "[request id: 7] input 'a' for model 'm' has an axis of 2147483648, an axis may \
                have at most 2147483647";
    let long = vec![Input { shape: vec![1, most + 1, 0], ..asked("a", shape) }, asked("b", shape)];
    check(&spec(), long, text);
}

/// As in Triton: rows first, then each input whole, from the last to the first.
#[test]
fn what_is_wrong_last_is_told_first() {
    let of = |data_type| move |name| Input { data_type, ..asked(name, &[1, 1, 2]) };
    let float = of(Some(DataType::Fp32));
    let text = "[request id: 7] inference input 'b' data-type is 'FP32', but model 'm' expects \
                'INT32'";
    check(&spec(), vec![float("a"), float("b")], text);
    let short = |name| Input { data: Data::Sent(vec![0; 7].into()), ..asked(name, &[1, 1, 2]) };
    let text = "[request id: 7] input byte size mismatch for input 'b' for model 'm'. Expected 8, \
                got 7";
    check(&spec(), vec![float("a"), short("b")], text);
    check(&spec(), vec![short("a"), short("b")], text);
    let negative = |name| asked(name, &[-1, 1, 2]);
    let text = "[request id: 7] input 'a' batch size does not match other inputs for 'm'";
    check(&spec(), vec![negative("a"), Input { data_type: None, ..negative("b") }], text);
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
        let spec =
            fakes::spec("m", Vec::new(), ["y", "w"].map(|name| fakes::tensor(name, &[1])).into());
        let outputs = requested_outputs(&spec, &asked, &BTreeMap::new());
        let outputs = outputs.map_err(|error| error.to_string())?;
        Ok(outputs.iter().map(|output| output.name.to_string()).collect::<Vec<_>>())
    };
    let owned = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(names(&[]), owned(&["y", "w"]));
    assert_eq!(names(&["w", "y"]), owned(&["w", "y"]));
    assert_eq!(names(&["y"]), owned(&["y"]));
    assert_eq!(names(&["y", "w", "y", "y"]), owned(&["y", "w"]));
    let unknown = "unexpected inference output 'z' for model 'm'".to_owned();
    assert_eq!(names(&["y", "z"]), Err(unknown));
}

#[test]
fn outputs_with_a_place_stay_where_they_are_made() {
    let spec =
        fakes::spec("m", Vec::new(), ["y", "w"].map(|name| fakes::tensor(name, &[1])).into());
    let places = [("y".into(), RegionPart::default())].into();
    let outputs = requested_outputs(&spec, &["y".into(), "w".into()], &places).unwrap();
    let places: Vec<_> = outputs.iter().map(|output| output.place).collect();
    assert_eq!(places, [None, Some(DeviceId::Cpu)]);
}

#[test]
fn what_a_codec_has_decoded_is_asked() {
    let request = |timeout| InferRequest {
        id: "7".to_owned(),
        parameters: [("timeout", timeout), ("a", Parameter::Bool(true))]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        outputs: vec![NamedOutput {
            name: "y".into(),
            is_binary: false,
            classes: Some(NonZeroUsize::MIN),
            place: None,
        }],
        ..InferRequest::default()
    };
    let asked = ask(request(Parameter::Int(1_500)), None).unwrap();
    assert_eq!((&*asked.id, &*asked.outputs), ("7", &["y".into()][..]));
    assert_eq!(asked.timeout, Some(Duration::from_micros(1_500)));
    assert_eq!(asked.classes, [("y".into(), NonZeroUsize::MIN)].into());
    assert_eq!(asked.parameters, [("a".to_owned(), Parameter::Bool(true))].into());
    assert_eq!(ask(request(Parameter::Int(0)), None).unwrap().timeout, None);
    for wrong in [Parameter::Int(-1), Parameter::Bool(true)] {
        assert!(ask(request(wrong), None).is_err());
    }
}
