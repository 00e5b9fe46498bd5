//! What texts say, what is wrong with them, and the tensors that come of it.

use nereid_backend::spec::Signature;

use super::*;
use crate::complete::Completed;
use crate::fakes::{Repository, problems, tensor};
use crate::stated::Stated;

/// A model of up to 4 rows with the inputs `x`, of FP32 `[2,-1]`, and `s`, of strings `[2]`.
fn completed() -> Completed {
    let mut s = tensor("s", &[2]);
    (s.data_type, s.is_optional) = (DataType::Bytes, true);
    let signature = Signature {
        inputs: vec![tensor("x", &[2, -1]), s],
        outputs: Vec::new(),
        ..Signature::default()
    };
    Completed { signature, is_batched: true, rows_max: 4, batches_by_default: false }
}

/// The samples of `text` in a repository with some files, and what is wrong with it.
fn samples(
    repository: &Repository,
    text: &str,
    completed: &Completed,
) -> (Vec<Sample>, Vec<String>) {
    repository.file("m/config.pbtxt", text);
    let folder = repository.model("m");
    let mut stated = Stated::read(&folder).unwrap();
    let samples = read(&mut stated, &folder.path, completed);
    let found = problems(&stated).iter().map(|line| repository.shorten(line)).collect();
    (samples, found)
}

fn repository() -> Repository {
    let repository = Repository::new();
    repository.file("secret", [0; 16]).file("m/secret", [0; 16]);
    repository.file("m/warmup/sub/x", [0, 0, 128, 63].repeat(4)).file("m/warmup/short", [0; 15]);
    repository.file("m/warmup/long", [0; 17]).file("m/warmup/s", b"\x01\0\0\0a\0\0\0\0");
    repository
}

const X: &str = "key: 'x' value { data_type: TYPE_FP32 dims: [ 2, 2 ]";

