//! Models of the tables, and requests for them.

use std::path::PathBuf;

use nereid_backend::data_type::{DataType, Element};
use nereid_backend::spec::{Dim, Signature, TensorSpec};
use nereid_backend::tensor::Tensor;
use nereid_softcuda_harness::Random;

/// Inputs by their names.
pub(super) type Tensors = Vec<(&'static str, Tensor)>;

/// What values an input has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// FP32 of -1 to 2, some of them equal, some no numbers.
    Numbers,
    /// FP32 of 0 to 1.
    Shares,
    /// FP32, mostly good: scales, or scales and offsets.
    Scales,
    /// INT32 of these at most, and some that are not good.
    Narrow(i64),
    /// The same as INT64.
    Wide(i64),
    Bytes,
}

/// A model, and what its requests are.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) rows_max: usize,
    pub(super) inputs: Vec<(&'static str, Vec<usize>, Values)>,
    /// The output that has labels, and how many.
    labels: Option<(&'static str, usize)>,
}

impl Case {
    pub(super) fn new(operation: &str, rows_max: usize) -> Self {
        let parameters = vec![("operation", operation.to_owned())];
        Self { parameters, rows_max, inputs: Vec::new(), labels: None }
    }

    pub(super) fn with<V: ToString + ?Sized>(mut self, key: &'static str, value: &V) -> Self {
        self.parameters.push((key, value.to_string()));
        self
    }

    pub(super) fn input(mut self, name: &'static str, row: &[usize], values: Values) -> Self {
        self.inputs.push((name, row.to_vec(), values));
        self
    }

    pub(super) fn labels(mut self, output: &'static str, count: usize) -> Self {
        self.labels = Some((output, count));
        self
    }

    pub(super) fn signature(&self) -> Signature {
        let dims = |row: &[usize]| row.iter().map(|&size| Dim::Fixed(size)).collect();
        let spec = |(name, row, values): &(&str, Vec<usize>, Values)| {
            TensorSpec::new(name, values.data_type(), dims(row))
        };
        let labelled = self.labels.map(|(name, count)| TensorSpec {
            labels: Some(label_file(count)),
            ..TensorSpec::new(name, DataType::Bytes, Vec::new())
        });
        Signature {
            inputs: self.inputs.iter().map(spec).collect(),
            outputs: labelled.into_iter().collect(),
            ..Signature::default()
        }
    }

    /// The inputs of a request of `rows` rows.
    pub(super) fn request(&self, random: &mut Random, rows: usize) -> Tensors {
        let axis: &[usize] = if self.rows_max > 0 { &[rows] } else { &[] };
        let tensor = |(name, row, values): &(&'static str, Vec<usize>, Values)| {
            (*name, values.tensor([axis, row].concat(), random))
        };
        self.inputs.iter().map(tensor).collect()
    }
}

/// A file of `count` labels.
fn label_file(count: usize) -> PathBuf {
    let file = format!("nereid-labels-{}-{count}.txt", std::process::id());
    let path = std::env::temp_dir().join(file);
    let labels: Vec<_> = (0..count).map(|label| format!("label {label}")).collect();
    std::fs::write(&path, labels.join("\n")).unwrap();
    path
}

impl Values {
    fn data_type(self) -> DataType {
        match self {
            Self::Numbers | Self::Shares | Self::Scales => DataType::Fp32,
            Self::Narrow(_) => DataType::Int32,
            Self::Wide(_) => DataType::Int64,
            Self::Bytes => DataType::Uint8,
        }
    }

    fn tensor(self, shape: Vec<usize>, random: &mut Random) -> Tensor {
        match self {
            Self::Numbers => {
                // Some requests have none that are no numbers.
                let odd = random.one_of(&[0, 12]);
                of(shape, || {
                    let number = random.float(0.0, 1.0) * 3.0 - 1.0;
                    match random.between(0, 100) {
                        0 if odd > 0 => {
                            random.one_of(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
                        }
                        1..=50 => (number * 4.0).round() / 4.0,
                        _ => number,
                    }
                })
            }
            Self::Shares => of(shape, || random.float(0.0, 1.0)),
            Self::Scales => {
                let is_good = random.between(0, 4) > 0;
                of(shape, || {
                    if is_good {
                        random.float(0.0, 1.0) + 0.5
                    } else {
                        random.one_of(&[0.0, f32::NAN, 1.0])
                    }
                })
            }
            Self::Narrow(most) => {
                let is_good = random.between(0, 4) > 0;
                of(shape, || i32::try_from(integer(random, most, is_good)).unwrap_or(-1))
            }
            Self::Wide(most) => {
                let is_good = random.between(0, 4) > 0;
                of(shape, || integer(random, most, is_good))
            }
            Self::Bytes => of(shape, || u8::try_from(random.between(0, 255)).unwrap()),
        }
    }
}

fn of<T: Element>(shape: Vec<usize>, value: impl FnMut() -> T) -> Tensor {
    let count = shape.iter().product();
    Tensor::from_values(shape, std::iter::repeat_with(value).take(count).collect()).unwrap()
}

fn integer(random: &mut Random, most: i64, is_good: bool) -> i64 {
    let number = i64::try_from(random.between(0, usize::try_from(most).unwrap())).unwrap();
    if is_good || random.between(0, 3) > 0 { number } else { random.one_of(&[-1, 1 << 40]) }
}
