//! A graph that can be launched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::{Action, Graph};
use crate::code::{Code, Result};
use crate::counters::Counter;
use crate::driver::Driver;
use crate::stream::{Event, HasTime, Kind, LEAST_PRIORITY, Stream};
use crate::sync::lock;

/// A graph with a stream for each lane but the first.
pub(crate) struct Executable {
    graph: Arc<Graph>,
    /// Their handles.
    streams: Vec<usize>,
    /// Stands behind the last launch, which the next one waits for.
    last: Event,
    launching: Mutex<()>,
}

impl Executable {
    pub(crate) fn new(driver: &'static Driver, graph: Arc<Graph>) -> Self {
        let create = |device: &usize| {
            driver.streams.create(driver, *device, Kind::NonBlocking, LEAST_PRIORITY)
        };
        let streams = graph.devices.iter().skip(1).map(create).collect();
        Self { graph, streams, last: Event::new(HasTime::No), launching: Mutex::default() }
    }

    /// Behind all that is in the stream.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_UNSUPPORTED` in a stream that is captured; what its operations say.
    pub(crate) fn launch(&self, driver: &'static Driver, stream: &Arc<Stream>) -> Result<()> {
        if let Some(lane) = stream.lane() {
            lane.capture.invalidate();
            return Err(Code::STREAM_CAPTURE_UNSUPPORTED);
        }
        let _one_at_a_time = lock(&self.launching);
        driver.counters.add(Counter::GraphLaunches, 1);
        let mut lanes = vec![stream.clone()];
        for handle in &self.streams {
            lanes.push(driver.streams.get(*handle)?);
        }
        self.last.hold(stream)?;
        let mut events = HashMap::new();
        for step in &self.graph.steps {
            let lane = &lanes[step.lane];
            match &step.action {
                Action::Run(operation) => operation.issue(driver, lane)?,
                Action::Record(event) => {
                    let recorded = Event::new(HasTime::No);
                    recorded.record(driver, lane)?;
                    events.insert(*event, recorded);
                }
                Action::Wait(event) => {
                    if let Some(recorded) = events.get(event) {
                        recorded.hold(lane)?;
                    }
                }
            }
        }
        self.last.record(driver, stream)
    }

    /// Lets its streams end when they have done what is there.
    ///
    /// # Errors
    /// None that a program could make.
    pub(crate) fn destroy(&self, driver: &Driver) -> Result<()> {
        self.streams.iter().try_for_each(|handle| driver.streams.destroy(*handle))
    }
}
