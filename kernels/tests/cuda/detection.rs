//! From a detector's output to the objects that are kept, in the picture's pixels.

use nereid_kernels::cpu::{
    self, Activation, AxisView, BoxFormat, Candidate, Corrections, Decoding, Letterbox, Objectness,
    Overlap, PlaceAxis, Scope, Shape, Suppression,
};
use nereid_kernels::cuda::{
    Candidates, Closing, Detections, Kept, Letterboxes, Ordered, decode_detections, score_boxes,
    suppress, top_k,
};
use nereid_softcuda_harness::{AnyCuda, Random};

use crate::gpu::{Gpu, Input, Output};

/// Candidates in device memory.
struct Found {
    corners: Output,
    scores: Output,
    classes: Output,
}

impl Found {
    fn new(gpu: &Gpu, count: usize) -> Self {
        let of = |bytes: usize| gpu.output(count * bytes);
        Self { corners: of(16), scores: of(4), classes: of(4) }
    }

    fn candidates(&self) -> Candidates {
        Candidates { corners: self.corners.region(), scores: self.scores.region() }
    }

    /// Of each picture of `places`.
    fn download(self, gpu: &Gpu, places: usize) -> Vec<Vec<Candidate>> {
        let corners = gpu.download::<[f32; 4]>(self.corners);
        let scores = gpu.download::<f32>(self.scores);
        let classes = gpu.download::<i32>(self.classes);
        let all = corners.into_iter().zip(scores).zip(classes).enumerate();
        let mut pictures = vec![Vec::new(); all.len() / places];
        for (at, ((corners, score), class)) in all {
            assert_eq!(score.is_nan(), class == -1);
            if !score.is_nan() {
                let candidate = Candidate { corners, score, class, index: at % places };
                pictures[at / places].push(candidate);
            }
        }
        pictures
    }
}

fn decoded(gpu: &Gpu, decoding: &Decoding, numbers: &[f32], shape: [usize; 2]) -> (Found, usize) {
    let places = if decoding.place_axis == PlaceAxis::Last { shape[1] } else { shape[0] };
    let pictures = numbers.len() / (shape[0] * shape[1]);
    let (input, found) = (gpu.upload(numbers), Found::new(gpu, places * pictures));
    let detections = Detections { numbers: input.region(), pictures, shape };
    let to = (&found.candidates(), found.classes.region());
    gpu.run(decode_detections(decoding, &detections, to).unwrap());
    (found, places)
}

/// Any way to decode, and an output for `pictures` pictures.
fn any(random: &mut Random, pictures: usize) -> (Decoding, Vec<f32>, [usize; 2]) {
    let decoding = Decoding {
        place_axis: random.one_of(&[PlaceAxis::Last, PlaceAxis::First]),
        box_format: random.one_of(&[BoxFormat::CentreSize, BoxFormat::Corners]),
        objectness: random.one_of(&[Objectness::Absent, Objectness::Present]),
        activation: random.one_of(&[Activation::None, Activation::Sigmoid]),
        classes: None,
        score_threshold: random.float(0.0, 0.7),
        coordinate_scale: [random.float(0.5, 2.0), 1.0],
    };
    let first = 4 + usize::from(decoding.objectness == Objectness::Present);
    let (places, numbers) = (random.between(1, 300), first + random.between(1, 4));
    let mut values = random.floats(pictures * places * numbers, -1.0, 1.0);
    // So that many are equal.
    let is_coarse = random.between(0, 1) == 1;
    for value in &mut values {
        if is_coarse {
            *value = (*value * 4.0).round() / 4.0;
        }
        if random.between(0, 60) == 0 {
            *value = random.one_of(&[f32::NAN, f32::INFINITY, -f32::INFINITY, 90.0, -110.0, 0.0]);
        }
    }
    let shape = match decoding.place_axis {
        PlaceAxis::Last => [numbers, places],
        PlaceAxis::First => [places, numbers],
    };
    (decoding, values, shape)
}

