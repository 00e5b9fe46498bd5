//! Graphs: work of streams that is captured instead of done, and launched as a whole. (CUDA Driver
//! API, "Stream Management" and "Graph Management".)
//!
//! A graph keeps the streams that it was captured from as lanes: the steps of a lane are in order, and
//! waits of events order lanes. A launch gives each lane a stream, so that races within a graph are
//! found as those of streams are.

mod capture;
mod captures;
mod executable;

use crate::operation::Operation;

pub(crate) use capture::{Lane, Mode, Moment};
pub(crate) use captures::Captures;
pub(crate) use executable::Executable;

/// What was captured.
#[derive(Default)]
pub(crate) struct Graph {
    steps: Vec<Step>,
    /// The device of each lane. The first lane is the stream that the graph is launched in.
    devices: Vec<usize>,
}

#[derive(Clone)]
struct Step {
    lane: usize,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Run(Operation),
    /// Lets the event of that number stand behind all that is in the lane.
    Record(usize),
    Wait(usize),
}
