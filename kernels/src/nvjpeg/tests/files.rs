//! Which files are decoded, to which pixels, and what is uploaded for them.

use super::*;

/// The second byte of a frame's marker, and of its precision.
fn frame(file: &[u8]) -> usize {
    file.windows(2).position(|two| matches!(two, [0xFF, 0xC0 | 0xC2])).unwrap() + 1
}

/// All kinds that come to a decoder, with the bytes that hybrid decoding of a progressive one uploads.
fn kinds(size: (u16, u16)) -> Vec<(String, Vec<u8>, usize)> {
    use SamplingFactor as S;
    let mut kinds = Vec::new();
    let blocks = |size: (u16, u16), (x, y): (u16, u16)| {
        let side = |pixels: u16, factor: u16| usize::from(pixels.div_ceil(factor).div_ceil(8));
        side(size.0, x) * side(size.1, y)
    };
    for (sampling, factors) in [(S::F_1_1, (1, 1)), (S::F_2_1, (2, 1)), (S::F_2_2, (2, 2))] {
        for is_progressive in [false, true] {
            let file = encode(size, ColorType::Rgb, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(is_progressive);
            });
            let blocks = blocks(size, (1, 1)) + 2 * blocks(size, factors);
            kinds.push((format!("{sampling:?}, progressive {is_progressive}"), file, 128 * blocks));
        }
    }
    for is_progressive in [false, true] {
        let file = encode(size, ColorType::Luma, |encoder| encoder.set_progressive(is_progressive));
        kinds.push((
            format!("grey, progressive {is_progressive}"),
            file,
            128 * blocks(size, (1, 1)),
        ));
    }
    kinds
}

#[test]
fn every_kind_decodes_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        for (backend, _) in BACKENDS {
            let (mut decoder, stream) = decoder(backend);
            let copies = CopyCounter::default();
            for size in [(64, 48), (33, 21), (17, 1), (1, 16), (1, 1)] {
                let kinds = kinds(size);
                let files: Vec<_> = kinds.iter().map(|(_, file, _)| encoded(file, size)).collect();
                let before = (cuda.count("h2d_bytes"), copies.get(Copy::HostToDevice));
                let outcomes = decoder.decode_batch(&files, &copies).unwrap();
                let mut expected_bytes = 0;
                for ((name, file, coefficient_bytes), outcome) in kinds.iter().zip(outcomes) {
                    let is_progressive = name.ends_with("true");
                    if is_progressive && backend == Backend::Hardware {
                        let text = "nvJPEG's hardware decoder does not decode its kind";
                        assert_eq!(refused(outcome), text, "{name}");
                        continue;
                    }
                    let is_on_device = backend != Backend::Default && !is_progressive;
                    expected_bytes += if is_on_device { file.len() } else { *coefficient_bytes };
                    let got = download(&decoded(outcome), stream.device());
                    assert!(got == pixels(file), "{backend}, {name}, {size:?}");
                }
                let expected_bytes = expected_bytes as u64;
                assert_eq!(copies.get(Copy::HostToDevice) - before.1, expected_bytes, "{backend}");
                assert_eq!(cuda.count("h2d_bytes") - before.0, expected_bytes, "{backend}");
            }
        }
    });
}

