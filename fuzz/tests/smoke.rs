//! Each target over its seeds, cut anywhere and changed a few thousand times, the same way each
//! time. `make fuzz` looks for longer, and where the code has branches.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nereid_fuzz::targets::{ALL, named};

/// Changed inputs of a target; they end early if they take long, as in a machine that is busy.
const CHANGED_MAX: usize = 3_000;
const TIME_MAX: Duration = Duration::from_secs(4);

/// Longest input, and most cuts of one seed.
const INPUT_BYTES_MAX: usize = 4096;
const CUTS_MAX: usize = 200;

/// Memory is counted of all threads together.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Numbers that look random, and are the same each time (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        const TELLING: [u8; 12] =
            [0, 1, 0x7F, 0x80, 0xFF, b'"', b'{', b'}', b'[', b']', b',', b'-'];
        if self.below(2) == 0 { TELLING[self.below(12)] } else { self.below(256).to_le_bytes()[0] }
    }

    /// `data` with up to four changes, some of them by parts of `other`.
    fn change(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let start = self.below(data.len() + 1);
            let end = start + self.below(data.len() - start + 1).min(64);
            let from = self.below(other.len());
            let part = &other[from..other.len().min(from + self.below(64))];
            match self.below(6) {
                0 => data.extend_from_slice(part),
                1 => drop(data.splice(start..end, part.iter().copied())),
                2 => drop(data.drain(start..end)),
                3 => data.insert(start, self.byte()),
                4 => {
                    let twice = data[start..end].to_vec();
                    data.splice(start..start, twice);
                }
                _ => {
                    let byte = self.byte();
                    data.get_mut(start).into_iter().for_each(|place| *place = byte);
                }
            }
        }
        data.truncate(INPUT_BYTES_MAX);
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs a target, and tells what broke it.
fn smoke(name: &str) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let run = |data: &[u8]| {
        let broken = std::panic::catch_unwind(|| (named(name).unwrap().run)(data)).is_err();
        assert!(!broken, "{name} breaks at b\"{}\"", data.escape_ascii());
    };
    let seeds = seeds(name);
    for seed in &seeds {
        run(seed);
        let step = seed.len().div_ceil(CUTS_MAX).max(1);
        (0..seed.len()).step_by(step).for_each(|length| run(&seed[..length]));
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let start = Instant::now();
    for index in 0..CHANGED_MAX {
        if start.elapsed() > TIME_MAX {
            println!("{name}: {index} of {CHANGED_MAX} in {TIME_MAX:?}");
            break;
        }
        let mut data = seeds[dice.below(seeds.len())].clone();
        let other = &seeds[dice.below(seeds.len())];
        dice.change(&mut data, other);
        run(&data);
    }
}

macro_rules! smoke {
    ($($name:ident),+) => {
        $(#[test] fn $name() { smoke(stringify!($name)); })+

        #[test]
        fn none_is_left_out() {
            assert_eq!(ALL.map(|target| target.name), [$(stringify!($name)),+]);
        }
    };
}

smoke!(
    config,
    grpc_body,
    grpc_request,
    http_body,
    http_repository,
    http_request,
    onnx,
    picture,
    ptx
);
