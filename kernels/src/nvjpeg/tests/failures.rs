//! Every call that can fail, fails, with a clear text, and leaves the rest serving.

use super::*;

/// Functions that are called when the library is opened, and what it then says.
const AT_OPEN: [(&str, &str); 2] = [
    (
        "nvjpegGetProperty",
        "nvJPEG: nvjpegGetProperty: NVJPEG_STATUS_INTERNAL_ERROR (it failed in itself)",
    ),
    (
        "nvjpegCreateEx",
        "nvJPEG 12.4 has no decoder for cuda:0: hardware decoder: nvjpegCreateEx: \
         NVJPEG_STATUS_ARCH_MISMATCH (this device does not have what it needs); \
         decoder by kernels: nvjpegCreateEx: NVJPEG_STATUS_ARCH_MISMATCH (this device does not have what \
         it needs); decoder by host and kernels: nvjpegCreateEx: NVJPEG_STATUS_INTERNAL_ERROR (it failed in \
         itself)",
    ),
];

/// Those that are called when a decoder is made: by a decoder of pictures, or of batches.
const AT_SPAWN: [(&str, Backend); 11] = [
    ("nvjpegDecoderCreate", Backend::GpuHybrid),
    ("nvjpegDecodeParamsCreate", Backend::GpuHybrid),
    ("nvjpegDecodeParamsSetOutputFormat", Backend::GpuHybrid),
    ("nvjpegBufferDeviceCreate", Backend::GpuHybrid),
    ("nvjpegBufferPinnedCreate", Backend::GpuHybrid),
    ("nvjpegDecoderStateCreate", Backend::GpuHybrid),
    ("nvjpegStateAttachDeviceBuffer", Backend::GpuHybrid),
    ("nvjpegStateAttachPinnedBuffer", Backend::GpuHybrid),
    ("nvjpegJpegStreamCreate", Backend::GpuHybrid),
    ("nvjpegJpegStateCreate", Backend::Hardware),
    ("nvjpegJpegStreamCreate", Backend::Hardware),
];

/// Those that are called for each file.
const AT_DECODE: [(&str, Backend); 18] = [
    ("nvjpegJpegStreamParse", Backend::GpuHybrid),
    ("nvjpegJpegStreamGetFrameDimensions", Backend::GpuHybrid),
    ("nvjpegJpegStreamGetJpegEncoding", Backend::GpuHybrid),
    ("nvjpegJpegStreamGetComponentsNum", Backend::GpuHybrid),
    ("nvjpegJpegStreamGetChromaSubsampling", Backend::GpuHybrid),
    ("nvjpegJpegStreamGetComponentDimensions", Backend::Default),
    ("nvjpegDecoderJpegSupported", Backend::GpuHybrid),
    ("nvjpegDecodeJpegHost", Backend::GpuHybrid),
    ("nvjpegDecodeJpegTransferToDevice", Backend::GpuHybrid),
    ("nvjpegDecodeJpegDevice", Backend::GpuHybrid),
    ("nvjpegJpegStreamParse", Backend::Hardware),
    ("nvjpegJpegStreamGetFrameDimensions", Backend::Hardware),
    ("nvjpegJpegStreamGetJpegEncoding", Backend::Hardware),
    ("nvjpegJpegStreamGetComponentsNum", Backend::Hardware),
    ("nvjpegJpegStreamGetChromaSubsampling", Backend::Hardware),
    ("nvjpegDecodeBatchedSupported", Backend::Hardware),
    ("nvjpegDecodeBatchedInitialize", Backend::Hardware),
    ("nvjpegDecodeBatched", Backend::Hardware),
];

/// Those that end something: nobody is left to be told.
const AT_END: [&str; 7] = [
    "nvjpegDestroy",
    "nvjpegJpegStateDestroy",
    "nvjpegDecoderDestroy",
    "nvjpegJpegStreamDestroy",
    "nvjpegDecodeParamsDestroy",
    "nvjpegBufferDeviceDestroy",
    "nvjpegBufferPinnedDestroy",
];

