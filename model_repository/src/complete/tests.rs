//! The rules at the top of the file, one table each.

use std::path::PathBuf;

use nereid_backend::data_type::DataType;

use super::*;
use crate::fakes::{problems, signature, stated, tensor};

/// What becomes of `text` when the engine found `found`.
fn completed(text: &str, found: &Signature) -> Completed {
    let mut stated = stated(text);
    let completed = complete(&mut stated, found, 4);
    assert_eq!(problems(&stated), [""; 0], "{text}");
    completed
}

fn found(inputs: &[&[i64]], outputs: &[&[i64]]) -> Signature {
    let tensors = |name, dims: &[&[i64]]| dims.iter().map(|dims| tensor(name, dims)).collect();
    Signature {
        inputs: tensors("x", inputs),
        outputs: tensors("y", outputs),
        ..Signature::default()
    }
}

const X: &str = "input { name: 'x' data_type: TYPE_FP32 dims: [ 3, -1 ] }";
const Y: &str = "output { name: 'y' data_type: TYPE_FP32 dims: [ 2 ] }";

#[test]
fn rows_and_default_batching() {
    let check = |text: &str, found: &Signature, rows_max, is_batched, batches_by_default| {
        let completed = completed(text, found);
        let found = (completed.rows_max, completed.is_batched, completed.batches_by_default);
        assert_eq!(found, (rows_max, is_batched, batches_by_default), "{text}");
    };
    let batches = signature();
    check("", &batches, 4, true, true);
    check("max_batch_size: 0", &batches, 4, true, true);
    check("max_batch_size: 8", &batches, 8, true, true);
    check("max_batch_size: 1", &batches, 1, true, false);
    check(X, &batches, 4, true, true);
    check(Y, &batches, 4, true, true);
    check(&format!("max_batch_size: 8 {X} {Y}"), &batches, 8, true, false);
    let (x, y) = (X.replace("[ 3", "[ -1, 3"), Y.replace("[ 2", "[ -1, 2"));
    check(&format!("{x} {y}"), &batches, 0, false, false);

    let built_for_two = Signature { rows_max: Some(2), ..signature() };
    check("", &built_for_two, 2, true, true);
    check("max_batch_size: 1", &built_for_two, 1, true, false);
    check(&format!("max_batch_size: 2 {X} {Y}"), &built_for_two, 2, true, false);

    check("", &found(&[&[3, 4]], &[&[-1, 2]]), 0, false, false);
    check("", &found(&[&[-1, 4]], &[&[2]]), 0, false, false);
    check("", &found(&[&[-1], &[]], &[&[-1, 2]]), 0, false, false);
    check("", &found(&[&[-1]], &[&[-1]]), 4, true, true);
}

#[test]
fn signatures() {
    let batched = Signature {
        inputs: vec![tensor("x", &[3, -1])],
        outputs: vec![tensor("y", &[2])],
        ..Signature::default()
    };
    let check = |text: &str, expected: &Signature| {
        assert_eq!(completed(text, &signature()).signature, *expected, "{text}");
    };
    check("", &batched);
    check(X, &batched);
    check(&format!("max_batch_size: 2 {X} {Y}"), &batched);
    check("max_batch_size: 2 input { name: 'x' } output { name: 'y' }", &batched);
    check("max_batch_size: 2 input { name: 'x' dims: [ 3, -1 ] }", &batched);
    check("max_batch_size: 2 input { name: 'x' data_type: TYPE_FP32 }", &batched);
    check("input { name: 'x' } output { name: 'y' }", &signature());
    // A narrower size than the engine's is the user's choice.
    let mut narrow = batched.clone();
    narrow.inputs[0] = tensor("x", &[3, 224]);
    check("input { name: 'x' data_type: TYPE_FP32 dims: [ 3, 224 ] }", &narrow);
    // What the engine cannot know stays.
    let mut optional = batched.clone();
    (optional.inputs[0].is_optional, optional.inputs[0].is_ragged) = (true, true);
    check("input { name: 'x' optional: true allow_ragged_batch: true }", &optional);
}

