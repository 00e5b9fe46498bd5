//! Drawing pictures: every option, several pictures of different kinds and sizes a launch.

use bytemuck::Pod;
use half::f16;
use nereid_kernels::cpu::{
    self, ChannelOrder, Filter, Frame, Image, Layout, Level, Orientation, PixelFormat, Rendering,
};
use nereid_kernels::cuda::{Draw, Drawing, Element, Passes, Picture};
use nereid_softcuda_harness::{AnyCuda, Random, SoftCuda};

use crate::gpu::{Gpu, Input};

const FORMATS: [PixelFormat; 3] = [PixelFormat::Rgb, PixelFormat::Bgr, PixelFormat::Gray];
const ORDERS: [ChannelOrder; 3] = [ChannelOrder::Rgb, ChannelOrder::Bgr, ChannelOrder::Gray];
const LAYOUTS: [Layout; 2] = [Layout::Planar, Layout::Interleaved];
const FILTERS: [Filter; 2] = [Filter::Bilinear, Filter::Triangle];

/// A picture, the part of it that is drawn, as it is stored, and where.
struct Case {
    format: PixelFormat,
    is_planar: bool,
    size: (usize, usize),
    levels: Vec<u8>,
    start: (usize, usize),
    part: (usize, usize),
    orientation: Orientation,
    frame: Frame,
}

impl Case {
    fn new(random: &mut Random, format: PixelFormat, size: (usize, usize), frame: Frame) -> Self {
        let levels = random.bytes(format.channels() * size.0 * size.1);
        let orientation = Orientation::default();
        let (start, is_planar) = ((0, 0), false);
        Self { format, is_planar, size, levels, start, part: size, orientation, frame }
    }

    /// Any part of any picture, anywhere on the canvas.
    fn any(random: &mut Random, canvas: (usize, usize)) -> Self {
        let size = (random.between(1, 17), random.between(1, 17));
        let mut side = |most: usize| random.between(1, most);
        let (picture, part) = ((side(19), side(19)), (side(size.0), side(size.1)));
        let mut offset = || random.between(0, 14).cast_signed() - 7;
        let frame = Frame { picture, canvas, offset: (offset(), offset()) };
        let (format, is_planar) = (random.one_of(&FORMATS), random.between(0, 3) == 0);
        let format = if is_planar { PixelFormat::Rgb } else { format };
        let start = (random.between(0, size.0 - part.0), random.between(0, size.1 - part.1));
        let exif = random.between(1, 8) as u16;
        let orientation = Orientation::from_exif(exif).unwrap();
        Self { is_planar, start, part, orientation, ..Self::new(random, format, size, frame) }
    }

    fn render<T: Level + Pod>(&self, rendering: &Rendering) -> Vec<T> {
        let (part, channels) = (self.part, self.format.channels());
        let mut stored = Vec::new();
        for row in self.levels.chunks(channels * self.size.0).skip(self.start.1).take(part.1) {
            stored.extend(&row[channels * self.start.0..][..channels * part.0]);
        }
        let mut upright = vec![0; stored.len()];
        cpu::orient(&stored, self.format, part, self.orientation, &mut upright).unwrap();
        let size = self.orientation.turned(part);
        let image = Image::new(&upright, self.format, size).unwrap();
        let (width, height) = self.frame.canvas;
        let mut target = vec![T::zeroed(); rendering.order.channels() * width * height];
        cpu::render(&image, &self.frame, rendering, &mut target).unwrap();
        target
    }

    fn upload(&self, gpu: &Gpu) -> Input {
        if !self.is_planar {
            return gpu.upload(&self.levels);
        }
        let plane = |channel| self.levels.iter().skip(channel).step_by(3).copied();
        gpu.upload(&(0..3).flat_map(plane).collect::<Vec<_>>())
    }

    fn drawing(&self, memory: &Input) -> Drawing {
        let picture = if self.is_planar {
            Picture::planar(memory.region(), self.size)
        } else {
            Picture::interleaved(memory.region(), self.format, self.size)
        };
        let picture = picture.unwrap().part(self.start, self.part).unwrap();
        Drawing { picture: picture.upright(self.orientation), frame: self.frame }
    }
}

