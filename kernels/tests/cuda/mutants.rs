//! Kernels that are told, or have, a bound that is off by one: each is caught.

use bytemuck::{Pod, bytes_of_mut};
use nereid_kernels::cpu::{
    AxisOrder, AxisView, BoxFormat, Frame, Grid, PixelFormat, Refinement, Rendering,
};
use nereid_kernels::cuda::{
    Blocks, Candidates, Draw, Drawing, Element, Launch, Letterboxes, MODULES, Maps, Picture,
    Planes, Resize, Said, Scores, Sequences, Transpose, collapse, gather, interleave,
    narrow_classes, nv12_to_rgb, peaks, read_letterboxes, score_boxes, score_corrected,
    score_places, softmax, top_k, transpose,
};
use nereid_kernels::device::Function;
use nereid_softcuda_harness::{AnyCuda, SoftCuda};

use crate::gpu::{Gpu, Input, Output};

/// Adds 1 to the number of 32 bits at byte `place` of the launch's argument.
fn grown<A: Pod>(mut launch: Launch<A>, place: usize) -> Launch<A> {
    let number = &mut bytes_of_mut(&mut launch.argument)[place..place + 4];
    let more = u32::from_le_bytes(number.try_into().unwrap()) + 1;
    number.copy_from_slice(&more.to_le_bytes());
    launch
}

/// A picture of 8 x 8 to be drawn on a canvas as large, and where.
fn drawn(gpu: &Gpu) -> (Input, Output, Launch<Resize>) {
    let (input, output) = (gpu.upload(&[1_u8; 3 * 64]), gpu.output(3 * 64 * 4));
    let picture = Picture::interleaved(input.region(), PixelFormat::Rgb, (8, 8)).unwrap();
    let drawings = [Drawing { picture, frame: Frame::full((8, 8)) }];
    let rendering = Rendering::default();
    let target = output.region();
    let draw = Draw { drawings: &drawings, rendering: &rendering, element: Element::F32, target };
    let launch = draw.bilinear().unwrap()[0];
    (input, output, launch)
}

#[test]
fn the_right_launch_is_clean() {
    AnyCuda::new().run(|| {
        let gpu = Gpu::open();
        let (_input, output, launch) = drawn(&gpu);
        gpu.run([launch]);
        assert_eq!(gpu.download::<f32>(output), [1.0; 3 * 64]);
    });
}

/// The target's address, then four strides, then width and height.
const CANVAS_HEIGHT: usize = 8 + 4 * 8 + 4;

/// The row behind the last one of red is the first one of green.
#[test]
fn a_row_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("race inside of the kernel").run(|_| {
        let gpu = Gpu::open();
        let (_input, _output, launch) = drawn(&gpu);
        gpu.run([Launch { blocks: [1, 2, 1], ..grown(launch, CANVAS_HEIGHT) }]);
        gpu.finish();
    });
}

#[test]
fn a_block_too_few_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("uninitialised").run(|_| {
        let gpu = Gpu::open();
        let memory = gpu.upload(&[0_u8; 66 * 18 * 3 / 2]);
        let output = gpu.output(3 * 66 * 18);
        let planes = Planes { size: (66, 18), planes: memory.region(), rgb: output.region() };
        let [launch] = nv12_to_rgb(&[planes]).unwrap()[..] else { panic!("one picture") };
        let [x, y, z] = launch.blocks;
        gpu.run([Launch { blocks: [x - 1, y, z], ..launch }]);
        let _what_was_not_written = gpu.download::<u8>(output);
    });
}

#[test]
fn a_number_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let view = AxisView { outer: 1, length: 40, inner: 1 };
        let (from, to) = (gpu.upload(&[1.0_f32; 40]), gpu.output(160));
        let launch = softmax((from.region(), to.region()), view).unwrap().unwrap();
        gpu.run([grown(launch, 16)]);
        gpu.finish();
    });
}

#[test]
fn a_place_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let view = AxisView { outer: 1, length: 40, inner: 1 };
        let from = gpu.upload(&[1.0_f32; 40]);
        let (values, indices) = (gpu.output(4 * 20), gpu.output(8 * 20));
        let memory = (values.region(), indices.region());
        let launch = top_k(from.region(), view, 20, memory).unwrap().unwrap();
        gpu.run([grown(launch, 24)]);
        gpu.finish();
    });
}

#[test]
fn a_column_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (from, to) = (gpu.upload(&[1_u32; 15]), gpu.output(60));
        let order = AxisOrder::new([0, 1, 3, 2]).unwrap();
        let memory = (from.region(), to.region());
        let Some(Transpose::Tiles(launch)) = transpose(memory, 4, [1, 1, 3, 5], order).unwrap()
        else {
            panic!("the last axis moves")
        };
        gpu.run([grown(launch, 16)]);
        gpu.finish();
    });
}

#[test]
fn a_byte_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (from, to) = (gpu.upload(&[1_u8; 33]), gpu.output(33));
        let launch = gather(&[from.region()], to.region()).unwrap()[0];
        gpu.run([grown(launch, 16)]);
        gpu.finish();
    });
}

#[test]
fn a_block_too_many_of_a_tensor_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (from, to) = (gpu.upload(&[1_u8; 6]), gpu.output(6));
        let block = Blocks { from: from.region(), block_bytes: 2, start: 0 };
        let launch = interleave(&[block], to.region(), 2).unwrap()[0];
        gpu.run([grown(launch, 16)]);
        gpu.finish();
    });
}