#[test]
fn samples_are_batches_of_rows() {
    let text = format!(
        "model_warmup {{ name: 'none' }} \
         model_warmup {{ name: 'w' batch_size: 3 count: 7 inputs {{ {X} zero_data: true }} }} }} \
         model_warmup {{ batch_size: 1 inputs {{ {X} input_data_file: 'sub/x' }} }} \
         inputs {{ key: 's' value {{ data_type: TYPE_STRING dims: 2 input_data_file: 's' }} }} }}"
    );
    let repository = repository();
    let (samples, wrong) = samples(&repository, &text, &completed());
    assert_eq!(wrong, [""; 0]);
    let shown: Vec<_> = samples.iter().map(|it| (&*it.name, it.requests, it.runs)).collect();
    assert_eq!(shown, [("w", 3, 7), ("model_warmup[2]", 1, 1)]);
    let inputs = samples[0].tensors().unwrap();
    assert_eq!((inputs.len(), inputs[0].1.shape()), (1, &[1, 2, 2][..]));
    assert_eq!(inputs[0].1.values::<f32>(), Some(&[0.0; 4][..]));
    let inputs = samples[1].tensors().unwrap();
    let [(_, s), (_, x)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!(x.host(), Some(&*[0, 0, 128, 63].repeat(4)));
    assert_eq!(s.strings().unwrap().collect::<Vec<_>>(), [&b"a"[..], b""]);
}

#[test]
fn a_model_without_batches_has_its_own_axes() {
    let completed = Completed { is_batched: false, rows_max: 0, ..completed() };
    let sample = |rows: usize| {
        format!("model_warmup {{ batch_size: {rows} inputs {{ {X} random_data: true }} }} }}")
    };
    let (found, wrong) = samples(&repository(), &sample(1), &completed);
    assert_eq!((wrong, found.len()), (Vec::new(), 1));
    assert_eq!(found[0].tensors().unwrap()[0].1.shape(), [2, 2]);
    let text = "1:16: batch_size must be at most 1, the most rows that the model takes; got 2";
    assert_eq!(samples(&repository(), &sample(2), &completed).1, [text]);
}

#[test]
fn what_is_wrong() {
    let repository = repository();
    let check = |sample: &str, expected: &[&str]| {
        let text = format!("model_warmup {{\n{sample} }}");
        let wrong = samples(&repository, &text, &completed()).1;
        assert_eq!(wrong, expected, "{sample}");
    };
    let zero = format!("inputs {{ {X} zero_data: true }} }}");
    check(&format!("batch_size: 1 count: 1000 {zero}"), &[]);
    check(
        &format!("batch_size: 5 count: 1001 {zero}"),
        &[
            "2:1: batch_size must be at most 4, the most rows that the model takes; got 5",
            "2:15: count must be at most 1000, got 1001",
        ],
    );
    check("batch_size: 1", &["1:1: the model's input 'x' is missing in inputs"]);
    check(
        &format!("batch_size: 1 {zero} inputs {{\nkey: 'z' }}"),
        &["2:97: 'z': the model has no such input; its inputs are 'x', 's'"],
    );
}

#[test]
fn what_is_wrong_with_an_input() {
    let repository = repository();
    let check = |input: &str, expected: &str| {
        let text =
            format!("model_warmup {{ batch_size: 4 inputs {{ key: 'x' value {{\n{input} }} }} }}");
        let wrong = samples(&repository, &text, &completed()).1;
        assert_eq!(wrong, [expected], "{input}");
    };
    check("dims: [ 2, 2 ]", "1:30: 'x': data_type must be the model's, TYPE_FP32");
    check(
        "data_type: TYPE_FP64 dims: [ 2, 2 ] zero_data: true",
        "2:1: 'x': data_type must be the model's, TYPE_FP32",
    );
    let check =
        |rest: &str, expected: &str| check(&format!("data_type: TYPE_FP32\n{rest}"), expected);
    check("dims: [ 2, -1 ] zero_data: true", "3:1: 'x': dims must be positive, got -1");
    check("dims: [ 2, 0 ] zero_data: true", "3:1: 'x': dims must be positive, got 0");
    let misfit = |dims| format!("3:1: 'x': dims are {dims}, but the model has [2,-1]");
    check("dims: [ 3, 2 ] zero_data: true", &misfit("[3,2]"));
    check("dims: [ 1, 2, 2 ] zero_data: true", &misfit("[1,2,2]"));
    let row = "each of the batch's requests may have at most 268435456 bytes of it";
    check("dims: [ 2, 33554433 ] zero_data: true", &format!("3:1: 'x': {row}"));
    check("dims: [ 2, 9223372036854775807 ] random_data: true", &format!("3:1: 'x': {row}"));
    let check = |file: &str, expected: &str| {
        check(&format!("dims: [ 2, 2 ] input_data_file: '{file}'"), expected);
    };
    let inside = "must be a path in the model's folder 'warmup'";
    check("../secret", &format!("3:16: 'x': input_data_file '../secret' {inside}"));
    check("nope", "3:16: 'x': input_data_file: there is no file R/m/warmup/nope");
    check("short", "3:16: 'x': the data do not fit dims: shape asks for 16 bytes, got 15");
    let long = "at most 16 bytes are expected, but it has 17";
    check("long", &format!("3:16: 'x': input_data_file R/m/warmup/long: {long}"));
}

#[test]
fn an_input_is_filled_somehow() {
    let text = format!("model_warmup {{ batch_size: 1 inputs {{ {X} }} }} }}");
    assert_eq!(
        samples(&repository(), &text, &completed()).1,
        ["1:30: 'x': zero_data, random_data or input_data_file must be stated"]
    );
}

#[test]
fn samples_are_counted() {
    let text = "model_warmup {}\n".repeat(SAMPLES_MAX);
    assert_eq!(samples(&repository(), &text, &completed()).1, [""; 0]);
    let wrong = samples(&repository(), &format!("{text}model_warmup {{}}"), &completed()).1;
    assert_eq!(wrong, ["257:1: a model has at most 256 samples to warm up with"]);
}

#[test]
fn random_numbers_are_sensible_and_the_same_each_time() {
    let random = |data_type| {
        let make = || content::tensor(&Content::Random, data_type, &[1000], 8000).unwrap();
        assert_eq!(make().host(), make().host());
        make()
    };
    let floats = random(DataType::Fp32);
    let floats = floats.values::<f32>().unwrap();
    assert!(floats.iter().all(|number| (0.0..1.0).contains(number)));
    assert!(floats.iter().any(|number| *number < 0.1) && floats.iter().any(|number| *number > 0.9));
    let doubles = random(DataType::Fp64);
    assert!(doubles.values::<f64>().unwrap().iter().all(|number| (0.0..1.0).contains(number)));
    for halves in [DataType::Fp16, DataType::Bf16] {
        // Both have 1.0 below this.
        let one = if halves == DataType::Fp16 { 0x3c00 } else { 0x3f80 };
        let tensor = random(halves);
        let bits = tensor.host().unwrap().chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        assert!(bits.clone().all(|bits| bits <= one) && bits.clone().any(|bits| bits > 0));
    }
    let longs = random(DataType::Int64);
    let longs = longs.values::<i64>().unwrap();
    assert!(longs.iter().all(|number| (0..128).contains(number)) && longs.contains(&127));
    assert!(random(DataType::Int8).values::<i8>().unwrap().iter().all(|number| *number >= 0));
    let flags = random(DataType::Bool);
    let flags = flags.host().unwrap();
    assert!(flags.iter().all(|flag| *flag < 2) && flags.contains(&0) && flags.contains(&1));
    assert!(random(DataType::Bytes).strings().unwrap().all(<[u8]>::is_empty));
}

#[test]
fn a_file_that_has_changed_is_told() {
    let repository = repository();
    let text =
        format!("model_warmup {{ batch_size: 1 inputs {{ {X} input_data_file: 'sub/x' }} }} }}");
    let (samples, _) = samples(&repository, &text, &completed());
    repository.file("m/warmup/sub/x", [0; 3]);
    let error = samples[0].tensors().unwrap_err();
    assert_eq!(error, "the data do not fit dims: shape asks for 16 bytes, got 3");
}