#[test]
fn labels_of_an_output_without_a_type_stay() {
    let mut stated = stated("output { name: 'y' }");
    let labels = Some(PathBuf::from("labels.txt"));
    stated.outputs[0].labels.clone_from(&labels);
    assert_eq!(complete(&mut stated, &signature(), 4).signature.outputs[0].labels, labels);
}

#[test]
fn order_is_the_users_and_then_the_engines() {
    let inputs = ["a", "b", "c"].map(|name| tensor(name, &[-1])).to_vec();
    let engine = Signature { inputs, outputs: vec![tensor("y", &[-1])], ..Signature::default() };
    let signature = completed("input { name: 'c' }", &engine).signature;
    let names: Vec<_> = signature.inputs.iter().map(|tensor| &*tensor.name).collect();
    assert_eq!(names, ["c", "a", "b"]);
}

#[test]
fn what_does_not_fit() {
    let check = |text: &str, found: &Signature, expected: &[&str]| {
        let mut stated = stated(text);
        complete(&mut stated, found, 4);
        assert_eq!(problems(&stated), expected, "{text}");
    };
    let refused = "autofill failed for model 'm': model does not support batching while non-zero \
                   max_batch_size is specified; the engine found 'x' [3,4], 'y' [-1,2]";
    let fixed = found(&[&[3, 4]], &[&[-1, 2]]);
    check("\nmax_batch_size: 8", &fixed, &[&format!("2:1: {refused}")]);
    check(
        "input { name: 'x' dims: [ 4 ] } max_batch_size: 8",
        &fixed,
        &[
            &format!("1:33: {refused}"),
            "1:1: 'x': dims are [4], but the model has [3,4] (all axes, without batching)",
        ],
    );
    check(
        "max_batch_size: 8\ninput { name: 'z' }\noutput [ { name: 'x' } ]",
        &signature(),
        &[
            "2:1: the model has no input 'z'; its inputs are 'x'",
            "3:10: the model has no output 'x'; its outputs are 'y'",
        ],
    );
    check(
        "input { name: 'x' data_type: TYPE_FP16 dims: [ 5, -1 ] }",
        &signature(),
        &["1:1: 'x': data_type is TYPE_FP16, but the model has TYPE_FP32"],
    );
    let dims = |stated: &str| {
        format!("1:1: 'x': dims are {stated}, but the model has [3,-1] (without the batch axis)")
    };
    for (written, shown) in
        [("5, -1", "[5,-1]"), ("-1, -1", "[-1,-1]"), ("3", "[3]"), ("-1, 3, -1", "[-1,3,-1]")]
    {
        // The type may be left out; the dims are checked all the same.
        check(&format!("input {{ name: 'x' dims: [ {written} ] }}"), &signature(), &[&dims(shown)]);
    }
    check(
        "input { name: 'x' dims: [ 3, -1 ] } output { name: 'y' }",
        &signature(),
        &["1:1: 'x': dims are [3,-1], but the model has [-1,3,-1] (all axes, without batching)"],
    );
}

#[test]
fn types_are_compared() {
    let mut engine = signature();
    engine.outputs[0].data_type = DataType::Bytes;
    let signature = completed("output { name: 'y' data_type: TYPE_STRING }", &engine).signature;
    assert_eq!(signature.outputs[0].data_type, DataType::Bytes);
}

#[test]
fn more_rows_than_the_engine_was_built_for() {
    let mut stated = stated("\nmax_batch_size: 3");
    complete(&mut stated, &Signature { rows_max: Some(2), ..signature() }, 4);
    let expected = "2:1: autofill failed for model 'm': configuration specified max-batch 3 but the engine only \
                    supports max-batch 2";
    assert_eq!(problems(&stated), [expected]);
}