#[test]
fn a_line_too_many_of_a_map_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (maps, points, scores) = (gpu.upload(&[1.0_f32; 12]), gpu.output(8), gpu.output(4));
        let maps = Maps { numbers: maps.region(), pictures: 1, shape: [1, 3, 4] };
        let memory = (points.region(), scores.region());
        let how = (Refinement::None, 1.0);
        let launch = peaks(&maps, how, &Letterboxes::default(), memory).unwrap().unwrap();
        // Behind five addresses, channels and width.
        gpu.run([grown(launch, 5 * 8 + 2 * 4)]);
        gpu.finish();
    });
}

#[test]
fn a_step_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (numbers, classes) = (gpu.upload(&[1.0_f32; 5]), gpu.upload(&[1_i64; 5]));
        let (kept, scores) = (gpu.output(20), gpu.output(4));
        let (numbers, classes) = (numbers.region(), classes.region());
        let sequences = Sequences { rows: 1, steps: 5, numbers, classes };
        let memory = (kept.region(), scores.region());
        let launch = collapse(&sequences, 0, memory).unwrap().unwrap();
        gpu.run([grown(launch, 4 * 8)]);
        gpu.finish();
    });
}

#[test]
fn a_place_too_many_of_a_net_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (numbers, corners, kept) = (gpu.upload(&[1.0_f32; 8]), gpu.output(64), gpu.output(16));
        let scores = Scores { numbers: numbers.region(), classes: 2, class: 1, threshold: 0.5 };
        let candidates = Candidates { corners: corners.region(), scores: kept.region() };
        let grid = Grid { stride: 2.0, cell: 12.0 };
        let launch = score_places(grid, &scores, (1, (2, 2)), &candidates).unwrap().unwrap();
        gpu.run([grown(launch, 3 * 8)]);
        gpu.finish();
    });
}

#[test]
fn a_corrected_box_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (boxes, numbers) = (gpu.upload(&[[1.0_f32; 4]; 4]), gpu.upload(&[1.0_f32; 8]));
        let (corners, kept) = (gpu.output(64), gpu.output(16));
        let scores = Scores { numbers: numbers.region(), classes: 2, class: 1, threshold: 0.5 };
        let candidates = Candidates { corners: corners.region(), scores: kept.region() };
        let launch = score_corrected(boxes.region(), &scores, None, &candidates).unwrap().unwrap();
        gpu.run([grown(launch, 5 * 8)]);
        gpu.finish();
    });
}

#[test]
fn a_row_too_many_of_letterboxes_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (scales, faults) = (gpu.upload(&[[1.0_f32; 2]; 3]), gpu.upload(&[0_i32; 3]));
        let transforms = gpu.output(48);
        let said = Said { scales: Some(scales.region()), ..Said::default() };
        let to = (transforms.region(), None);
        let launch = read_letterboxes(&said, 3, to, faults.region()).unwrap().unwrap();
        gpu.run([grown(launch, 7 * 8)]);
        gpu.finish();
    });
}

#[test]
fn a_class_too_many_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|_| {
        let gpu = Gpu::open();
        let (classes, scores) = (gpu.upload(&[1_i64; 4]), gpu.upload(&[1.0_f32; 4]));
        let (narrow, faults) = (gpu.output(16), gpu.upload(&[0_i32; 2]));
        let memory = (classes.region(), narrow.region());
        let launch = narrow_classes(memory, scores.region(), 2, faults.region()).unwrap().unwrap();
        gpu.run([grown(launch, 4 * 8)]);
        gpu.finish();
    });
}

/// A launch of `score_boxes` over as many boxes as there are.
fn score(gpu: &Gpu, name: &'static str, kernel: Option<&Function>) -> Vec<f32> {
    let (boxes, scores) = (gpu.upload(&[[1.0_f32; 4]; 40]), gpu.upload(&[1.0_f32; 40]));
    let (corners, kept) = (gpu.output(40 * 16), gpu.output(40 * 4));
    let candidates = Candidates { corners: corners.region(), scores: kept.region() };
    let memory = (boxes.region(), scores.region());
    let launch = score_boxes(memory, BoxFormat::Corners, 0.5, &candidates).unwrap().unwrap();
    assert_eq!(launch.kernel, name);
    match kernel {
        None => gpu.run([launch]),
        Some(mutant) => gpu.run_mutant(mutant, &launch),
    }
    if kernel.is_none() { gpu.download(kept) } else { Vec::new() }
}

#[test]
fn a_bound_in_a_kernel_is_caught_on_the_software_cuda_device() {
    SoftCuda::new().errs("out of bounds").run(|cuda| {
        let (gpu, name) = (Gpu::open(), "score_boxes");
        assert_eq!(score(&gpu, name, None), [1.0; 40]);
        assert_eq!(cuda.violations(), [""; 0]);
        let source = MODULES.iter().find(|source| source.kernels.contains(&name)).unwrap();
        let start = source.ptx.find(&format!(".entry {name}(")).unwrap();
        let bound = "setp.le.u64";
        let (before, own) = source.ptx.split_at(start);
        assert_eq!(own.matches(bound).count(), 1, "the bound is written in another way");
        let mutant = format!("{before}{}", own.replacen(bound, "setp.lt.u64", 1));
        let mutant = gpu.load(&mutant, name);
        score(&gpu, name, Some(&mutant));
        gpu.finish();
    });
}
