//! Streams: each a queue of work and a thread that does it in order, what orders them among each
//! other (`order`), and events.

mod event;
mod order;
mod queue;
mod streams;

use std::sync::{Arc, Mutex, Weak};

use crate::code::Result;
use crate::driver::Driver;
use crate::race::Clock;
use crate::sync::lock;
use queue::Queue;

pub(crate) use event::{Event, HasTime};
pub(crate) use streams::Streams;

/// One stream of one device.
pub(crate) struct Stream {
    /// Its place in clocks; 0 is the host.
    pub(crate) number: usize,
    pub(crate) device: usize,
    kind: Kind,
    queue: Queue,
    clock: Mutex<Clock>,
    itself: Weak<Self>,
}

/// How a stream stands to the null stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// It is the null stream: in order with each blocking one.
    Null,
    /// In order with the null stream.
    Blocking,
    /// In order with none.
    NonBlocking,
}

impl Stream {
    /// Puts work behind all that is there; its error loses the device.
    /// It gets the number that is given back.
    pub(crate) fn push(&self, work: impl FnOnce() -> Result<()> + Send + 'static) -> u64 {
        self.queue.push(Box::new(work))
    }

    /// Waits for all that is there now.
    ///
    /// # Errors
    /// What the device was lost by.
    pub(crate) fn wait_idle(&self, driver: &Driver) -> Result<()> {
        let clock = lock(&self.clock).clone();
        self.queue.wait_for(self.queue.pushed());
        lock(&driver.host).join(&clock);
        driver.status(self.device)
    }

    /// Whether all that is there is done; asking lets it go on.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_done(self.queue.pushed())
    }

    /// Lets the stream end when it has done what is there.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    fn arc(&self) -> Option<Arc<Self>> {
        self.itself.upgrade()
    }
}
