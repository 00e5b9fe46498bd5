//! What launchers refuse before a device is asked.

use nereid_kernels::cpu::{
    AxisView, Frame, Overlap, PixelFormat, Rendering, Scope, Shape, Suppression, ViewError,
};
use nereid_kernels::cuda::{
    Blocks, Candidates, Closing, Draw, Drawing, Element, Kept, LaunchError, Letterboxes, Ordered,
    Picture, Region, Scores, Sequences, collapse, interleave, score_corrected, softmax, suppress,
    top_k,
};

fn region(size_bytes: usize) -> Region {
    Region::new(4096, size_bytes)
}

#[test]
fn pictures() {
    let (rendering, element) = (Rendering::default(), Element::F32);
    let picture = Picture::interleaved(region(12), PixelFormat::Rgb, (2, 2)).unwrap();
    let drawing = |canvas| Drawing { picture, frame: Frame::full(canvas) };
    let launches = |canvases: &[(usize, usize)], target| {
        let drawings: Vec<_> = canvases.iter().map(|&canvas| drawing(canvas)).collect();
        let draw = Draw { drawings: &drawings, rendering: &rendering, element, target };
        draw.bilinear().map(|launches| launches.len())
    };
    assert_eq!(launches(&[], region(0)), Ok(0));
    assert_eq!(launches(&[(3, 1); 49], region(49 * 36)), Ok(2));
    let differ = LaunchError::Canvases { one: (3, 1), two: (1, 3) };
    assert_eq!(launches(&[(3, 1), (1, 3)], region(72)), Err(differ));
    let axis = ViewError::Axis { width: 0, height: 1 };
    assert_eq!(launches(&[(0, 1)], region(0)), Err(axis.into()));
    let size = launches(&[(3, 1)], region(35)).unwrap_err();
    assert_eq!(size.to_string(), "pictures of a tensor: 36 bytes are needed, got 35");
    let odd = launches(&[(3, 1)], Region::new(4098, 36)).unwrap_err();
    assert_eq!(odd.to_string(), "pictures of a tensor: address 0x1002 is no multiple of 4");
    assert!(Picture::interleaved(region(11), PixelFormat::Rgb, (2, 2)).is_err());
    assert!(Picture::planar(region(13), (2, 2)).is_err());
    assert!(picture.part((1, 1), (1, 2)).is_err());
}

#[test]
fn lines() {
    let view = |outer, length, inner| AxisView { outer, length, inner };
    let pair = |size_bytes| (region(size_bytes), region(size_bytes));
    assert!(softmax(pair(4 * 6), view(2, 3, 1)).unwrap().is_some());
    assert!(softmax(pair(0), view(2, 0, 1)).unwrap().is_none());
    assert!(softmax(pair(4 * 5), view(2, 3, 1)).is_err());
    let many = softmax(pair(4 * 2 * 70_000), view(70_000, 1, 2)).unwrap_err();
    assert_eq!(many.to_string(), "blocks along y: 70000 are more than 65535");
    let most = |lines, k| {
        let found = (region(4 * lines * k), region(8 * lines * k));
        top_k(region(4 * lines * 20), view(lines, 20, 1), k, found).map(|launch| launch.is_some())
    };
    assert_eq!((most(70_000, 16), most(1, 0)), (Ok(true), Ok(false)));
    assert!(most(70_000, 17).is_err());
}

#[test]
fn candidates() {
    let how = |candidates_max| Suppression {
        iou_threshold: 0.5,
        overlap: Overlap::Union,
        scope: Scope::All,
        candidates_max,
        detections_max: 1,
    };
    let launch = |places: usize, candidates_max: usize| {
        let looked_at = places.min(candidates_max);
        let ordered = Ordered {
            pictures: 1,
            places,
            corners: region(16 * places),
            classes: None,
            scores: region(4 * looked_at),
            order: region(8 * looked_at),
        };
        let letterboxes = Letterboxes::default();
        let closing = Closing { corrections: None, shape: Shape::Free, letterboxes };
        let kept = Kept {
            boxes: region(16),
            scores: region(4),
            classes: region(4),
            places: region(8),
            counts: region(4),
        };
        suppress(&how(candidates_max), &ordered, &closing, &kept).map(|launch| launch.is_some())
    };
    assert_eq!(launch(70_000, 1 << 16), Ok(true));
    let text = "candidates of a picture: 65537 are more than 65536";
    assert_eq!(launch(70_000, (1 << 16) + 1).unwrap_err().to_string(), text);
}

#[test]
fn blocks() {
    let refused = |size_bytes, block_bytes, start, step_bytes| {
        let block = Blocks { from: region(size_bytes), block_bytes, start };
        interleave(&[block], region(20), step_bytes).is_err()
    };
    assert!(!refused(8, 4, 6, 10));
    assert!(!refused(0, 0, 0, 0));
    assert!(refused(8, 4, 7, 10), "behind the end");
    assert!(refused(8, 3, 0, 10), "half a block");
    assert!(refused(8, 0, 0, 10), "blocks of nothing");
    assert!(refused(8, 4, 0, 3), "one over the next");
}

#[test]
fn classes() {
    let scores = |class| Scores { numbers: region(8), classes: 2, class, threshold: 0.5 };
    let candidates = Candidates { corners: region(16), scores: region(4) };
    let score = |class| score_corrected(region(16), &scores(class), None, &candidates);
    assert!(score(1).unwrap().is_some());
    let text = score(2).unwrap_err().to_string();
    assert_eq!(text, "the class, from 0: 2 are more than 2");
    let sequences = Sequences { rows: 1, steps: 1, numbers: region(4), classes: region(8) };
    let blank = |blank| collapse(&sequences, blank, (region(4), region(4)));
    assert!(blank(0).unwrap().is_some());
    assert!(blank(1 << 31).is_err());
}
