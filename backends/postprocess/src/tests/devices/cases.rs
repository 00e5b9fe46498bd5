//! The tables of options, and requests for them.

use std::path::PathBuf;

use nereid_backend::data_type::{DataType, Element};
use nereid_backend::spec::{Dim, Signature, TensorSpec};
use nereid_backend::tensor::Tensor;

/// Inputs by their names.
pub(super) type Tensors = Vec<(&'static str, Tensor)>;

/// What values an input has.
#[derive(Clone, Copy, Debug)]
enum Values {
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
    inputs: Vec<(&'static str, Vec<usize>, Values)>,
    /// The output that has labels, and how many.
    labels: Option<(&'static str, usize)>,
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): a test says the seed of the case that fails.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `low` to `high`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + usize::try_from(self.next() % (high - low + 1) as u64).unwrap()
    }

    /// 0 to 1.
    fn share(&mut self) -> f32 {
        f32::from(u16::try_from(self.next() >> 48).unwrap()) / 65536.0
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.between(0, all.len() - 1)]
    }
}

impl Case {
    fn new(operation: &str, rows_max: usize) -> Self {
        let parameters = vec![("operation", operation.to_owned())];
        Self { parameters, rows_max, inputs: Vec::new(), labels: None }
    }

    fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.parameters.push((key, value.to_string()));
        self
    }

    fn input(mut self, name: &'static str, row: &[usize], values: Values) -> Self {
        self.inputs.push((name, row.to_vec(), values));
        self
    }

    fn labels(mut self, output: &'static str, count: usize) -> Self {
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
    let labels: String = (0..count).map(|label| format!("label {label}\n")).collect();
    std::fs::write(&path, labels).unwrap();
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
                    let number = random.share() * 3.0 - 1.0;
                    match random.between(0, 100) {
                        0 if odd > 0 => {
                            random.one_of(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
                        }
                        1..=50 => (number * 4.0).round() / 4.0,
                        _ => number,
                    }
                })
            }
            Self::Shares => of(shape, || random.share()),
            Self::Scales => {
                let is_good = random.between(0, 4) > 0;
                of(shape, || {
                    if is_good {
                        random.share() + 0.5
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

/// A case for each combination of an option's values with all cases so far.
fn each(cases: Vec<Case>, key: &'static str, values: &[&str]) -> Vec<Case> {
    let with = |case: Case| values.iter().map(move |value| case.clone().with(key, value));
    cases.into_iter().flat_map(with).collect()
}

/// The same with and without a batch axis.
fn both(case: impl Fn(usize) -> Case) -> Vec<Case> {
    [0, 8].map(case).into()
}

/// Ways to say where a picture is, one after the other.
fn letterboxed(cases: Vec<Case>) -> Vec<Case> {
    let size = 8;
    let with = |(index, case): (usize, Case)| match index % 7 {
        0 => case,
        1 => case.input("TRANSFORM", &[4], Values::Scales),
        2 => case.input("SCALE", &[2], Values::Scales).input("OFFSET", &[2], Values::Scales),
        3 => case.input("SCALE", &[2], Values::Scales),
        4 => case.input("OFFSET", &[2], Values::Scales).input(
            "ORIGINAL_SIZE",
            &[2],
            Values::Narrow(size),
        ),
        5 => case.input("ORIGINAL_SIZE", &[2], Values::Wide(size)),
        _ => case.input("TRANSFORM", &[4], Values::Scales).input(
            "ORIGINAL_SIZE",
            &[2],
            Values::Wide(size),
        ),
    };
    cases.into_iter().enumerate().map(with).collect()
}

/// The parameters of suppression that are numbers.
fn thresholds(cases: Vec<Case>, random: &mut Random) -> Vec<Case> {
    let mut with = |case: Case| {
        let case = case
            .with("score_threshold", random.share())
            .with("iou_threshold", random.share())
            .with("candidates_max", random.one_of(&[1, 3, 20, 100, 4096]))
            .with("detections_max", random.one_of(&[1, 4, 30]));
        case
    };
    cases.into_iter().map(&mut with).collect()
}

fn suppressed(cases: Vec<Case>) -> Vec<Case> {
    let cases = each(cases, "overlap", &["union", "smaller"]);
    each(cases, "suppress", &["class", "all"])
}

pub(super) fn softmax(_: &mut Random) -> Vec<Case> {
    let shapes: [&[usize]; 5] = [&[7, 5], &[1, 300], &[40, 33], &[2, 0], &[3, 4, 5]];
    let of = |row: &'static [usize]| {
        both(|rows_max| Case::new("softmax", rows_max).input("INPUT", row, Values::Numbers))
    };
    each(shapes.into_iter().flat_map(of).collect(), "axis", &["-1", "-2"])
}

pub(super) fn top_k(_: &mut Random) -> Vec<Case> {
    let shapes: [&[usize]; 3] = [&[7, 6], &[1, 300], &[3, 4, 5]];
    let of = |operation: &'static str| {
        let of = move |row: &'static [usize]| {
            both(|rows_max| Case::new(operation, rows_max).input("INPUT", row, Values::Numbers))
        };
        shapes.into_iter().flat_map(of).collect::<Vec<_>>()
    };
    let argmax = each(of("argmax"), "axis", &["-1", "-2"]);
    let top_k = each(each(of("top_k"), "axis", &["-1", "-2"]), "k", &["1", "3", "20"]);
    let all = argmax.into_iter().chain(top_k);
    let labelled = all.clone().filter_map(|case| {
        let is_last = case.parameters.contains(&("axis", "-1".into()));
        let classes = *case.inputs[0].1.last()?;
        is_last.then(|| case.labels("LABELS", classes))
    });
    let one = both(|rows_max| Case::new("argmax", rows_max).input("INPUT", &[9], Values::Numbers));
    let none =
        both(|rows_max| Case::new("top_k", rows_max).input("INPUT", &[3, 0], Values::Numbers));
    all.clone().chain(labelled).chain(one).chain(none).collect()
}

pub(super) fn ctc(_: &mut Random) -> Vec<Case> {
    let shapes: [&[usize]; 3] = [&[30, 4], &[1, 4], &[0, 4]];
    let of = |row: &'static [usize]| {
        both(|rows_max| {
            let case = Case::new("ctc_greedy_decode", rows_max).labels("TEXT", 4);
            case.input("PROBABILITIES", row, Values::Numbers)
        })
    };
    let cases: Vec<_> = shapes.into_iter().flat_map(of).collect();
    each(cases.into_iter().cycle().take(18).collect(), "blank", &["0", "2"])
}

