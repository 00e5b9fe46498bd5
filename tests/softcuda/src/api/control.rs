//! Functions for tests, which a real driver has not.

use super::argument::{Host, In, Out, Text, TextOut};
use super::{device, driver, export, live_stream};
use crate::code::{Code, Result};
use crate::mem::{Poison, Rows, library_kernel, poison, poison_in_order};

export! {
    /// Sets an option (`options.rs`) by its name.
    fn softcuda_set(name: Text, value: u64) {
        driver().options.set(&name.read()?, value)
    }

    /// An option as it is now; of one that counts down, 0 if it has come.
    fn softcuda_get(name: Text, value: Out<u64>) {
        value.put(driver().options.named(&name.read()?).ok_or(Code::NOT_FOUND)?)
    }

    /// Lets the next work of this name, "copy H2D" or a kernel's, stand still, with what comes behind it in
    /// its stream.
    fn softcuda_hold(name: Text) {
        driver().gate.hold(name.read()?);
        Ok(())
    }

    /// Lets it go on.
    fn softcuda_release() {
        driver().gate.release();
        Ok(())
    }

    /// Whether what is to be held has come: 1, or 0.
    fn softcuda_is_holding(answer: Out<u64>) {
        answer.put(u64::from(driver().gate.is_holding()))
    }

    /// How often work of this name was done.
    fn softcuda_done(name: Text, count: Out<u64>) {
        count.put(driver().gate.done(&name.read()?))
    }

    /// Lets a device be lost, as by a fault of its memory.
    fn softcuda_lose_device(device: i32) {
        driver().lose(device::ordinal(device)?, Code::ECC_UNCORRECTABLE);
        Ok(())
    }

    /// The count of that name (`counters.rs`).
    fn softcuda_counter(name: Text, count: Out<u64>) {
        count.put(driver().counters.named(&name.read()?).ok_or(Code::NOT_FOUND)?)
    }

    /// What the program did wrong: how many times, and the texts, each on a line.
    fn softcuda_violations(count: Out<u64>, texts: TextOut, capacity: usize) {
        tell(&driver().report.violations(), count, &texts, capacity)
    }

    /// What is allocated and not freed, and pools that are not destroyed, as `softcuda_violations` gives it. Memory of devices that
    /// were lost does not count: nobody can free it.
    fn softcuda_leaks(count: Out<u64>, texts: TextOut, capacity: usize) {
        tell(&leaks(), count, &texts, capacity)
    }

    /// Nobody may touch the bytes until they are unpoisoned: a pool has taken them back. It is
    /// looked up by the pool, since a real driver has none of the four.
    fn softcuda_poison(address: u64, size: usize) {
        poison(driver(), address, size, Poison::Put)
    }

    /// The bytes are as new: nobody has written them.
    fn softcuda_unpoison(address: u64, size: usize) {
        poison(driver(), address, size, Poison::Lift)
    }

    /// As `softcuda_poison`, when the stream comes to it.
    fn softcuda_poison_async(address: u64, size: usize, handle: usize) {
        poison_in_order(driver(), &live_stream(handle)?, address, size, Poison::Put)
    }

    /// As `softcuda_unpoison`, when the stream comes to it.
    fn softcuda_unpoison_async(address: u64, size: usize, handle: usize) {
        poison_in_order(driver(), &live_stream(handle)?, address, size, Poison::Lift)
    }

    /// What a kernel of a library does that is a double, too: it reads `size` bytes at `from`, and
    /// writes rows, whose bytes are taken at the call.
    fn softcuda_library_kernel(
        from: u64,
        size: usize,
        rows: In<Rows>,
        bytes: Host,
        handle: usize,
    ) {
        let rows = rows.read()?;
        let bytes = bytes.range(rows.size_bytes())?.read();
        library_kernel(driver(), &live_stream(handle)?, (from, size), rows, bytes)
    }
}

/// What is allocated and not freed, a line each.
pub(super) fn leaks() -> Vec<String> {
    let device = driver().space.live(driver()).into_iter().map(|it| it.to_string());
    let pinned = driver().pinned.live(driver()).into_iter();
    let pinned = pinned.map(|size| format!("pinned memory of {size} bytes"));
    let pools = driver().space.live_pools(driver()).into_iter();
    let pools = pools.map(|(number, device, used)| {
        format!("memory pool #{number} of device {device}, {used} bytes in use")
    });
    device.chain(pinned).chain(pools).collect()
}

fn tell(lines: &[String], count: Out<u64>, texts: &TextOut, capacity: usize) -> Result<()> {
    texts.put(&lines.join("\n"), capacity);
    count.put(lines.len() as u64)
}
