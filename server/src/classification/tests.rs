use nereid_backend::data_type::Element;

use super::*;
use crate::fakes;

fn label(index: usize) -> Option<&'static [u8]> {
    ["cat", "dog"].get(index).map(|label| label.as_bytes())
}

/// Classifies `tensor`; its new shape and texts.
fn top(tensor: &Tensor, is_batched: bool, count: usize) -> (Vec<usize>, Vec<String>) {
    let axes = Axes { is_batched, count: NonZeroUsize::new(count).unwrap() };
    let tensor = classified("y", tensor, axes, &label).unwrap();
    let texts = tensor.strings().unwrap().map(|text| String::from_utf8(text.to_vec()).unwrap());
    (tensor.shape().to_vec(), texts.collect())
}

fn check<T: Element>(shape: &[usize], values: Vec<T>, is_batched: bool, expected: &str) {
    let tensor = Tensor::from_values(shape.to_vec(), values).unwrap();
    let (shape, texts) = top(&tensor, is_batched, 2);
    assert_eq!(format!("{shape:?} {}", texts.join(" ")), expected);
}

#[test]
fn the_highest_come_first() {
    check(&[3], vec![1_i8, -7, 5], false, "[2] 5:2 1:0:cat");
    check(&[3], vec![1_i16, -7, 5], false, "[2] 5:2 1:0:cat");
    check(&[3], vec![1_i32, -7, 5], false, "[2] 5:2 1:0:cat");
    check(&[3], vec![1_i64, -7, 5], false, "[2] 5:2 1:0:cat");
    check(&[3], vec![1_u8, 7, 5], false, "[2] 7:1:dog 5:2");
    check(&[3], vec![1_u16, 7, 5], false, "[2] 7:1:dog 5:2");
    check(&[3], vec![1_u32, 7, 5], false, "[2] 7:1:dog 5:2");
    check(&[3], vec![1_u64, 7, u64::MAX], false, "[2] 18446744073709551615:2 7:1:dog");
    check(&[3], vec![0.25_f32, -1.0, 1e-9], false, "[2] 0.250000:0:cat 0.000000:2");
    check(&[3], vec![0.25_f64, 1e10, 0.5], false, "[2] 10000000000.000000:1:dog 0.500000:2");
}

#[test]
fn of_equal_ones_the_first_comes_first_and_no_number_last() {
    check(&[4], vec![7, 9, 7, 7], false, "[2] 9:1:dog 7:0:cat");
    check(&[3], vec![f32::NAN, 1.0, f32::NEG_INFINITY], false, "[2] 1.000000:1:dog -inf:2");
    check(&[2], vec![f32::NAN, f32::INFINITY], false, "[2] inf:1:dog nan:0:cat");
}

#[test]
fn every_row_has_its_own() {
    check(&[2, 3], vec![1, 2, 3, 6, 5, 4], true, "[2, 2] 3:2 2:1:dog 6:0:cat 5:1:dog");
    // All axes but the batch are one.
    check(&[1, 2, 2], vec![1, 2, 4, 3], true, "[1, 2] 4:2 3:3");
    check(&[2, 2], vec![1, 2, 4, 3], false, "[2] 4:2 3:3");
    check(&[2, 1], vec![1, 2], true, "[2, 1] 1:0:cat 2:0:cat");
    check::<i32>(&[0, 3], vec![], true, "[0, 2] ");
    check::<i32>(&[2, 0], vec![], true, "[2, 0] ");
    check(&[], vec![4], false, "[1] 4:0:cat");
}

#[test]
fn what_is_no_number_has_no_classes() {
    let check = |data_type: DataType, expected: Result<(), &str>| {
        let mut spec = fakes::spec("m", Vec::new(), vec![fakes::tensor("y", &[-1, 2])]);
        spec.signature.outputs[0].data_type = data_type;
        let classes = |name: &str| Classes::from([(name.into(), NonZeroUsize::MIN)]);
        let checked = super::check(&spec, &classes("y")).map_err(|error| error.to_string());
        assert_eq!(checked, expected.map_err(str::to_owned));
        assert!(super::check(&spec, &classes("z")).is_ok());
    };
    check(DataType::Fp64, Ok(()));
    for data_type in [DataType::Fp16, DataType::Bf16, DataType::Bool, DataType::Bytes] {
        let name = data_type.name();
        let text =
            format!("class result not available for output due to unsupported type '{name}'");
        check(data_type, Err(&text));
    }
}

#[test]
fn a_large_output_is_not_sorted() {
    let tensor = Tensor::from_values(vec![1_000_001], vec![0_u8; 1_000_001]).unwrap();
    let axes = Axes { is_batched: false, count: NonZeroUsize::MIN };
    let error = classified("y", &tensor, axes, &label).unwrap_err().to_string();
    assert_eq!(error, "output 'y' has 1000001 elements, at most 1000000 can be classified");
}

#[test]
fn only_what_is_asked_for_is_classified() {
    let tensor = || Tensor::from_values(vec![1, 2], vec![1_i32, 2]).unwrap();
    let outputs = vec![("y".into(), tensor()), ("z".into(), tensor())];
    let classes = Classes::from([("z".into(), NonZeroUsize::MIN)]);
    let outputs = classify(&fakes::definition("m"), &classes, outputs).unwrap();
    assert_eq!(outputs[0].1.data_type(), DataType::Int32);
    assert_eq!(outputs[1].1.strings().unwrap().collect::<Vec<_>>(), [b"2:1"]);
}
