//! Processors and memory of the host, as `/proc` tells them, of the host and not of a container:
//! Triton's metrics are the same.
//!
//! They are read when somebody scrapes, not by a thread: a server that nobody watches does no work
//! for it, and what a scrape tells of the processors covers all the time since the last one, where
//! a sample of two seconds would miss most of Prometheus's usual fifteen.

use std::fs;
use std::time::{Duration, Instant};

/// What a host can tell of itself; nothing where the operating system has no `/proc`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// The part of the processors' time that was used, from 0 to 1.
    pub cpu: Option<f64>,
    /// Memory.
    pub memory: Option<Memory>,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What is not available to who asks for more.
    pub used_bytes: u64,
}

/// The host since the last reading.
pub struct Host {
    interval: Duration,
    read: Instant,
    times: Option<CpuTimes>,
    usage: Usage,
}

impl Host {
    /// The host from now on, read again at most once in each `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { interval, read: Instant::now(), times: cpu_times(), usage: Usage::default() }
    }

    /// What it has used since it was last read.
    pub fn usage(&mut self) -> Usage {
        if self.usage.cpu.is_some() && self.read.elapsed() < self.interval {
            return self.usage;
        }
        let now = cpu_times();
        // Without a tick between two readings, the older one stays, and so does what it told.
        if let Some((before, now)) = self.times.zip(now)
            && let Some(cpu) = now.used_since(before)
        {
            self.usage.cpu = Some(cpu);
            self.times = Some(now);
        }
        self.usage.memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text));
        self.read = Instant::now();
        self.usage
    }
}

/// Time of all processors since the system has started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CpuTimes {
    used: u64,
    all: u64,
}

impl CpuTimes {
    /// From the first line of `/proc/stat`, `cpu` and numbers. The fourth is idle time, the fifth
    /// waits for disks; those after the eighth are for guests and in the first two already
    /// (`man 5 proc_stat`).
    fn parse(stat: &str) -> Option<Self> {
        let numbers = stat.lines().next()?.strip_prefix("cpu ")?;
        let numbers: Option<Vec<u64>> =
            numbers.split_whitespace().take(8).map(|number| number.parse().ok()).collect();
        let numbers = numbers?;
        let idle = numbers.get(3)?.saturating_add(*numbers.get(4)?);
        let all = numbers.iter().fold(0, |sum: u64, number| sum.saturating_add(*number));
        Some(Self { used: all - idle, all })
    }

    /// The used part of the time since `before`; `None` if no time has passed. The kernel may
    /// correct the times of disks downwards, so neither number is sure to grow.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of ticks is exact enough")]
    fn used_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|ticks| *ticks > 0)?;
        let used = self.used.saturating_sub(before.used).min(all);
        Some(used as f64 / all as f64)
    }
}

fn cpu_times() -> Option<CpuTimes> {
    CpuTimes::parse(&fs::read_to_string("/proc/stat").ok()?)
}

/// From `/proc/meminfo`: lines such as `MemTotal:  16384 kB` (`man 5 proc_meminfo`).
fn memory(meminfo: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
    };
    let total_bytes = bytes("MemTotal")?;
    let used_bytes = total_bytes.saturating_sub(bytes("MemAvailable")?);
    Some(Memory { total_bytes, used_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_stat_is_all_processors() {
        #[track_caller]
        fn check(stat: &str, expected: Option<(u64, u64)>) {
            assert_eq!(CpuTimes::parse(stat), expected.map(|(used, all)| CpuTimes { used, all }));
        }
        check("cpu  1 2 4 8 16 32 64 128 256 512\ncpu0 1 1 1 1 1 1 1 1 1 1\n", Some((231, 255)));
        check("cpu  1 2 4 8 16", Some((7, 31)));
        check("cpu  1 2 4 8", None);
        check("cpu  1 2 four 8 16", None);
        check("cpu0 1 2 4 8 16", None);
        check("", None);
    }

    #[test]
    fn use_is_the_part_of_the_time_between() {
        #[track_caller]
        fn check(before: (u64, u64), now: (u64, u64), expected: Option<f64>) {
            let times = |(used, all)| CpuTimes { used, all };
            assert_eq!(times(now).used_since(times(before)), expected);
        }
        check((10, 100), (35, 200), Some(0.25));
        check((10, 100), (110, 200), Some(1.0));
        check((10, 100), (10, 200), Some(0.0));
        check((10, 100), (9, 200), Some(0.0));
        check((10, 100), (150, 200), Some(1.0));
        check((10, 100), (10, 100), None);
        check((10, 100), (10, 99), None);
    }

    #[test]
    fn memory_is_used_unless_it_is_available() {
        #[track_caller]
        fn check(meminfo: &str, expected: Option<(u64, u64)>) {
            let memory = memory(meminfo).map(|memory| (memory.total_bytes, memory.used_bytes));
            assert_eq!(memory, expected);
        }
        let lines = "MemTotal:       100 kB\nMemFree:  1 kB\nMemAvailable:    40 kB\n";
        check(lines, Some((102_400, 61_440)));
        check("MemTotal: 100 kB\nMemAvailable: 101 kB\n", Some((102_400, 0)));
        check("MemTotal: 100 kB\nMemFree: 1 kB\n", None);
        check("MemTotal: 100 MB\nMemAvailable: 1 kB\n", None);
    }

    #[test]
    fn within_an_interval_the_host_is_read_once() {
        let mut host = Host::new(Duration::MAX);
        host.usage = Usage { cpu: Some(0.125), memory: None };
        assert_eq!(host.usage(), Usage { cpu: Some(0.125), memory: None });
        host.interval = Duration::ZERO;
        assert!(host.usage().memory.is_some_and(|memory| memory.used_bytes <= memory.total_bytes));
    }
}