trait Drawn: Level + Pod + PartialEq + std::fmt::Debug {
    const ELEMENT: Element;
}

impl Drawn for u8 {
    const ELEMENT: Element = Element::U8;
}
impl Drawn for f16 {
    const ELEMENT: Element = Element::F16;
}
impl Drawn for f32 {
    const ELEMENT: Element = Element::F32;
}
impl Drawn for f64 {
    const ELEMENT: Element = Element::F64;
}

/// Both draw the same bytes.
fn check<T: Drawn>(gpu: &Gpu, cases: &[Case], rendering: &Rendering, seed: u64) {
    let memory: Vec<_> = cases.iter().map(|case| case.upload(gpu)).collect();
    let drawings: Vec<_> = cases.iter().zip(&memory).map(|(case, it)| case.drawing(it)).collect();
    let expected: Vec<Vec<T>> = cases.iter().map(|case| case.render(rendering)).collect();
    let target = gpu.output(size_of::<T>() * expected.iter().map(Vec::len).sum::<usize>());
    let draw =
        Draw { drawings: &drawings, rendering, element: T::ELEMENT, target: target.region() };
    match rendering.filter {
        Filter::Bilinear => gpu.run(draw.bilinear().unwrap()),
        Filter::Triangle => {
            let scratch = gpu.output(draw.scratch_bytes().max(1));
            for Passes { down, across } in
                draw.antialiased(scratch.part(0, draw.scratch_bytes())).unwrap()
            {
                gpu.run([down]);
                gpu.run([across]);
            }
        }
    }
    let drawn = gpu.download::<T>(target);
    let mut rest = drawn.as_slice();
    for (index, expected) in expected.iter().enumerate() {
        let own = rest.split_off(..expected.len()).unwrap();
        let frame = cases[index].frame;
        assert!(
            bytemuck::cast_slice::<T, u8>(own) == bytemuck::cast_slice::<T, u8>(expected),
            "seed {seed}, picture {index}, {frame:?}, {rendering:?}: {own:?} is not {expected:?}"
        );
    }
}

fn check_all(gpu: &Gpu, cases: &[Case], rendering: &Rendering, seed: u64) {
    check::<u8>(gpu, cases, rendering, seed);
    check::<f16>(gpu, cases, rendering, seed);
    check::<f32>(gpu, cases, rendering, seed);
    check::<f64>(gpu, cases, rendering, seed);
}

/// Means and scales of three channels that differ.
fn rendering(filter: Filter, order: ChannelOrder, layout: Layout) -> Rendering {
    let (mean, scale) = ([103.5, 116.25, 123.675], [0.017_124_7, 0.5, 1.0 / 58.395]);
    Rendering { filter, order, layout, mean, scale, pad: [0.25, 114.0, 3.5] }
}

#[test]
fn all_options() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        let canvas = (35, 9);
        let frame = |picture, offset| Frame { picture, canvas, offset };
        let mut random = Random::new(1);
        // Stretched, letterboxed, cropped from its middle, of fixed height, and as it came.
        let frames = [
            ((7, 5), frame(canvas, (0, 0))),
            ((50, 21), frame(canvas, (0, 0))),
            ((13, 11), frame((10, 9), (12, 0))),
            ((9, 30), frame((40, 16), (-3, -4))),
            ((60, 7), frame((31, 9), (0, 0))),
            ((35, 9), frame(canvas, (0, 0))),
        ];
        let mut cases = Vec::new();
        for (index, (size, frame)) in frames.into_iter().enumerate() {
            cases.push(Case::new(&mut random, FORMATS[index % 3], size, frame));
        }
        for filter in FILTERS {
            for order in ORDERS {
                for layout in LAYOUTS {
                    check_all(&gpu, &cases, &rendering(filter, order, layout), 1);
                }
            }
        }
        let levels = Rendering::default();
        check::<u8>(&gpu, &cases, &levels, 1);
    });
}