pub(super) fn detection(random: &mut Random) -> Vec<Case> {
    let cases = both(|rows_max| Case::new("detection", rows_max));
    let cases = suppressed(each(cases, "box_format", &["cxcywh", "xyxy"]));
    let cases = each(cases, "activation", &["none", "sigmoid"]);
    let cases = each(cases, "layout", &["CN", "NC"]);
    let cases = each(cases, "objectness", &["0", "1"]);
    let has = |case: &Case, key, value: &str| case.parameters.contains(&(key, value.into()));
    let mut with = |case: Case| {
        let classes = random.one_of(&[1, 3]);
        let numbers = 4 + classes + usize::from(has(&case, "objectness", "1"));
        // One that follows the classes.
        let more = random.between(0, 1);
        let places = random.one_of(&[1, 20, 40, 0]);
        let row = if has(&case, "layout", "CN") {
            [numbers + more, places]
        } else {
            [places, numbers + more]
        };
        let case = if more > 0 { case.with("classes", classes) } else { case };
        let case = match random.between(0, 2) {
            0 => case.labels("LABELS", classes),
            _ => case.with("coordinate_scale", random.one_of(&["2", "0.5,3"])),
        };
        case.input("PREDICTIONS", &row, Values::Numbers)
    };
    let cases = cases.into_iter().map(&mut with).collect();
    letterboxed(thresholds(cases, random))
}

