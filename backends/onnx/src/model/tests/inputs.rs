//! Inputs of odd shapes, and inputs that are left out.

use nereid_backend::spec::Signature;

use super::*;

#[test]
fn a_scalar_goes_through() {
    let file = Onnx::new().input("x", INT32, &[]).node("Neg", &["x"], "y").output("y", INT32, &[]);
    let model = load("scalar", &file.encode(), false).unwrap();
    let x = Tensor::from_values(vec![], vec![5]).unwrap();
    let y = &run(&mut *spawn(&*model), 1, &[("x", x)], &["y"]).unwrap()[0].1;
    assert_eq!((y.shape(), y.values::<i32>()), (&[][..], Some(&[-5][..])));
}

/// The server checks shapes, but against what is stated, and a file may state too little.
#[test]
fn a_shape_that_the_model_does_not_take_is_the_engines_error() {
    let model = load("rank", &add().encode(), true).unwrap();
    let check = |shape: &[usize], expected: &str| {
        let count = i32::try_from(shape.iter().product::<usize>()).unwrap();
        let odd = Tensor::from_values(shape.to_vec(), (0..count).collect()).unwrap();
        let inputs = [("a", odd), ("b", ints(1, 0))];
        let error = run(&mut *spawn(&*model), 1, &inputs, &["c"]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check(&[], "Invalid rank for input: a");
    check(&[2], "Invalid rank for input: a");
    check(&[1, 2, 1], "Invalid rank for input: a");
    check(&[1, 3], "Got invalid dimensions for input: a");
}

#[test]
fn no_rows_and_no_columns_go_through() {
    let file = Onnx::new().input("x", INT64, &[-1, -1]).node("Identity", &["x"], "y").output(
        "y",
        INT64,
        &[-1, -1],
    );
    let model = load("nothing", &file.encode(), false).unwrap();
    for shape in [vec![0, 3], vec![3, 0], vec![0, 0]] {
        let x = Tensor::from_values::<i64>(shape.clone(), Vec::new()).unwrap();
        let y = &run(&mut *spawn(&*model), 1, &[("x", x)], &["y"]).unwrap()[0].1;
        assert_eq!((y.shape(), y.host()), (&shape[..], Some(&[][..])));
    }
}

#[test]
fn a_weight_may_be_given_as_an_input() {
    let weight: Vec<u8> = [10i32, 20].iter().flat_map(|number| number.to_le_bytes()).collect();
    let file = Onnx::new()
        .input("x", INT32, &[2])
        .input("w", INT32, &[2])
        .weight("w", INT32, &[2], &weight)
        .node("Add", &["x", "w"], "y")
        .output("y", INT32, &[2]);
    let folder = Folder::new("default");
    let file = folder.write("model.onnx", &file.encode());
    let w = TensorSpec::new("w", DataType::Int32, Vec::new());
    let stated = Signature { inputs: vec![w], outputs: Vec::new(), ..Signature::default() };
    let raw = RawSpec { file: file.clone(), signature: stated, ..RawSpec::default() };
    let signature = engine().inspect(&raw).unwrap();
    let spec =
        ModelSpec { signature, ..spec(&folder, &std::fs::read(file).unwrap(), false).unwrap() };
    let model = engine().load(Arc::new(spec)).unwrap();
    let mut instance = spawn(&*model);
    let of = |numbers: [i32; 2]| Tensor::from_values(vec![2], numbers.to_vec()).unwrap();
    let mut check = |inputs: &[(&str, Tensor)], expected: [i32; 2]| {
        let y = &run(&mut *instance, 1, inputs, &["y"]).unwrap()[0].1;
        assert_eq!(y.values::<i32>(), Some(&expected[..]));
    };
    check(&[("x", of([1, 2]))], [11, 22]);
    check(&[("x", of([1, 2])), ("w", of([3, 4]))], [4, 6]);
    check(&[("x", of([1, 2]))], [11, 22]);
}