#[test]
fn decoding() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        for seed in 0..48 {
            let mut random = Random::new(seed);
            let (decoding, numbers, shape) = any(&mut random, 2);
            let (found, places) = decoded(&gpu, &decoding, &numbers, shape);
            let pictures = numbers.chunks(shape[0] * shape[1]);
            let expected: Vec<_> =
                pictures.map(|numbers| decoding.candidates(numbers, shape)).collect();
            let got = found.download(&gpu, places);
            assert_eq!(got, expected, "seed {seed}, {decoding:?}");
            let bits = |pictures: &[Vec<Candidate>]| -> Vec<_> {
                let numbers = |it: &Candidate| [it.corners.as_slice(), &[it.score]].concat();
                pictures.iter().flatten().flat_map(numbers).map(f32::to_bits).collect()
            };
            assert_eq!(bits(&got), bits(&expected), "seed {seed}, {decoding:?}");
        }
    });
}

#[test]
fn boxes_that_are_decoded() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(11));
        for format in [BoxFormat::CentreSize, BoxFormat::Corners] {
            let mut boxes: Vec<[f32; 4]> =
                (0..300).map(|_| std::array::from_fn(|_| random.float(-9.0, 9.0))).collect();
            boxes[7][2] = f32::INFINITY;
            let mut scores = random.floats(300, 0.0, 1.0);
            (scores[3], scores[5]) = (f32::NAN, 0.25);
            let (memory, given) = (gpu.upload(&boxes), gpu.upload(&scores));
            let found = Found::new(&gpu, 300);
            let regions = (memory.region(), given.region());
            gpu.run(score_boxes(regions, format, 0.25, &found.candidates()).unwrap());
            let corners = gpu.download::<[f32; 4]>(found.corners);
            for (at, score) in gpu.download::<f32>(found.scores).into_iter().enumerate() {
                let expected = format.corners(boxes[at]);
                let is_kept = scores[at] > 0.25 && expected.iter().all(|x| x.is_finite());
                assert_eq!(!score.is_nan(), is_kept, "{at}");
                if is_kept {
                    assert_eq!((corners[at], score), (expected, scores[at]));
                }
            }
        }
    });
}

/// Transforms and sizes of pictures, and the same for the twin.
pub(crate) struct Places {
    transforms: Option<Input>,
    sizes: Option<Input>,
    pub(crate) letterboxes: Vec<Letterbox>,
}

impl Places {
    pub(crate) fn back(&self) -> Letterboxes {
        Letterboxes {
            transforms: self.transforms.as_ref().map(Input::region),
            sizes: self.sizes.as_ref().map(Input::region),
        }
    }

    pub(crate) fn any(gpu: &Gpu, random: &mut Random, pictures: usize) -> Self {
        let mut letterboxes = vec![Letterbox::default(); pictures];
        let [has_transforms, has_sizes] = [0, 1].map(|_| random.between(0, 1) == 1);
        for letterbox in &mut letterboxes {
            if has_transforms {
                letterbox.scale = [random.float(0.1, 2.0), random.float(0.1, 2.0)];
                letterbox.offset = [random.float(-9.0, 9.0), random.float(-9.0, 9.0)];
            }
            if has_sizes {
                letterbox.size = Some([random.between(0, 30) as f32, random.between(0, 9) as f32]);
            }
        }
        let transforms = letterboxes.iter().map(|it| [it.scale, it.offset]).collect::<Vec<_>>();
        let sizes = letterboxes.iter().filter_map(|it| it.size);
        let sizes: Vec<_> = sizes.map(|[width, height]| [height as i32, width as i32]).collect();
        Self {
            transforms: has_transforms.then(|| gpu.upload(&transforms)),
            sizes: has_sizes.then(|| gpu.upload(&sizes)),
            letterboxes,
        }
    }
}

/// Corrections of `count` boxes, some so large that the box is not finite any more.
fn shares(random: &mut Random, count: usize) -> Vec<f32> {
    let mut shares = random.floats(4 * count, -2.0, 2.0);
    shares.iter_mut().step_by(7).for_each(|share| *share *= 1e38);
    shares
}