const INTERNAL_ERROR: i32 = 8;

fn text(function: &str) -> String {
    format!("{function}: NVJPEG_STATUS_INTERNAL_ERROR (it failed in itself)")
}

#[test]
fn every_function_is_in_a_table() {
    let source = include_str!("../sys.rs");
    let declared: std::collections::BTreeSet<_> = source
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.starts_with("nvjpeg") && word.len() > "nvjpeg".len())
        .filter(|word| source.contains(&format!(": {word}(")))
        .collect();
    let opened = AT_OPEN.iter().map(|(function, _)| *function);
    let spawned = AT_SPAWN.iter().chain(&AT_DECODE).map(|(function, _)| *function);
    let tabled: std::collections::BTreeSet<_> = opened.chain(spawned).chain(AT_END).collect();
    assert_eq!(declared, tabled);
    assert_eq!(declared.len(), 32);
    let told = include_str!("../../../../docs/gpu.md");
    for function in declared {
        assert!(
            told.contains(&format!("`{function}`")),
            "docs/gpu.md says not who has executed {function}"
        );
    }
}

#[test]
fn the_library_fails_to_open_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().set("devices", 1).run(|_| {
        let (device, double) = (device(), NvjpegDouble::open());
        double.set("gpu_hybrid", 0);
        for (function, expected) in AT_OPEN {
            // The last one that could have worked.
            double.fail(function, if function == "nvjpegCreateEx" { 3 } else { 1 }, INTERNAL_ERROR);
            assert_eq!(Nvjpeg::open(&device).unwrap_err().to_string(), expected);
            assert!(Nvjpeg::open(&device).is_ok());
        }
    });
}

#[test]
fn a_decoder_fails_to_be_made_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|_| {
        let double = NvjpegDouble::open();
        for (function, backend) in AT_SPAWN {
            let (_first, stream) = decoder(backend);
            let nvjpeg = Nvjpeg::open(stream.device()).unwrap();
            double.fail(function, 1, INTERNAL_ERROR);
            let error = Decoder::new(&nvjpeg, &stream).err().unwrap();
            assert_eq!(error.to_string(), format!("nvJPEG: {}", text(function)), "{backend}");
            assert!(Decoder::new(&nvjpeg, &stream).is_ok(), "{function}");
        }
    });
}

