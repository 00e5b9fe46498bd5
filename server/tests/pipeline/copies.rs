//! Which bytes travel: the compressed picture up, what a client wants down, and nothing between steps.

use nereid_softcuda_harness::SoftCuda;

use crate::client::{Asked, jpeg};
use crate::repository::{Model, Seed, step};
use crate::world::World;

#[test]
fn only_the_file_goes_up_and_the_outputs_come_down_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let seed = Seed::small();
        let world = World::serving(cuda, &seed.models());
        assert_eq!(world.loaded, [0; 3], "TensorRT's double has no weights");
        let file = jpeg(64, 36);
        let all = world.ask(&Asked::image("seed", &file, &["OUTPUT", "PIXELS"]));
        assert_eq!(all.floats("OUTPUT"), seed.of(&all.floats("PIXELS")));
        // Of the picture, the nets, and what joins them: a copy by a kernel is one more.
        assert_eq!(cuda.count("launches"), 2 + seed.nets().count() as u64);
        let up = file.len() as u64;
        assert_eq!(world.copied(), [up, all.size_bytes(), 0]);
        let output = world.ask(&Asked::image("seed", &file, &["OUTPUT"]));
        assert_eq!(output.output("OUTPUT"), all.output("OUTPUT"));
        assert_eq!(world.copied(), [2 * up, all.size_bytes() + output.size_bytes(), 0]);
        assert_eq!(all.size_bytes() - output.size_bytes(), seed.pixels_bytes());
        world.check_counts();
    });
}

/// The highest level of each row of the picture.
#[test]
fn a_picture_is_handed_to_postprocessing_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let seed = Seed::small();
        let (height, width) = seed.canvas;
        let highest = format!(
            r#"backend: "postprocess" max_batch_size: 4 instance_group {{ kind: KIND_GPU }}
            input {{ name: "INPUT" data_type: TYPE_FP32 dims: [ 3, {height}, {width} ] }}
            parameters {{ key: "operation" value {{ string_value: "argmax" }} }}"#
        );
        let steps = step("prepare", &[("IMAGE", "IMAGE")], ("PIXELS", "PIXELS"))
            + &step("highest", &[("INPUT", "PIXELS")], ("VALUES", "VALUES"));
        let ensemble = format!(
            r#"platform: "ensemble" max_batch_size: 4
            input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
            output {{ name: "VALUES" data_type: TYPE_FP32 dims: [ 3, {height} ] }}
            output {{ name: "PIXELS" data_type: TYPE_FP32 dims: [ 3, {height}, {width} ] }}
            ensemble_scheduling {{ {steps} }}"#
        );
        let models = [
            seed.prepare("prepare", "TYPE_FP32"),
            Model::new("highest", highest),
            Model::new("two", ensemble),
        ];
        let world = World::serving(cuda, &models);
        let file = jpeg(64, 36);
        let answer = world.ask(&Asked::image("two", &file, &["VALUES"]));
        assert_eq!(world.copied(), [file.len() as u64, answer.size_bytes(), 0]);
        world.check_counts();
        let pixels = world.ask(&Asked::image("two", &file, &["PIXELS"])).floats("PIXELS");
        let rows = pixels.chunks(width).map(|row| row.iter().copied().fold(0.0, f32::max));
        assert_eq!(answer.floats("VALUES"), rows.collect::<Vec<_>>());
    });
}

/// As for a detector, and then another model that wants it smaller.
#[test]
fn a_picture_is_handed_to_another_image_model_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let decoded = r#"backend: "image" max_batch_size: 4 instance_group { kind: KIND_GPU }
            output { name: "LEVELS" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }
            parameters { key: "resize" value { string_value: "none" } }
            parameters { key: "layout" value { string_value: "NHWC" } }"#;
        let smaller = r#"backend: "image" max_batch_size: 4 instance_group { kind: KIND_GPU }
            input { name: "IMAGE" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }
            parameters { key: "input_format" value { string_value: "rgb" } }
            parameters { key: "width" value { string_value: "16" } }
            parameters { key: "height" value { string_value: "9" } }"#;
        let steps = step("decoded", &[("IMAGE", "IMAGE")], ("LEVELS", "LEVELS"))
            + &step("smaller", &[("IMAGE", "LEVELS")], ("PIXELS", "PIXELS"));
        let ensemble = format!(
            r#"platform: "ensemble" max_batch_size: 4
            input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
            output {{ name: "PIXELS" data_type: TYPE_FP32 dims: [ 3, 9, 16 ] }}
            ensemble_scheduling {{ {steps} }}"#
        );
        let models = [("decoded", decoded), ("smaller", smaller), ("two", &ensemble)];
        let models = models.map(|(name, config)| Model::new(name, config.to_owned()));
        let world = World::serving(cuda, &models);
        let file = jpeg(64, 36);
        let answer = world.ask(&Asked::image("two", &file, &["PIXELS"]));
        assert_eq!(answer.size_bytes(), 4 * 3 * 9 * 16);
        assert_eq!(world.copied(), [file.len() as u64, answer.size_bytes(), 0]);
        world.check_counts();
    });
}
