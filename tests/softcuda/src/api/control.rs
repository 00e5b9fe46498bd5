//! Functions for tests, which a real driver has not.

use super::argument::{Out, Text, TextOut};
use super::{device, driver, export};
use crate::code::{Code, Result};

export! {
    /// Sets an option (`options.rs`) by its name.
    fn softcuda_set(name: Text, value: u64) {
        driver().options.set(&name.read()?, value)
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
        let device = driver().space.live(driver()).into_iter();
        let device = device.map(|it| it.to_string());
        let pinned = driver().pinned.live().into_iter();
        let pinned = pinned.map(|size| format!("pinned memory of {size} bytes"));
        let pools = driver().space.live_pools().into_iter();
        let pools = pools.map(|(number, device, used)| {
            format!("memory pool #{number} of device {device}, {used} bytes in use")
        });
        tell(&device.chain(pinned).chain(pools).collect::<Vec<_>>(), count, &texts, capacity)
    }
}

fn tell(lines: &[String], count: Out<u64>, texts: &TextOut, capacity: usize) -> Result<()> {
    texts.put(&lines.join("\n"), capacity);
    count.put(lines.len() as u64)
}
