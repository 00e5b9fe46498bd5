//! libFuzzer's program: `NEREID_FUZZ_TARGET` names the target. `tools/fuzz.py` builds and runs it.
#![no_main]
#![allow(clippy::expect_used)] // It is a test.

use std::sync::LazyLock;

use nereid_fuzz::targets::{self, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("NEREID_FUZZ_TARGET").expect("NEREID_FUZZ_TARGET must name a target");
    targets::named(&name).expect("NEREID_FUZZ_TARGET must name a target")
});

libfuzzer_sys::fuzz_target!(init: allow_contained_panics(), |data: &[u8]| (TARGET.run)(data));

/// libFuzzer's hook aborts at every panic, also at those of the JPEG decoder, which fail one
/// picture. One that nobody catches still ends the program.
fn allow_contained_panics() {
    drop(std::panic::take_hook());
    LazyLock::force(&TARGET);
}
