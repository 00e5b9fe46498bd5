//! Who waits for whom.

use super::*;

/// A stream that works only as far as somebody waits for it.
#[test]
fn two_states_take_turns_on_the_software_cuda_device() {
    let size = (64, 48);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().set("run_when_awaited", 1).run(|_| {
        for (backend, _) in BACKENDS {
            let (mut decoder, stream) = decoder(backend);
            let copies = CopyCounter::default();
            let mut next = || {
                let outcomes = decoder.decode_batch(&[encoded(&file, size)], &copies).unwrap();
                decoded(outcomes.into_iter().next().unwrap())
            };
            let (first, second) = (next(), next());
            let is_done = |buffer: &DeviceBuffer| buffer.ready().unwrap().is_done().unwrap();
            // To ask lets the stream go on, so it is asked once.
            assert!(!is_done(&first), "{backend}: nothing of two pictures was waited for");
            let third = next();
            assert!(is_done(&first), "{backend}: its state is used by the third");
            for buffer in [first, second, third] {
                assert!(download(&buffer, stream.device()) == pixels(&file), "{backend}");
            }
        }
    });
}

/// Streams that take their time: whatever is reused too early is seen.
#[test]
fn batches_follow_each_other_on_a_slow_software_cuda_device() {
    let sizes = [(64, 48), (32, 80), (70, 20), (8, 8), (90, 70)];
    let files: Vec<_> = sizes.iter().map(|size| plain(*size)).collect();
    SoftCuda::new().with_nvjpeg().set("delay_us", 3000).run(|_| {
        for (backend, _) in BACKENDS {
            let (mut decoder, stream) = decoder(backend);
            let copies = CopyCounter::default();
            let mut buffers = Vec::new();
            for turn in 0..4 {
                let order = (0..files.len()).map(|place| (place + turn) % files.len());
                let order: Vec<_> = order.collect();
                let batch: Vec<_> =
                    order.iter().map(|&it| encoded(&files[it], sizes[it])).collect();
                let outcomes = decoder.decode_batch(&batch, &copies).unwrap();
                buffers.extend(order.into_iter().zip(outcomes.into_iter().map(decoded)));
            }
            drop(decoder);
            for (place, buffer) in buffers {
                assert!(download(&buffer, stream.device()) == pixels(&files[place]), "{backend}");
            }
        }
    });
}

/// Two instances of two devices, at the same time.
#[test]
fn instances_share_the_library_on_two_software_cuda_devices() {
    let size = (64, 48);
    let file = plain(size);
    SoftCuda::new().with_nvjpeg().set("devices", 2).run(|_| {
        let devices = probe(LIMITS).unwrap();
        std::thread::scope(|scope| {
            for device in devices.all() {
                let nvjpeg = Nvjpeg::open(device).unwrap();
                for _ in 0..2 {
                    let (nvjpeg, file) = (nvjpeg.clone(), &file);
                    scope.spawn(move || {
                        let mut decoder = Decoder::new(&nvjpeg, &stream(device)).unwrap();
                        let batch = [encoded(file, size); 3];
                        let outcomes = decoder.decode_batch(&batch, &CopyCounter::default());
                        for outcome in outcomes.unwrap() {
                            assert!(download(&decoded(outcome), device) == pixels(file));
                        }
                    });
                }
            }
        });
        let [one, two] = devices.all() else { panic!("two devices") };
        let error = Decoder::new(&Nvjpeg::open(one).unwrap(), &stream(two)).err().unwrap();
        let text =
            "memory of cuda:0 given to a stream of cuda:1; it has to be copied between devices";
        assert_eq!(error.to_string(), text);
    });
}