#[test]
fn what_is_not_for_nvjpeg_is_refused_on_the_software_cuda_device() {
    let size = (40, 24);
    let plain = plain(size);
    let changed = |change: &dyn Fn(&mut Vec<u8>, usize)| {
        let (mut file, frame) = (plain.clone(), frame(&plain));
        change(&mut file, frame);
        file
    };
    let bad = "NVJPEG_STATUS_BAD_JPEG";
    let cases = [
        (encode(size, ColorType::Cmyk, |_| {}), "it has 4 colours, not 1 or 3"),
        (changed(&|file, frame| file[frame] = 0xC9), "NVJPEG_STATUS_JPEG_NOT_SUPPORTED"),
        (
            changed(&|file, frame| file[frame] = 0xC1),
            "it is neither baseline nor progressive, but of frame 0xc1",
        ),
        (
            changed(&|file, frame| file[frame] = 0xC3),
            "it is neither baseline nor progressive, but of frame 0xc3",
        ),
        (changed(&|file, frame| file[frame + 3] = 12), "does not decode its kind"),
        (
            changed(&|file, frame| file[frame + 10] = 0x31),
            "its colours are sampled in an unusual way",
        ),
        (
            changed(&|file, frame| file[frame + 7] = 41),
            "nvJPEG takes it for 41 x 24 pixels, and its header says 40 x 24",
        ),
        (changed(&|file, _| file.truncate(60)), bad),
        (changed(&|file, _| file[0] = 0), bad),
        (Vec::new(), "NVJPEG_STATUS_INVALID_PARAMETER"),
    ];
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        for (backend, _) in BACKENDS {
            let (mut decoder, _) = decoder(backend);
            for (file, expected) in &cases {
                let files = [encoded(file, size)];
                let outcomes = decoder.decode_batch(&files, &CopyCounter::default()).unwrap();
                let [outcome] = <[_; 1]>::try_from(outcomes).ok().unwrap();
                let why = refused(outcome);
                assert!(why.contains(expected), "{backend}: expected {expected:?}, got {why:?}");
            }
        }
        assert_eq!(cuda.count("h2d_bytes"), 0);
    });
}

/// Its frame is good, so that it comes as far as a decoder.
#[test]
fn a_corrupt_file_fails_alone_on_the_software_cuda_device() {
    let size = (40, 24);
    let good = plain(size);
    let mut bad = good.clone();
    let tables = bad.windows(2).position(|two| two == [0xFF, 0xC4]).unwrap();
    bad[tables + 4] = 0x19; // There is no such table.
    SoftCuda::new().with_nvjpeg().run(|_| {
        for (backend, _) in BACKENDS {
            let (mut decoder, stream) = decoder(backend);
            let copies = CopyCounter::default();
            for order in [[&good, &bad, &good], [&bad, &good, &good], [&bad, &bad, &good]] {
                let files = order.map(|file| encoded(file, size));
                let outcomes = decoder.decode_batch(&files, &copies).unwrap();
                for (file, outcome) in order.into_iter().zip(outcomes) {
                    if file == &bad {
                        assert!(refused(outcome).contains("NVJPEG_STATUS_BAD_JPEG"), "{backend}");
                    } else {
                        let got = download(&decoded(outcome), stream.device());
                        assert!(got == pixels(&good), "{backend}");
                    }
                }
            }
        }
    });
}

#[test]
fn memory_is_counted_before_it_is_taken_on_the_software_cuda_device() {
    let size = (64, 48);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let bytes = 3 * 64 * 48;
        let limits = Limits { memory_bytes: Some(2 * bytes), pinned_bytes: 1 << 20 };
        for hardware in [0, 1] {
            NvjpegDouble::open().set("hardware_engines", hardware);
            let device = probe(limits).unwrap().get(0).unwrap().clone();
            let stream = stream(&device);
            let mut decoder = Decoder::new(&Nvjpeg::open(&device).unwrap(), &stream).unwrap();
            let copies = CopyCounter::default();
            let error = decoder.decode_batch(&[encoded(&file, size); 3], &copies).err().unwrap();
            let text =
                "device memory of cuda:0: test asked for 9216 bytes, 18432 of 18432 are in use";
            assert_eq!(error.to_string(), text);
            assert_eq!(device.memory().in_use(), 0);
            let outcomes = decoder.decode_batch(&[encoded(&file, size); 2], &copies).unwrap();
            for outcome in outcomes {
                assert!(download(&decoded(outcome), &device) == pixels(&file));
            }
        }
        assert!(cuda.count("allocations") > 0);
    });
}
