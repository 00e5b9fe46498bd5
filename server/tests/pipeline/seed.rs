//! The pipeline that started this project: a picture of 720p becomes three planes of 1080 x 1920 in FP32 and
//! FP64, which nine models read that are computed beside each other and in a chain.

use nereid_softcuda_harness::{Library, NvjpegDouble, SoftCuda};

use crate::client::{Answer, Asked, jpeg};
use crate::repository::Seed;
use crate::world::World;

/// Asks both pipelines for all of their outputs, and checks what they answer and what was copied for it:
/// `up` bytes for each picture.
fn check(cuda: &Library, seed: &Seed, file: &[u8], up: u64) {
    let models: Vec<_> = seed.models().into_iter().chain(seed.wide()).collect();
    let world = World::serving(cuda, &models);
    assert_eq!(world.loaded, [seed.weights_bytes(), 0, 0], "a load copies weights alone");
    let narrow = world.ask(&Asked::image("seed", file, &["OUTPUT", "PIXELS"]));
    assert_eq!(world.copied(), [up, narrow.size_bytes(), 0]);
    let pixels = narrow.floats("PIXELS");
    assert_eq!(narrow.floats("OUTPUT"), seed.of(&pixels));
    let wide = world.ask(&Asked::image("wide", file, &["OUTPUT"]));
    assert_eq!(world.copied(), [2 * up, narrow.size_bytes() + wide.size_bytes(), 0]);
    let doubles = wide.doubles("OUTPUT");
    assert!(doubles.len() == pixels.len(), "{}", doubles.len());
    assert!(
        doubles
            .iter()
            .zip(&pixels)
            .all(|(wide, narrow)| wide.to_bits() == seed.of_wide(f64::from(*narrow)).to_bits())
    );
    world.check_counts();
}

#[test]
fn full_size_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let file = jpeg(1280, 720);
        let seed = Seed::of_both_engines((1080, 1920), 4860);
        check(cuda, &seed, &file, file.len() as u64);
    });
}

/// The hardware decoder and kernels get the file, and what the host decodes the codes of, coefficients:
/// 16 bits for each level of 64 x 40 pixels, in whole blocks.
#[test]
fn each_decoder_of_nvjpeg_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let file = jpeg(64, 36);
        let compressed = file.len() as u64;
        for (option, value, up) in [
            ("hardware_engines", 1, compressed),
            ("hardware_engines", 0, compressed),
            ("gpu_hybrid", 0, 2 * 3 * 64 * 40),
        ] {
            NvjpegDouble::open().set(option, value);
            check(cuda, &Seed::small(), &file, up);
        }
    });
}

#[test]
fn the_same_bytes_whatever_is_slow_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let files = [jpeg(64, 36), jpeg(40, 50)];
        let asked = files.map(|file| Asked::image("seed", &file, &["OUTPUT"]));
        let answers = || {
            let world = World::serving(cuda, &Seed::small().models());
            let sent: Vec<_> = asked.iter().cycle().take(6).map(|it| world.send(it)).collect();
            let answers = sent.into_iter().map(|sent| world.answer(sent)).collect::<Vec<Answer>>();
            world.check_counts();
            answers
        };
        let expected = answers();
        assert!(expected.iter().all(Answer::is_ok) && expected[0] != expected[1]);
        assert_eq!(expected[..2], expected[2..4]);
        for (option, value) in
            [("delay_us", 200), ("delay_us", 1_234), ("delay_us", 0), ("run_when_awaited", 1)]
        {
            cuda.set(option, value);
            assert!(answers() == expected, "{option} {value}");
        }
    });
}

/// Outputs of ONNX Runtime are in memory of its own, which is used again in the order of its stream alone.
#[test]
fn the_same_bytes_of_both_engines_whatever_is_slow_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let seed = Seed::of_both_engines((36, 64), 27);
        let models: Vec<_> = seed.models().into_iter().chain(seed.wide()).collect();
        let world = World::serving(cuda, &models);
        let files = [jpeg(64, 36), jpeg(40, 50)];
        let asked = files.map(|file| {
            [
                Asked::image("seed", &file, &["OUTPUT"]),
                Asked::image("wide", &file, &["OUTPUT"]),
                Asked::image("seed", &file, &["PIXELS"]),
            ]
        });
        let expected = asked.clone().map(|asked| asked.map(|asked| world.ask(&asked)));
        for [narrow, _, pixels] in &expected {
            assert_eq!(narrow.floats("OUTPUT"), seed.of(&pixels.floats("PIXELS")));
        }
        for delay_us in [0, 200, 1_234] {
            cuda.set("delay_us", delay_us);
            let all = || asked.iter().zip(&expected).cycle().take(6);
            let sent: Vec<_> =
                all().map(|(asked, _)| asked.clone().map(|asked| world.send(&asked))).collect();
            for (sent, (_, expected)) in sent.into_iter().zip(all()) {
                let answers = sent.map(|sent| world.answer(sent));
                assert!(answers == *expected, "delay {delay_us}");
            }
        }
        world.check_counts();
    });
}