pub(super) fn nms(random: &mut Random) -> Vec<Case> {
    let cases = both(|rows_max| Case::new("nms", rows_max));
    let cases = suppressed(each(cases, "box_format", &["cxcywh", "xyxy"]));
    let with = |case: Case| {
        let places = random.one_of(&[1, 30, 0]);
        let case = case.input("BOXES", &[places, 4], Values::Numbers);
        let case = case.input("SCORES", &[places], Values::Numbers);
        [
            case.clone(),
            case.clone().labels("LABELS", 3).input("CLASSES", &[places], Values::Narrow(2)),
            case.input("CLASSES", &[places], Values::Wide(2)),
        ]
    };
    let cases: Vec<_> = cases.into_iter().flat_map(with).collect();
    letterboxed(thresholds(cases, random))
}

pub(super) fn cascade(random: &mut Random) -> Vec<Case> {
    let proposals = both(|rows_max| Case::new("proposals", rows_max));
    let refine = both(|rows_max| Case::new("refine", rows_max));
    let refine = each(refine, "correct", &["after", "before"]);
    let cases = suppressed(proposals.into_iter().chain(refine).collect());
    let cases = each(each(cases, "square", &["0", "1"]), "class", &["0", "1"]);
    let mut with = |case: Case| {
        let (width, height) = (random.between(0, 6), random.between(1, 6));
        if case.parameters[0].1 == "proposals" {
            let case = case.with("stride", random.one_of(&[1, 3])).with("cell", 5);
            let case = case.input("PROBABILITIES", &[height, width, 2], Values::Shares);
            return case.input("CORRECTIONS", &[height, width, 4], Values::Numbers);
        }
        let places = width * height;
        let case = case.input("BOXES", &[places, 4], Values::Numbers);
        let case = case.input("PROBABILITIES", &[places, 2], Values::Numbers);
        case.input("CORRECTIONS", &[places, 4], Values::Numbers)
    };
    let cases = cases.into_iter().map(&mut with).collect();
    letterboxed(thresholds(cases, random))
}

pub(super) fn heatmap(random: &mut Random) -> Vec<Case> {
    let shapes: [&[usize]; 4] = [&[3, 6, 5], &[2, 1, 9], &[1, 20, 30], &[2, 0, 3]];
    let of = |row: &'static [usize]| {
        both(|rows_max| Case::new("heatmap", rows_max).input("HEATMAPS", row, Values::Numbers))
    };
    let cases: Vec<_> = shapes.into_iter().cycle().take(28).flat_map(of).collect();
    let cases = each(cases, "refine", &["none", "quarter"]);
    let stride = |case: Case| case.with("stride", random.one_of(&["1", "4", "0.5"]));
    letterboxed(cases.into_iter().map(stride).collect())
}

pub(super) fn concatenate(random: &mut Random) -> Vec<Case> {
    let kinds = [Values::Numbers, Values::Wide(9), Values::Bytes, Values::Narrow(9)];
    let mut cases = Vec::new();
    for axis in ["-1", "-2", "-3"] {
        for kind in kinds.into_iter().cycle().take(8) {
            for rows_max in [0, 8] {
                let sizes = [random.between(0, 5), 4, random.between(1, 3)];
                let row = |size: usize| match axis {
                    "-1" => [2, 3, size],
                    "-2" => [2, size, 3],
                    _ => [size, 2, 3],
                };
                let case = Case::new("concatenate", rows_max).with("axis", axis);
                let case = case.input("A", &row(sizes[0]), kind).input("B", &row(sizes[1]), kind);
                cases.push(case.input("C", &row(sizes[2]), kind));
            }
        }
    }
    cases
}
