//! Says of each file of PTX whether the software CUDA device takes it:
//! `cargo run -p nereid-softcuda --example check_ptx FILE…`

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut has_failed = false;
    for path in std::env::args().skip(1) {
        let checked = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|source| softcuda::check_ptx(&source));
        has_failed |= checked.is_err();
        println!("{path}: {}", checked.err().unwrap_or_else(|| "all of it is known".into()));
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
