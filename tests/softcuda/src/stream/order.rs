//! What a stream's next work comes after: all that the host has seen, and what the null stream's rule
//! asks for. (CUDA Driver API, "Stream synchronization behavior: legacy default stream".)

use std::sync::Arc;

use super::{Kind, Stream};
use crate::driver::Driver;
use crate::race::{Clock, Stamp};
use crate::sync::lock;

impl Stream {
    /// The time of the work that is pushed next.
    pub(crate) fn stamp(&self, driver: &'static Driver, what: &str) -> Stamp {
        let others = match self.kind {
            Kind::NonBlocking => Vec::new(),
            Kind::Blocking => driver.null_stream(self.device).into_iter().collect(),
            Kind::Null => driver.streams.blocking(self.device),
        };
        for other in others {
            let (clock, number) = (lock(&other.clock).clone(), other.queue.pushed());
            if number > 0 {
                self.come_after(&other, number, &clock);
            }
        }
        let mut clock = lock(&self.clock);
        clock.join(&lock(&driver.host));
        clock.tick(self.number, what)
    }

    /// Lets what is pushed from now on wait for another stream's work.
    pub(super) fn come_after(&self, other: &Arc<Stream>, number: u64, clock: &Clock) {
        lock(&self.clock).join(clock);
        let other = other.clone();
        self.push(move || {
            other.queue.wait_for(number);
            Ok(())
        });
    }
}