/// One call fails at the second of three files: it alone is refused. Of a batch the first call fails, and
/// then the second file's own.
#[test]
fn a_file_fails_alone_at_each_call_on_the_software_cuda_device() {
    let size = (40, 24);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().run(|cuda| {
        let double = NvjpegDouble::open();
        for (function, backend) in AT_DECODE {
            for status in [1, 5, INTERNAL_ERROR, 77] {
                let (mut decoder, stream) = decoder(backend);
                let is_of_batch =
                    function.starts_with("nvjpegDecodeBatched") && !function.ends_with("Supported");
                let (before, uploaded) = (double.calls(function), cuda.count("h2d_bytes"));
                let copies = CopyCounter::default();
                let mut decode =
                    |files: &[Encoded<'_>]| decoder.decode_batch(files, &copies).unwrap();
                for outcome in decode(&[encoded(&file, size)]) {
                    decoded(outcome);
                }
                let calls = double.calls(function) - before;
                assert!(calls > 0, "{function} is not called by {backend}");
                // Prepared for one picture, and not for three.
                double.fail(function, if is_of_batch { 1 } else { calls + 1 }, status);
                let outcomes = decode(&[encoded(&file, size); 3]);
                for (place, outcome) in outcomes.into_iter().enumerate() {
                    match (place, is_of_batch) {
                        (1, false) => {
                            let why = refused(outcome);
                            assert!(why.starts_with(&format!("{function}: ")), "{backend}: {why}");
                        }
                        // Those of a batch that failed were decoded one by one.
                        _ => assert!(download(&decoded(outcome), stream.device()) == pixels(&file)),
                    }
                }
                let uploaded = cuda.count("h2d_bytes") - uploaded;
                assert_eq!(copies.get(Copy::HostToDevice), uploaded, "{function}, {backend}");
            }
        }
    });
}

#[test]
fn a_picture_that_fails_twice_is_refused_on_the_software_cuda_device() {
    let size = (40, 24);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().run(|_| {
        let double = NvjpegDouble::open();
        for function in ["nvjpegDecodeBatchedInitialize", "nvjpegDecodeBatched"] {
            let (mut decoder, _) = decoder(Backend::Hardware);
            double.fail(function, 1, INTERNAL_ERROR);
            let outcomes = decoder.decode_batch(&[encoded(&file, size)], &CopyCounter::default());
            let outcome = outcomes.unwrap().pop().unwrap();
            assert_eq!(refused(outcome), text(function));
        }
    });
}

#[test]
fn ends_that_fail_disturb_nobody_on_the_software_cuda_device() {
    let size = (40, 24);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().run(|_| {
        let double = NvjpegDouble::open();
        for backend in [Backend::GpuHybrid, Backend::Hardware] {
            let (mut decoder, stream) = decoder(backend);
            let batch = [encoded(&file, size)];
            let outcome =
                decoder.decode_batch(&batch, &CopyCounter::default()).unwrap().pop().unwrap();
            for function in AT_END {
                double.fail(function, 1, INTERNAL_ERROR);
            }
            drop(decoder);
            assert!(download(&decoded(outcome), stream.device()) == pixels(&file));
        }
        for function in AT_END {
            assert!(function == "nvjpegDestroy" || double.calls(function) > 0, "{function}");
        }
    });
    // The last one is called behind the last object, by whichever thread that is.
}

#[test]
fn a_lost_device_ends_in_order_on_the_software_cuda_device() {
    let size = (40, 24);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().loses_nvjpeg().run(|cuda| {
        let (mut decoder, _) = decoder(Backend::GpuHybrid);
        let batch = [encoded(&file, size)];
        decoder.decode_batch(&batch, &CopyCounter::default()).unwrap();
        cuda.lose_device(0);
        let error = decoder.decode_batch(&batch, &CopyCounter::default()).err().unwrap();
        assert!(error.to_string().starts_with("device cuda:0 is lost"), "{error}");
    });
}

#[test]
fn no_library_is_an_ordinary_answer_on_the_software_cuda_device() {
    SoftCuda::new().without_nvjpeg().run(|_| {
        let text = Nvjpeg::open(&device()).unwrap_err().to_string();
        assert!(text.starts_with("nvJPEG was not found ("), "{text}");
        for part in ["libnvjpeg.so.13: ", "libnvjpeg.so.12: ", "libnvjpeg.so.11: "] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains("); install the one of CUDA 11, 12 or 13"), "{text}");
    });
}

#[test]
fn a_library_without_its_functions_is_named_on_the_software_cuda_device() {
    SoftCuda::new().with_broken_nvjpeg().run(|_| {
        let text = Nvjpeg::open(&device()).unwrap_err().to_string();
        let expected =
            "libnvjpeg.so.13 lacks nvjpegGetProperty; install nvJPEG of CUDA 11, 12 or 13";
        assert_eq!(text, expected);
    });
}

#[test]
fn an_older_library_does_without_smooth_chroma_on_the_software_cuda_device() {
    SoftCuda::new().with_nvjpeg().run(|_| {
        NvjpegDouble::open().set("version", 11_090);
        let nvjpeg = Nvjpeg::open(&device()).unwrap();
        assert_eq!(nvjpeg.version(), (11, 9));
        assert_eq!(nvjpeg.to_string(), "nvJPEG 11.9 on cuda:0, decoder by kernels");
    });
}
