use super::*;
use proptest::prelude::*;

const PLAIN: Decoding = Decoding {
    place_axis: PlaceAxis::First,
    box_format: BoxFormat::CentreSize,
    objectness: Objectness::Absent,
    activation: Activation::None,
    classes: None,
    score_threshold: 0.25,
    coordinate_scale: [1.0; 2],
};

fn transposed(numbers: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    (0..columns).flat_map(|x| (0..rows).map(move |y| numbers[y * columns + x])).collect()
}

#[test]
fn one_place_by_hand() {
    let check = |how: Decoding, place: &[f32], expected: Option<([f32; 4], f32, i32)>| {
        let found = how.candidates(place, [1, place.len()]);
        let found: Vec<_> = found.iter().map(|c| (c.corners, c.score, c.class)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{place:?}");
    };
    let corners = [5.0, 16.0, 15.0, 24.0];
    check(PLAIN, &[10.0, 20.0, 10.0, 8.0, 0.1, 0.5], Some((corners, 0.5, 1)));
    check(PLAIN, &[10.0, 20.0, 10.0, 8.0, 0.5, 0.5], Some((corners, 0.5, 0)));
    check(PLAIN, &[10.0, 20.0, 10.0, 8.0, 0.25], None); // Not greater than the threshold.
    let given = Decoding { box_format: BoxFormat::Corners, coordinate_scale: [2.0, 10.0], ..PLAIN };
    check(given, &[1.0, 2.0, 3.0, 4.0, 0.5], Some(([2.0, 20.0, 6.0, 40.0], 0.5, 0)));
    let objectness = Decoding { objectness: Objectness::Present, ..PLAIN };
    check(objectness, &[10.0, 20.0, 10.0, 8.0, 0.5, 0.5, 0.75], Some((corners, 0.375, 1)));
    let logits = Decoding { activation: Activation::Sigmoid, ..objectness };
    check(logits, &[10.0, 20.0, 10.0, 8.0, 100.0, -9.0, 0.0], Some((corners, 0.5, 1)));
    let two = Decoding { classes: Some(2), ..PLAIN }; // Mask coefficients follow.
    check(two, &[10.0, 20.0, 10.0, 8.0, 0.1, 0.5, 9.0], Some((corners, 0.5, 1)));
}

#[test]
fn what_is_no_number_is_no_candidate() {
    for bad in [f32::NAN, f32::INFINITY] {
        for at in 0..4 {
            let mut place = [10.0, 20.0, 10.0, 8.0, 0.5];
            place[at] = bad;
            assert_eq!(PLAIN.candidates(&place, [1, 5]), []);
        }
    }
    assert_eq!(PLAIN.candidates(&[1.0, 1.0, 1.0, 1.0, f32::NAN], [1, 5]), []);
    let found = PLAIN.candidates(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 0.5], [1, 6]);
    assert_eq!(found.first().map(|candidate| candidate.class), Some(1));
    let objectness = Decoding { objectness: Objectness::Present, ..PLAIN };
    assert_eq!(objectness.candidates(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 0.5], [1, 6]), []);
}

#[test]
fn odd_shapes_have_no_candidates() {
    for (numbers, shape) in [(0, [0, 0]), (4, [1, 4]), (5, [1, 6]), (0, [0, 5]), (0, [5, 0])] {
        for place_axis in [PlaceAxis::First, PlaceAxis::Last] {
            let how = Decoding { place_axis, ..PLAIN };
            assert_eq!(how.candidates(&vec![1.0; numbers], shape), [], "{shape:?}");
        }
    }
    assert_eq!(Decoding { classes: Some(3), ..PLAIN }.classes([1, 6]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Both layouts go different ways; the reference is the formula, place by place.
    #[test]
    fn both_layouts_equal_the_formula(
        numbers in prop::collection::vec(
            prop_oneof![9 => -2.0_f32..2.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)],
            7 * 1500,
        ),
        is_logits in any::<bool>(),
        has_objectness in any::<bool>(),
    ) {
        let activation = if is_logits { Activation::Sigmoid } else { Activation::None };
        let objectness = if has_objectness { Objectness::Present } else { Objectness::Absent };
        let how = Decoding { objectness, activation, ..PLAIN };
        let found = how.candidates(&numbers, [1500, 7]);
        let last = Decoding { place_axis: PlaceAxis::Last, ..how };
        prop_assert_eq!(&last.candidates(&transposed(&numbers, [1500, 7]), [7, 1500]), &found);
        let score_of = |number: f32| if is_logits { sigmoid(number) } else { number };
        let mut expected = Vec::new();
        for (index, place) in numbers.chunks_exact(7).enumerate() {
            let classes = &place[4 + usize::from(has_objectness)..];
            let best = classes.iter().copied().filter(|x| !x.is_nan()).fold(f32::NAN, f32::max);
            let factor = if has_objectness { score_of(place[4]) } else { 1.0 };
            if factor * score_of(best) > 0.25 && place[..4].iter().all(|x| x.is_finite()) {
                expected.push((index, classes.iter().position(|&x| x == best).unwrap()));
            }
        }
        let got: Vec<_> =
            found.iter().map(|c| (c.index, usize::try_from(c.class).unwrap())).collect();
        prop_assert_eq!(got, expected);
    }
}
