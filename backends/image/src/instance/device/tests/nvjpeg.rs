//! JPEGs that the device decodes: by a double of nvJPEG, whose decoder is another one than the CPU's.

use nereid_softcuda_harness::NvjpegDouble;

use super::*;

/// How far the double's levels are from the CPU's, at most and on average: both enlarge chroma, and zune-jpeg
/// rounds in other places. What nvJPEG's own are was not seen.
const OFF_MAX: u8 = 3;
const OFF_MEAN: usize = 1;

const AS_IT_IS: &str = "resize=none;layout=NHWC";

/// What instances on the CPU and on the device answer, and the copies of the latter.
fn both(world: &World, parameters: &str, asked: &[Asked]) -> (Answers, Answers, Arc<CopyCounter>) {
    let model = world.model(parameters, DataType::Uint8, asked);
    let run = |device| {
        let copies = Arc::new(CopyCounter::default());
        let clients = world.start(&mut *spawn(&model, device), asked, &copies);
        (world.answers(clients), copies)
    };
    let ((expected, _), (got, copies)) = (run(DeviceId::Cpu), run(world.device.id()));
    (expected, got, copies)
}

/// The pixels of one of the requests.
fn pixels(answers: &Answers, request: usize) -> &[u8] {
    &answers[request].as_ref().unwrap()[0].2
}

fn check_near(got: &[u8], expected: &[u8], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let off: Vec<_> = got.iter().zip(expected).map(|(one, other)| one.abs_diff(*other)).collect();
    let (most, all) =
        (off.iter().max().copied(), off.iter().map(|off| usize::from(*off)).sum::<usize>());
    assert!(
        most <= Some(OFF_MAX) && all <= OFF_MEAN * off.len(),
        "{what}: off by {most:?}, {all} in all"
    );
}

#[test]
fn no_pixel_is_uploaded_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let world = World::new();
        for orientation in [1, 6] {
            let asked = [
                files(&[stored((40, 24), orientation), jpeg(64, 48)]),
                files(&[stored((17, 33), orientation)]),
            ];
            let compressed: usize = [
                stored((40, 24), orientation).len(),
                jpeg(64, 48).len(),
                stored((17, 33), orientation).len(),
            ]
            .iter()
            .sum();
            let before = cuda.count("h2d_bytes");
            let (expected, got, copies) = both(&world, AS_IT_IS, &asked);
            for request in 0..asked.len() {
                check_near(pixels(&got, request), pixels(&expected, request), "plain");
                let rest = |answers: &Answers| answers[request].as_ref().unwrap()[1..].to_vec();
                assert_eq!(rest(&got), rest(&expected));
            }
            assert_eq!(cuda.count("h2d_bytes") - before, compressed as u64);
            assert_eq!(copies.get(Copy::HostToDevice), compressed as u64);
        }
        assert!(NvjpegDouble::open().calls("nvjpegDecodeJpegDevice") > 0);
    });
}

#[test]
fn every_kind_of_jpeg_is_near_the_cpu_s_on_the_software_cuda_device() {
    AnyCuda::new().with_nvjpeg().run_counted(|software| {
        for engines in [1, 0] {
            if software.is_some() {
                NvjpegDouble::open().set("hardware_engines", engines);
            }
            let world = World::new();
            for size in [(40, 24), (33, 21), (17, 9)] {
                for (name, file) in kinds(size) {
                    let (expected, got, _) = both(&world, AS_IT_IS, &[files(&[file])]);
                    check_near(pixels(&got, 0), pixels(&expected, 0), &format!("{name}, {size:?}"));
                }
            }
        }
    });
}

/// Each of another way to be decoded, or to fail, in one batch.
#[test]
fn what_nvjpeg_refuses_the_cpu_decodes_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|_| {
        let cmyk = encode((20, 12), ColorType::Cmyk, |_| {});
        let whole = jpeg(24, 16);
        let mut broken = whole.clone();
        let tables = broken.windows(2).position(|two| two == [0xFF, 0xC4]).unwrap();
        broken[tables + 4] = 0x19; // There is no such table.
        let truncated = whole[..whole.len() - 9].to_vec();
        for engines in [1, 0] {
            NvjpegDouble::open().set("hardware_engines", engines);
            let world = World::new();
            let asked = [&whole, &cmyk, &broken, &truncated, &whole]
                .map(|file| files(std::slice::from_ref(file)));
            let (expected, got, copies) = both(&world, AS_IT_IS, &asked);
            for request in [0, 4] {
                check_near(pixels(&got, request), pixels(&expected, request), "whole");
            }
            // To the bit and to the word.
            assert_eq!(got[1..4], expected[1..4]);
            assert!(got[2].is_err() && got[3].is_err());
            let uploaded = 2 * whole.len() + 3 * 20 * 12;
            assert_eq!(copies.get(Copy::HostToDevice), uploaded as u64);
        }
    });
}

#[test]
fn without_nvjpeg_the_cpu_decodes_on_the_software_cuda_device() {
    SoftCuda::new().without_nvjpeg().run(|cuda| {
        let world = World::new();
        let asked = [files(&[jpeg(20, 14)])];
        world.check(Some(cuda), AS_IT_IS, DataType::Uint8, &asked);
        let model = world.model(&format!("{AS_IT_IS};decoder=nvjpeg"), DataType::Uint8, &asked);
        let spawn =
            |device| model.spawn(InstanceSpec { id: InstanceId(0), device }).err().unwrap().0;
        let text = spawn(world.device.id());
        assert!(text.starts_with("nvJPEG was not found ("), "{text}");
        let text = spawn(DeviceId::Cpu);
        assert!(text.contains("instances of kind KIND_GPU"), "{text}");
    });
}

#[test]
fn the_cpu_decodes_if_it_is_asked_to_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let (world, asked) = (World::new(), [files(&[jpeg(20, 14)])]);
        world.check(Some(cuda), AS_IT_IS, DataType::Uint8, &asked);
        assert_eq!(NvjpegDouble::open().objects(), 0);
        let (_, got, copies) = both(&world, &format!("{AS_IT_IS};decoder=auto"), &asked);
        assert!(got[0].is_ok());
        assert_eq!(copies.get(Copy::HostToDevice), jpeg(20, 14).len() as u64);
    });
}
