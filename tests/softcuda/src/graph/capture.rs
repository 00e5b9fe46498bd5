//! A capture that goes on: steps of one stream, and of those that joined it by waiting for its events.

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use super::{Action, Graph, Step};
use crate::code::{Code, Result};
use crate::operation::Operation;
use crate::stream::Stream;
use crate::sync::lock;

/// Whose other calls a capture forbids, if they might not be meant for the graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Those of all threads.
    Global,
    /// Those of the thread that began it.
    ThreadLocal,
    /// Nobody's.
    Relaxed,
}

/// A capture, from its beginning to its end.
pub(crate) struct Capture {
    pub(crate) number: u64,
    mode: Mode,
    thread: ThreadId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_invalid: bool,
    graph: Graph,
    lanes: Vec<Captured>,
    events: usize,
}

/// A stream that is captured.
struct Captured {
    stream: Arc<Stream>,
    /// Of each lane, how many steps come before the next one here.
    seen: Vec<usize>,
}

/// A stream's place in a capture.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) capture: Arc<Capture>,
    number: usize,
}

/// What an event stands for that was recorded in a capture.
#[derive(Clone)]
pub(crate) struct Moment {
    capture: Arc<Capture>,
    event: usize,
    seen: Vec<usize>,
}

impl Capture {
    pub(super) fn begin(number: u64, mode: Mode, stream: &Arc<Stream>) -> Arc<Self> {
        let thread = thread::current().id();
        let capture = Arc::new(Self { number, mode, thread, state: Mutex::default() });
        capture.add_lane(stream, Vec::new());
        capture
    }

    fn add_lane(self: &Arc<Self>, stream: &Arc<Stream>, seen: Vec<usize>) -> Lane {
        let mut state = lock(&self.state);
        let lane = Lane { capture: self.clone(), number: state.lanes.len() };
        state.lanes.push(Captured { stream: stream.clone(), seen });
        state.graph.devices.push(stream.device);
        stream.set_lane(Some(lane.clone()));
        lane
    }

    pub(crate) fn invalidate(&self) {
        lock(&self.state).is_invalid = true;
    }

    pub(crate) fn is_invalid(&self) -> bool {
        lock(&self.state).is_invalid
    }

    /// Whether this thread's calls may disturb it.
    pub(super) fn forbids_calls(&self) -> bool {
        let is_here = self.thread == thread::current().id();
        !self.is_over() && (self.mode == Mode::Global || self.mode == Mode::ThreadLocal && is_here)
    }

    /// An event may outlive the capture that it stands in.
    fn is_over(&self) -> bool {
        lock(&self.state).lanes.is_empty()
    }

    /// Lets its streams be as before.
    fn release(&self) -> State {
        let state = std::mem::take(&mut *lock(&self.state));
        state.lanes.iter().for_each(|captured| captured.stream.set_lane(None));
        state
    }
}

impl Lane {
    /// # Errors
    /// `STREAM_CAPTURE_INVALIDATED`.
    pub(crate) fn check_valid(&self) -> Result<()> {
        let is_invalid = self.capture.is_invalid();
        if is_invalid { Err(Code::STREAM_CAPTURE_INVALIDATED) } else { Ok(()) }
    }

    /// # Errors
    /// As of `check_valid`.
    pub(crate) fn run(&self, operation: Operation) -> Result<()> {
        self.check_valid()?;
        self.push(&mut lock(&self.capture.state), Action::Run(operation));
        Ok(())
    }

    /// What an event stands for that is recorded now.
    ///
    /// # Errors
    /// As of `check_valid`.
    pub(crate) fn record(&self) -> Result<Moment> {
        self.check_valid()?;
        let mut state = lock(&self.capture.state);
        let event = state.events;
        state.events += 1;
        self.push(&mut state, Action::Record(event));
        let seen = state.lanes[self.number].seen.clone();
        Ok(Moment { capture: self.capture.clone(), event, seen })
    }

    fn push(&self, state: &mut State, action: Action) {
        let count = state.graph.steps.iter().filter(|step| step.lane == self.number).count();
        state.graph.steps.push(Step { lane: self.number, action });
        let seen = &mut state.lanes[self.number].seen;
        if seen.len() <= self.number {
            seen.resize(self.number + 1, 0);
        }
        seen[self.number] = count + 1;
    }

    /// Ends the capture; it is over whatever comes of it.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_UNMATCHED` in a stream that did not begin it, `STREAM_CAPTURE_WRONG_THREAD`,
    /// `STREAM_CAPTURE_INVALIDATED`, `STREAM_CAPTURE_UNJOINED` if it has streams that the first one
    /// does not wait for.
    pub(crate) fn end(&self) -> Result<Graph> {
        if self.number != 0 {
            self.capture.invalidate();
            return Err(Code::STREAM_CAPTURE_UNMATCHED);
        }
        let is_here = self.capture.thread == thread::current().id();
        if !is_here && self.capture.mode != Mode::Relaxed {
            return Err(Code::STREAM_CAPTURE_WRONG_THREAD);
        }
        let state = self.capture.release();
        if state.is_invalid {
            return Err(Code::STREAM_CAPTURE_INVALIDATED);
        }
        let joined = &state.lanes[0].seen;
        for (lane, _) in state.lanes.iter().enumerate().skip(1) {
            let runs = |step: &&Step| step.lane == lane;
            let count = state.graph.steps.iter().filter(runs).count();
            // A record of its own that nobody waits for is no work.
            let last = state.graph.steps.iter().filter(runs).rev();
            let idle = last.take_while(|step| matches!(step.action, Action::Record(_))).count();
            if joined.get(lane).copied().unwrap_or(0) + idle < count {
                return Err(Code::STREAM_CAPTURE_UNJOINED);
            }
        }
        Ok(state.graph)
    }
}

impl Moment {
    /// Lets the stream's next work wait for it. A stream that is not captured joins the capture.
    ///
    /// # Errors
    /// `STREAM_CAPTURE_MERGE` in a stream of another capture, `STREAM_CAPTURE_UNSUPPORTED` in the
    /// null stream, `CAPTURED_EVENT` if the capture is over.
    pub(crate) fn hold(&self, stream: &Arc<Stream>) -> Result<()> {
        let lane = match stream.lane() {
            Some(lane) if Arc::ptr_eq(&lane.capture, &self.capture) => lane,
            Some(lane) => {
                lane.capture.invalidate();
                self.capture.invalidate();
                return Err(Code::STREAM_CAPTURE_MERGE);
            }
            None if self.capture.is_over() => return Err(Code::CAPTURED_EVENT),
            None if stream.is_null() => return Err(Code::STREAM_CAPTURE_UNSUPPORTED),
            None => self.capture.add_lane(stream, Vec::new()),
        };
        lane.check_valid()?;
        let mut state = lock(&self.capture.state);
        lane.push(&mut state, Action::Wait(self.event));
        let seen = &mut state.lanes[lane.number].seen;
        seen.resize(seen.len().max(self.seen.len()), 0);
        seen.iter_mut().zip(&self.seen).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        Ok(())
    }

    /// The host cannot wait for what is not done.
    pub(crate) fn refuse(&self) -> Code {
        self.capture.invalidate();
        Code::CAPTURED_EVENT
    }
}
