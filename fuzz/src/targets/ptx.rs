//! The reader of PTX of the software CUDA device. It is not shipped, but it reads what others' tools
//! write, and a test that hangs or takes all memory tells nobody why.

use crate::memory::bounded;

/// What reading takes for each byte: a token of one letter is a text of its own, and an instruction of
/// three letters all that one can be.
const BYTES_PER_BYTE: usize = 400;
/// The largest variable's bytes, and what its limit is told with.
const BYTES_MAX: usize = (1 << 20) + (64 << 10);

pub(super) fn run(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let read = bounded(BYTES_PER_BYTE * data.len() + BYTES_MAX, || softcuda::check_ptx(source));
    let Err(text) = read else { return };
    assert!(!text.is_empty());
    let Some(rest) = text.strip_prefix("PTX line ") else { return };
    let line: usize = rest.split(':').next().unwrap().parse().unwrap();
    assert!(line >= 1 && line <= source.matches('\n').count() + 1, "{text}");
}
