//! The tables of options.

use nereid_softcuda_harness::Random;

use super::cases::{Case, Values};

/// A case for each combination of an option's values with all cases so far.
fn each(cases: Vec<Case>, key: &'static str, values: &[&str]) -> Vec<Case> {
    let with = |case: Case| values.iter().map(move |value| case.clone().with(key, *value));
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
        case.with("score_threshold", &random.float(0.0, 1.0))
            .with("iou_threshold", &random.float(0.0, 1.0))
            .with("candidates_max", &random.one_of(&[1, 3, 20, 100, 4096]))
            .with("detections_max", &random.one_of(&[1, 4, 30]))
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
        let case = if more > 0 { case.with("classes", &classes) } else { case };
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
            let case = case.with("stride", &random.one_of(&[1, 3])).with("cell", "5");
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
