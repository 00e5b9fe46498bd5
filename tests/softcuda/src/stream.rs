//! Streams: each a queue of work and a thread that does it in order, what orders them among each
//! other (`order`), and events.

mod event;
mod gate;
mod order;
mod queue;
mod streams;

use std::sync::Mutex;

use crate::code::{Code, Result};
use crate::driver::Driver;
use crate::graph::Lane;
use crate::race::{Clock, Stamp};
use crate::sync::lock;
use queue::Queue;

pub(crate) use event::{Event, HasTime};
pub(crate) use gate::Gate;
pub(crate) use streams::Streams;

/// As GPUs have them: the lower the number, the more urgent.
pub(crate) const LEAST_PRIORITY: i32 = 0;
pub(crate) const GREATEST_PRIORITY: i32 = -5;

/// One stream of one device.
pub(crate) struct Stream {
    /// Its place in clocks; 0 is the host.
    pub(crate) number: usize,
    pub(crate) device: usize,
    kind: Kind,
    /// All streams get on alike; it is only kept.
    pub(crate) priority: i32,
    queue: Queue,
    clock: Mutex<Clock>,
    /// Its place in a capture, if it is captured.
    lane: Mutex<Option<Lane>>,
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

    /// As `push`, of work that has a time and a name, and passes the gate.
    pub(crate) fn push_stamped(
        &self,
        driver: &'static Driver,
        stamp: Stamp,
        work: impl FnOnce(&Stamp) -> Result<()> + Send + 'static,
    ) {
        self.push(move || driver.gate.pass(&stamp.what, || work(&stamp)));
    }

    /// Waits for all that is there now.
    ///
    /// # Errors
    /// What the device was lost by.
    pub(crate) fn wait_idle(&self, driver: &Driver) -> Result<()> {
        let clock = lock(&self.clock).clone();
        self.queue.wait_for(self.queue.pushed());
        lock(&driver.host).join(&clock);
        driver.space.release_pools(self.device);
        driver.status(self.device)
    }

    /// Whether all that is there is done; asking lets it go on.
    ///
    /// # Errors
    /// `NOT_READY`; what the device was lost by.
    pub(crate) fn query(&self, driver: &Driver) -> Result<()> {
        let clock = lock(&self.clock).clone();
        if !self.queue.is_done(self.queue.pushed()) {
            return Err(Code::NOT_READY);
        }
        lock(&driver.host).join(&clock);
        driver.status(self.device)
    }

    /// Lets the stream end when it has done what is there.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Its place in a capture, if it is captured.
    pub(crate) fn lane(&self) -> Option<Lane> {
        lock(&self.lane).clone()
    }

    pub(crate) fn set_lane(&self, lane: Option<Lane>) {
        *lock(&self.lane) = lane;
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }
}
