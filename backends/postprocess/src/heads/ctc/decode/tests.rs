use super::*;

const LABELS: [&str; 4] = ["", "a", "b", " "];

/// Steps whose largest number is `.1`, at class `.0`.
fn steps(path: &[(usize, f32)]) -> Vec<f32> {
    path.iter()
        .flat_map(|&(class, number)| {
            let mut step = [0.0; LABELS.len()];
            step[class] = number;
            step
        })
        .collect()
}

fn check(path: &[(usize, f32)], blank: usize, text: &str, score: f32) {
    assert_eq!(decode(&steps(path), LABELS.len(), &LABELS, blank), (text.into(), score));
}

#[test]
fn repetitions_collapse_and_blanks_go() {
    check(&[], 0, "", 0.0);
    check(&[(0, 0.9), (0, 0.9)], 0, "", 0.0);
    check(&[(1, 0.5)], 0, "a", 0.5);
    check(&[(1, 0.5), (1, 1.0), (2, 1.0)], 0, "ab", 0.75); // The first of a repetition counts.
    check(&[(1, 0.5), (0, 1.0), (1, 1.0)], 0, "aa", 0.75); // A blank parts two of a kind.
    check(&[(0, 1.0), (1, 1.0), (3, 0.5), (2, 0.75), (0, 1.0)], 0, "a b", 0.75);
}

#[test]
fn the_blank_may_be_any_class() {
    check(&[(3, 1.0), (1, 0.25), (3, 1.0), (0, 0.75), (2, 0.5)], 3, "ab", 0.5);
}

#[test]
fn a_step_of_nans_is_a_blank() {
    let mut numbers = steps(&[(1, 0.5), (0, 1.0), (1, 0.5)]);
    numbers[4..8].fill(f32::NAN);
    assert_eq!(decode(&numbers, 4, &LABELS, 0), ("aa".into(), 0.5));
    numbers[0] = f32::NAN;
    assert_eq!(decode(&numbers, 4, &LABELS, 0), ("aa".into(), 0.5));
}

#[test]
fn a_score_of_logits_is_their_mean() {
    assert_eq!(decode(&[-9.0, -1.0, -9.0, -2.0], 2, &LABELS, 0), ("a".into(), -1.0));
    let infinite = [f32::NEG_INFINITY, f32::INFINITY];
    assert_eq!(decode(&infinite, 2, &LABELS, 0), ("a".into(), f32::INFINITY));
}

#[test]
fn odd_sizes_are_no_panic() {
    let check = |steps: &[f32], classes| decode(steps, classes, &LABELS, 0);
    assert_eq!(check(&[], 0), (String::new(), 0.0));
    assert_eq!(check(&[0.0; 5], 4), (String::new(), 0.0)); // Half a step is none.
    assert_eq!(check(&[0.0, 0.0, 0.0, 0.0, 1.0], 5), (String::new(), 1.0)); // No label 4.
}
