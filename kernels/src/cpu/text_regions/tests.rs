use super::*;
use proptest::prelude::*;

const HOW: TextRegions = TextRegions {
    threshold: 0.3,
    dilation: Dilation::None,
    shape: BoxShape::Turned,
    box_threshold: 0.5,
    unclip_ratio: 1.5,
    side_min: 3.0,
    regions_max: 1000,
};

/// A map that is 0.8 in the given columns and rows.
fn map((width, height): (usize, usize), blocks: &[[usize; 4]]) -> Vec<f32> {
    let is_in = |x: usize, y: usize| {
        blocks.iter().any(|&[left, top, right, bottom]| {
            (left..=right).contains(&x) && (top..=bottom).contains(&y)
        })
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    pixels.map(|(x, y)| if is_in(x, y) { 0.8 } else { 0.0 }).collect()
}

#[test]
fn a_block_becomes_a_grown_box() {
    let map = map((40, 30), &[[10, 10, 20, 16], [30, 2, 31, 20]]);
    // w 10, h 6: it grows by 60 * 1.5 / 32 = 2.8125. The other one is a pixel wide.
    let corners = [[7.1875, 7.1875], [22.8125, 7.1875], [22.8125, 18.8125], [7.1875, 18.8125]];
    for shape in [BoxShape::Turned, BoxShape::Upright] {
        let found = TextRegions { shape, ..HOW }.find(&map, (40, 30));
        assert_eq!(found, [TextBox { corners, score: 0.8 }]);
    }
    let strict = TextRegions { box_threshold: 0.81, ..HOW };
    assert_eq!(strict.find(&map, (40, 30)), []);
    let wide = TextRegions { side_min: 1.0, unclip_ratio: 4.0, ..HOW };
    assert_eq!(wide.find(&map, (40, 30)).len(), 2);
}

#[test]
fn a_line_at_an_angle_is_turned() {
    let mut map = vec![0.0; 60 * 60];
    for along in 0..40 {
        for across in 0..6 {
            map[(10 + along - across / 2) * 60 + 5 + along + across - across / 2] = 1.0;
        }
    }
    let turned = HOW.find(&map, (60, 60))[0];
    let [left, top, ..] = turned.corners;
    let slope = (top[1] - left[1]) / (top[0] - left[0]);
    assert!((slope.abs() - 1.0).abs() < 0.05, "{turned:?}");
    let upright = TextRegions { shape: BoxShape::Upright, box_threshold: 0.0, ..HOW };
    assert!(upright.find(&map, (60, 60))[0].score < turned.score);
}

#[test]
fn dilation_joins_what_a_pixel_parts() {
    let map = map((40, 20), &[[5, 5, 12, 10], [14, 5, 20, 10]]);
    assert_eq!(HOW.find(&map, (40, 20)).len(), 2);
    let grown = TextRegions { dilation: Dilation::Two, ..HOW }.find(&map, (40, 20));
    assert_eq!(grown.len(), 1);
    // 5 to 21 and 5 to 11, of which the last column and row were 0, and one column in the middle.
    assert!((grown[0].score - 0.8 * 90.0 / 119.0).abs() < 1e-6, "{grown:?}");
}

#[test]
fn limits_and_odd_maps() {
    let map = map((40, 20), &[[1, 1, 8, 8], [20, 2, 30, 10]]);
    let one = TextRegions { regions_max: 1, ..HOW }.find(&map, (40, 20));
    assert_eq!(one.len(), 1);
    for (size, length) in [((0, 0), 0), ((0, 9), 0), ((3, 3), 8), ((AXIS_MAX + 1, 1), AXIS_MAX + 1)]
    {
        assert_eq!(HOW.find(&vec![1.0; length], size), [], "{size:?}");
    }
    let mut holed = map.clone();
    holed[4 * 40 + 4] = f32::NAN; // Its mean is no number.
    assert_eq!(HOW.find(&holed, (40, 20)).len(), 1);
    let infinite = vec![f32::INFINITY; 100];
    assert_eq!(HOW.find(&infinite, (10, 10))[0].score, f32::INFINITY);
}

proptest! {
    #[test]
    fn any_map_is_answered(
        map in prop::collection::vec(
            prop_oneof![4 => 0.0_f32..1.0, 1 => Just(f32::NAN), 1 => Just(f32::NEG_INFINITY)],
            15 * 11,
        ),
        is_grown in any::<bool>(),
    ) {
        let dilation = if is_grown { Dilation::Two } else { Dilation::None };
        let how = TextRegions { dilation, side_min: 0.0, box_threshold: 0.0, unclip_ratio: 9.0, ..HOW };
        for found in how.find(&map, (15, 11)) {
            prop_assert!(found.score >= 0.0);
            prop_assert!(found.corners.iter().flatten().all(|place| place.is_finite()));
        }
    }
}