#[test]
fn suppression() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        for seed in 100..148 {
            let mut random = Random::new(seed);
            let pictures = 2;
            let (decoding, numbers, shape) = any(&mut random, pictures);
            let how = Suppression {
                iou_threshold: random.float(0.0, 1.0),
                overlap: random.one_of(&[Overlap::Union, Overlap::Smaller]),
                scope: random.one_of(&[Scope::Class, Scope::All]),
                candidates_max: random.between(1, 320),
                detections_max: random.between(1, 40),
            };
            let (found, places) = decoded(&gpu, &decoding, &numbers, shape);
            let looked_at = how.candidates_max.min(places) * pictures;
            let (scores, order) = (gpu.output(4 * looked_at), gpu.output(8 * looked_at));
            let view = AxisView { outer: pictures, length: places, inner: 1 };
            let by_score = (scores.region(), order.region());
            gpu.run(top_k(found.scores.region(), view, how.candidates_max, by_score).unwrap());
            let all = how.detections_max * pictures;
            let [boxes, sure, classes, at, counts] =
                [16 * all, 4 * all, 4 * all, 8 * all, 4 * pictures].map(|size| gpu.output(size));
            let back = Places::any(&gpu, &mut random, pictures);
            let ordered = Ordered {
                pictures,
                places,
                corners: found.corners.region(),
                classes: Some(found.classes.region()),
                scores: scores.region(),
                order: order.region(),
            };
            let shape_of_boxes = random.one_of(&[Shape::Free, Shape::Square]);
            let shares = shares(&mut random, places * pictures);
            let corrections = (random.between(0, 1) == 1).then(|| gpu.upload(&shares));
            let closing = Closing {
                corrections: corrections.as_ref().map(Input::region),
                shape: shape_of_boxes,
                letterboxes: back.back(),
            };
            let kept = Kept {
                boxes: boxes.region(),
                scores: sure.region(),
                classes: classes.region(),
                places: at.region(),
                counts: counts.region(),
            };
            gpu.run(suppress(&how, &ordered, &closing, &kept).unwrap());
            let mut expected = Expected::default();
            let shares = shares.as_chunks().0.chunks(places);
            let rows = numbers.chunks(shape[0] * shape[1]).zip(&back.letterboxes).zip(shares);
            for ((numbers, letterbox), shares) in rows {
                let mut kept = cpu::suppress(decoding.candidates(numbers, shape), &how);
                if corrections.is_some() {
                    Corrections(shares).apply(&mut kept);
                }
                for it in &mut kept {
                    it.corners = shape_of_boxes.of(it.corners);
                }
                expected.push(&kept, letterbox, how.detections_max);
            }
            let got = Expected {
                boxes: gpu.download(boxes),
                scores: gpu.download(sure),
                classes: gpu.download(classes),
                places: gpu.download(at),
                counts: gpu.download(counts),
            };
            assert_eq!(got, expected, "seed {seed}, {how:?}, {decoding:?}");
        }
    });
}

/// What is kept, padded as the tensors are. Floats as bits.
#[derive(Default, Debug, PartialEq)]
struct Expected {
    boxes: Vec<u32>,
    scores: Vec<u32>,
    classes: Vec<i32>,
    places: Vec<i64>,
    counts: Vec<i32>,
}

impl Expected {
    fn push(&mut self, kept: &[Candidate], letterbox: &Letterbox, most: usize) {
        for object in kept {
            self.boxes.extend(letterbox.undo_box(object.corners).map(f32::to_bits));
            self.scores.push(object.score.to_bits());
            self.classes.push(object.class);
            self.places.push(i64::try_from(object.index).unwrap());
        }
        self.counts.push(i32::try_from(kept.len()).unwrap());
        let all = self.counts.len() * most;
        self.boxes.resize(4 * all, 0);
        self.scores.resize(all, 0);
        self.classes.resize(all, -1);
        self.places.resize(all, -1);
    }
}
