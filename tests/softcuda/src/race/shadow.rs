//! Who last wrote and who since read each byte of an allocation, kept for ranges.

use std::collections::BTreeMap;
use std::ops::Range;

use super::clock::Stamp;

/// How bytes are touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The accesses of one allocation.
#[derive(Default, Debug)]
pub(crate) struct Shadow {
    /// From the start of each range; ranges do not overlap.
    ranges: BTreeMap<usize, Touched>,
}

#[derive(Clone, Debug)]
struct Touched {
    end: usize,
    writer: Option<Stamp>,
    /// Since the write; the last of each stream.
    readers: Vec<Stamp>,
}

impl Shadow {
    /// Notes an access and tells each earlier one that it may meet at the same time.
    pub(crate) fn access(
        &mut self,
        bytes: Range<usize>,
        access: Access,
        stamp: &Stamp,
    ) -> Vec<String> {
        self.split(bytes.start);
        self.split(bytes.end);
        self.fill(bytes.clone());
        let mut conflicts = Vec::new();
        for (start, touched) in self.ranges.range_mut(bytes) {
            for earlier in touched.note(access, stamp) {
                let end = touched.end;
                conflicts.push(format!(
                    "race: {} (stream {}) and {earlier} of bytes {start}..{end}: no event orders them",
                    stamp.what, stamp.stream
                ));
            }
        }
        conflicts
    }

    /// Lets a range begin at `at`, if `at` is inside of one.
    fn split(&mut self, at: usize) {
        let Some((_, before)) = self.ranges.range_mut(..at).next_back() else { return };
        if before.end > at {
            let after = before.clone();
            before.end = at;
            self.ranges.insert(at, after);
        }
    }

    /// Makes ranges of what nobody touched yet.
    fn fill(&mut self, bytes: Range<usize>) {
        let known: Vec<_> =
            self.ranges.range(bytes.clone()).map(|(&start, touched)| start..touched.end).collect();
        let mut at = bytes.start;
        for next in known.into_iter().chain(std::iter::once(bytes.end..bytes.end)) {
            if next.start > at {
                let fresh = Touched { end: next.start, writer: None, readers: Vec::new() };
                self.ranges.insert(at, fresh);
            }
            at = next.end;
        }
    }
}

impl Touched {
    fn note(&mut self, access: Access, stamp: &Stamp) -> Vec<String> {
        let mut conflicts = Vec::new();
        if let Some(writer) = self.writer.as_ref().filter(|writer| !stamp.is_after(writer)) {
            conflicts.push(format!("the write by {} (stream {})", writer.what, writer.stream));
        }
        if access == Access::Read {
            self.readers.retain(|reader| reader.stream != stamp.stream);
            self.readers.push(stamp.clone());
            return conflicts;
        }
        for reader in self.readers.drain(..).filter(|reader| !stamp.is_after(reader)) {
            conflicts.push(format!("the read by {} (stream {})", reader.what, reader.stream));
        }
        self.writer = Some(stamp.clone());
        conflicts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::Clock;

    /// (stream, access, bytes, whether the stream has seen all before, conflicts)
    type Step = (usize, Access, Range<usize>, bool, usize);

    fn check(steps: &[Step]) {
        let (mut shadow, mut clocks) = (Shadow::default(), vec![Clock::default(); 4]);
        for (place, (stream, access, bytes, has_seen_all, expected)) in steps.iter().enumerate() {
            if *has_seen_all {
                for other in clocks.clone() {
                    clocks[*stream].join(&other);
                }
            }
            let stamp = clocks[*stream].tick(*stream, "work");
            let conflicts = shadow.access(bytes.clone(), *access, &stamp);
            assert_eq!(conflicts.len(), *expected, "step {place}: {conflicts:?}");
        }
    }

    #[test]
    fn accesses_meet_where_no_event_orders_them() {
        use Access::{Read, Write};
        check(&[(1, Write, 0..8, false, 0), (2, Read, 4..12, false, 1)]);
        check(&[(1, Write, 0..8, false, 0), (2, Read, 8..12, false, 0)]);
        check(&[(1, Write, 0..8, false, 0), (2, Read, 4..12, true, 0)]);
        check(&[(1, Read, 0..8, false, 0), (2, Read, 0..8, false, 0), (3, Write, 7..8, false, 2)]);
        check(&[(1, Read, 0..8, false, 0), (2, Read, 0..8, false, 0), (3, Write, 7..8, true, 0)]);
        check(&[
            (1, Write, 0..2, false, 0),
            (1, Write, 6..8, false, 0),
            (2, Write, 0..8, false, 2),
        ]);
        check(&[(1, Write, 0..8, false, 0), (1, Read, 2..4, false, 0), (1, Write, 0..8, false, 0)]);
    }
}