#[test]
fn any_part_of_any_picture() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        for seed in 0..24 {
            let mut random = Random::new(seed);
            let canvas = (random.between(1, 20), random.between(1, 20));
            let count = random.between(1, 4);
            let cases: Vec<_> = (0..count).map(|_| Case::any(&mut random, canvas)).collect();
            let rendering =
                rendering(random.one_of(&FILTERS), random.one_of(&ORDERS), random.one_of(&LAYOUTS));
            check_all(&gpu, &cases, &rendering, seed);
        }
    });
}

#[test]
fn every_orientation() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(2));
        let frame = Frame::full((6, 7));
        let stored = |exif| Case {
            orientation: Orientation::from_exif(exif).unwrap(),
            ..Case::new(&mut random, PixelFormat::Rgb, (5, 9), frame)
        };
        let cases: Vec<_> = (1..=8).map(stored).collect();
        for filter in FILTERS {
            check::<f32>(&gpu, &cases, &Rendering { filter, ..Rendering::default() }, 2);
        }
    });
}

/// As boxes are: of the picture that is upright.
#[test]
fn a_part_of_what_is_upright() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(12));
        let (size, start, part) = ((9, 6), (1, 2), (4, 3));
        let levels = random.bytes(3 * size.0 * size.1);
        let memory = gpu.upload(&levels);
        let rendering = Rendering::default();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let picture = Picture::interleaved(memory.region(), PixelFormat::Rgb, size).unwrap();
            let picture = picture.upright(orientation);
            assert_eq!(picture.size(), orientation.turned(size));
            let frame = Frame::full((7, 5));
            let drawings = [Drawing { picture: picture.part(start, part).unwrap(), frame }];
            let target = gpu.output(3 * 7 * 5);
            let draw = Draw {
                drawings: &drawings,
                rendering: &rendering,
                element: Element::U8,
                target: target.region(),
            };
            gpu.run(draw.bilinear().unwrap());
            let mut upright = vec![0; levels.len()];
            cpu::orient(&levels, PixelFormat::Rgb, size, orientation, &mut upright).unwrap();
            let image = Image::new(&upright, PixelFormat::Rgb, orientation.turned(size)).unwrap();
            let mut expected = vec![0_u8; 3 * 7 * 5];
            let image = image.part(start, part).unwrap();
            cpu::render(&image, &frame, &rendering, &mut expected).unwrap();
            assert_eq!(gpu.download::<u8>(target), expected, "{exif}");
        }
    });
}

#[test]
fn more_pictures_than_a_launch_has_on_the_software_cuda_device() {
    SoftCuda::new().run(|cuda| {
        let (gpu, mut random) = (Gpu::open(), Random::new(3));
        let cases: Vec<_> = (0..99).map(|_| Case::any(&mut random, (3, 2))).collect();
        for (filter, launches) in FILTERS.into_iter().zip([3, 6]) {
            let before = cuda.count("launches");
            let rendering = rendering(filter, ChannelOrder::Bgr, Layout::Planar);
            check::<f32>(&gpu, &cases, &rendering, 3);
            assert_eq!(cuda.count("launches") - before, launches);
        }
    });
}

#[test]
fn the_longest_sides() {
    AnyCuda::new().run(|| {
        let (gpu, mut random) = (Gpu::open(), Random::new(4));
        let long = cpu::AXIS_MAX;
        let last = 9 - long.cast_signed();
        let cases = [
            ((long, 1), Frame::full((601, 1))),
            ((1, long - 1), Frame::full((1, 201))),
            ((3, 2), Frame { picture: (1, long), canvas: (1, 9), offset: (0, last) }),
            ((long - 1, 1), Frame { picture: (long, 1), canvas: (9, 1), offset: (last, 0) }),
        ];
        for (size, frame) in cases {
            let case = Case::new(&mut random, PixelFormat::Gray, size, frame);
            for filter in FILTERS {
                let rendering = rendering(filter, ChannelOrder::Gray, Layout::Planar);
                check::<f32>(&gpu, std::slice::from_ref(&case), &rendering, 4);
            }
        }
    });
}
