//! Vector clocks. (Colin Fidge, "Timestamps in message-passing systems that preserve the partial
//! ordering", 1988.)

use std::sync::Arc;

/// How far each stream is known to have come.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Clock(Vec<u64>);

/// One piece of work in a stream: its time, and all that is known to happen before it.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pub(crate) stream: usize,
    pub(crate) tick: u64,
    pub(crate) before: Clock,
    /// For people: "copy H2D", or a kernel's name.
    pub(crate) what: Arc<str>,
}

impl Clock {
    /// Learns all that another knows.
    pub(crate) fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// The stream's next piece of work.
    pub(crate) fn tick(&mut self, stream: usize, what: &str) -> Stamp {
        if self.0.len() <= stream {
            self.0.resize(stream + 1, 0);
        }
        self.0[stream] += 1;
        Stamp { stream, tick: self.0[stream], before: self.clone(), what: what.into() }
    }

    fn at(&self, stream: usize) -> u64 {
        self.0.get(stream).copied().unwrap_or(0)
    }
}

impl Stamp {
    /// Whether `earlier` is sure to be done when this begins.
    pub(crate) fn is_after(&self, earlier: &Self) -> bool {
        self.before.at(earlier.stream) >= earlier.tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_in_order_and_two_are_not_until_joined() {
        let (mut one, mut two) = (Clock::default(), Clock::default());
        let first = one.tick(1, "first");
        let second = one.tick(1, "second");
        assert!(second.is_after(&first) && !first.is_after(&second));
        let apart = two.tick(2, "apart");
        assert!(!apart.is_after(&first) && !first.is_after(&apart));
        two.join(&first.before);
        let joined = two.tick(2, "joined");
        assert!(joined.is_after(&first) && !joined.is_after(&second));
    }
}
