//! Which threads of a kernel touched each byte, to find those that meet in one with no barrier between
//! them. Threads run in turns here, so they never truly meet: what is looked for is that nothing but
//! this order keeps them apart. Atomic operations may meet each other, and nothing else.

use super::fault::{Kind, Trouble};

/// A thread, and how far its block has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Who {
    /// Counts what lies between two barriers, block after block, from 1.
    pub(super) epoch: u32,
    /// The first epoch of the thread's block.
    pub(super) block_start: u32,
    pub(super) thread: u32,
}

/// How bytes are touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    Read,
    Write,
    Atomic,
}

/// Who read and who wrote each byte of a memory.
///
/// An entry is an epoch and a thread of it, or 0. Of more than one thread the last one is kept, and
/// that there were others: that is enough to tell every meeting, if not each thread of it.
pub(crate) struct Ledger(Vec<Entries>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Entries {
    read: u32,
    write: u32,
}

const THREAD_MASK: u32 = 0x3ff;
/// Other threads of the epoch too.
const SEVERAL: u32 = 1 << 10;
/// Earlier blocks too.
const OTHER_BLOCKS: u32 = 1 << 11;
/// All that is written was written by atomic operations.
const ATOMIC: u32 = 1 << 12;
const EPOCH_SHIFT: u32 = 13;
/// From here on nothing is looked for: races are then missed, and none is made up.
const EPOCH_END: u32 = 1 << (32 - EPOCH_SHIFT);

impl Who {
    /// Of a launch that is to be looked at, or not.
    pub(super) fn first(is_checked: bool) -> Self {
        let epoch = if is_checked { 0 } else { EPOCH_END };
        Self { epoch, block_start: epoch, thread: 0 }
    }

    pub(super) fn next_epoch(&mut self) {
        self.epoch = EPOCH_END.min(self.epoch + 1);
    }

    pub(super) fn next_block(&mut self) {
        self.next_epoch();
        self.block_start = self.epoch;
    }

    /// In memory that each block has anew, no block meets another.
    pub(super) fn within_block(self) -> Self {
        Self { block_start: 0, ..self }
    }

    fn entry(self) -> u32 {
        self.epoch << EPOCH_SHIFT | self.thread & THREAD_MASK
    }

    /// Whether no barrier is between this thread, and others of the entry.
    fn meets(self, entry: u32) -> bool {
        let epoch = entry >> EPOCH_SHIFT;
        entry != 0
            && (entry & OTHER_BLOCKS != 0
                || epoch < self.block_start
                || epoch == self.epoch
                    && (entry & SEVERAL != 0 || entry & THREAD_MASK != self.thread))
    }

    /// The entry with this thread in addition.
    fn added_to(self, entry: u32) -> u32 {
        let epoch = entry >> EPOCH_SHIFT;
        let others = match entry {
            0 => 0,
            _ if epoch < self.block_start => OTHER_BLOCKS,
            _ if epoch == self.epoch && entry & THREAD_MASK != self.thread => {
                SEVERAL | entry & OTHER_BLOCKS
            }
            _ if epoch == self.epoch => entry & (SEVERAL | OTHER_BLOCKS),
            _ => entry & OTHER_BLOCKS,
        };
        self.entry() | others
    }
}

impl Ledger {
    pub(crate) fn new(size: usize) -> Self {
        Self(vec![Entries::default(); size])
    }

    /// Notes that a thread touches bytes of `what`.
    ///
    /// # Errors
    /// A race: another thread touches them too, and nothing orders the two.
    pub(crate) fn note(
        &mut self,
        (start, size): (usize, usize),
        touch: Touch,
        who: Who,
        what: impl Fn() -> String,
    ) -> Result<(), Trouble> {
        if who.epoch >= EPOCH_END {
            return Ok(());
        }
        let touched = &mut self.0[start..start + size];
        // Mostly the bytes of a value have always been touched together.
        if let Some((first, others)) = touched.split_first_mut()
            && others.iter().all(|entries| entries == first)
        {
            let met = first.note(touch, who);
            others.fill(*first);
            return met.map_or(Ok(()), |(how, entry)| Err(race(start, how, entry, who, &what())));
        }
        for (place, entries) in touched.iter_mut().enumerate() {
            if let Some((how, entry)) = entries.note(touch, who) {
                return Err(race(start + place, how, entry, who, &what()));
            }
        }
        Ok(())
    }
}

impl Entries {
    /// What was done before that this meets, and the entry of who did it.
    fn note(&mut self, touch: Touch, who: Who) -> Option<(&'static str, u32)> {
        let meets_write = who.meets(self.write);
        if touch == Touch::Read {
            self.read = who.added_to(self.read);
            return meets_write.then_some(("written", self.write));
        }
        let before = *self;
        let are_atomic = touch == Touch::Atomic && before.write & ATOMIC != 0;
        self.read = 0; // Whoever meets those reads, meets this write.
        self.write = match touch {
            Touch::Atomic if are_atomic => who.added_to(before.write) | ATOMIC,
            Touch::Atomic => who.entry() | ATOMIC,
            _ => who.entry(),
        };
        if meets_write && !are_atomic {
            return Some(("written", before.write));
        }
        who.meets(before.read).then_some(("read", before.read))
    }
}

fn race(place: usize, how: &str, entry: u32, who: Who, what: &str) -> Trouble {
    let is_of_block = entry >> EPOCH_SHIFT >= who.block_start && entry & OTHER_BLOCKS == 0;
    let other = if is_of_block {
        format!("thread #{} of the block, with no barrier between", entry & THREAD_MASK)
    } else {
        "another block, which nothing orders".into()
    };
    Kind::Race.with(format!("byte {place} of {what} is also {how} by {other}"))
}

#[cfg(test)]
mod tests {
    use super::Touch::{Atomic, Read, Write};
    use super::*;

    /// (epoch, first epoch of the block, thread, touch); whether the last one is a race, and no other.
    fn check(steps: &[(u32, u32, u32, Touch)], is_race: bool) {
        let mut ledger = Ledger::new(4);
        for (place, &(epoch, block_start, thread, touch)) in steps.iter().enumerate() {
            let who = Who { epoch, block_start, thread };
            let noted = ledger.note((1, 2), touch, who, String::new);
            let expected = is_race && place + 1 == steps.len();
            assert_eq!(noted.is_err(), expected, "step {place} of {steps:?}: {noted:?}");
        }
    }

    #[test]
    fn threads_of_a_block_meet_between_two_barriers() {
        check(&[(1, 1, 0, Write), (1, 1, 1, Read)], true);
        check(&[(1, 1, 0, Write), (1, 1, 1, Write)], true);
        check(&[(1, 1, 0, Read), (1, 1, 1, Write)], true);
        check(&[(1, 1, 0, Read), (1, 1, 1, Read), (1, 1, 1, Write)], true);
        check(&[(1, 1, 0, Read), (1, 1, 1, Read), (1, 1, 2, Read)], false);
        check(&[(1, 1, 0, Write), (1, 1, 0, Read), (1, 1, 0, Write)], false);
        check(&[(1, 1, 0, Write), (2, 1, 1, Read), (3, 1, 2, Write)], false);
        check(&[(1, 1, 0, Read), (1, 1, 1, Read), (2, 1, 1, Write)], false);
    }

    #[test]
    fn blocks_always_meet() {
        check(&[(1, 1, 0, Write), (2, 2, 0, Read)], true);
        check(&[(1, 1, 0, Read), (2, 2, 0, Write)], true);
        check(&[(1, 1, 0, Read), (2, 2, 0, Read), (3, 2, 0, Write)], true);
        check(&[(1, 1, 0, Read), (2, 2, 0, Read)], false);
        check(&[(1, 0, 0, Write), (2, 0, 1, Read)], false); // Of shared memory they have their own.
    }

    #[test]
    fn atomic_operations_meet_each_other_and_nothing_else() {
        check(&[(1, 1, 0, Atomic), (1, 1, 1, Atomic), (2, 2, 0, Atomic)], false);
        check(&[(1, 1, 0, Atomic), (1, 1, 1, Read)], true);
        check(&[(1, 1, 0, Write), (1, 1, 1, Atomic)], true);
        check(&[(1, 1, 0, Atomic), (1, 1, 1, Atomic), (1, 1, 1, Write)], true);
        check(&[(1, 1, 0, Atomic), (1, 1, 1, Atomic), (2, 1, 1, Read)], false);
        check(&[(1, 1, 0, Atomic), (2, 2, 0, Atomic), (3, 2, 0, Read)], true);
    }

    #[test]
    fn epochs_that_are_not_counted_are_not_looked_at() {
        let mut who = Who::first(true);
        (0..3).for_each(|_| who.next_block());
        assert_eq!((who.epoch, who.block_start), (3, 3));
        let mut ledger = Ledger::new(1);
        let mut who = Who { epoch: EPOCH_END - 1, block_start: 1, thread: 0 };
        who.next_epoch();
        who.next_epoch();
        ledger.note((0, 1), Write, who, String::new).unwrap();
        let other = Who { thread: 1, ..who };
        ledger.note((0, 1), Write, other, String::new).unwrap();
    }
}
