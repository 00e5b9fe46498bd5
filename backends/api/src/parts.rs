//! The small parts of a request and its response.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::cancel::{Cancel, Hook};
use crate::device::DeviceId;
use crate::tensor::Tensor;

/// Named tensors, in signature order.
pub type Tensors = Vec<(Arc<str>, Tensor)>;

/// Options that travel with a request.
pub type Parameters = BTreeMap<String, Parameter>;

/// One option's value, as `KServe` v2 knows them.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Text(String),
}

/// One output that the client asks for.
#[derive(Clone, Debug)]
pub struct RequestedOutput {
    /// Its name in the signature.
    pub name: Arc<str>,
    /// Where it should go; `None`: it stays where it is made, since whoever asks takes it anywhere.
    pub place: Option<DeviceId>,
}

/// When what happened to a request. `None` means not yet, or never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// It entered the queue.
    pub queued: Option<Instant>,
    /// Its batch left the queue.
    pub started: Option<Instant>,
    /// Its inputs were where the engine wants them.
    pub inputs_ready: Option<Instant>,
    /// The engine was done.
    pub computed: Option<Instant>,
    /// Its outputs were where the client wants them.
    pub outputs_ready: Option<Instant>,
    /// For an ensemble: what its steps spent in all, some of them perhaps at the same time.
    pub steps: Option<Stages>,
}

impl Times {
    /// How long each stage of computing took.
    pub fn stages(&self) -> Stages {
        self.steps.unwrap_or(Stages {
            compute_input: between(self.started, self.inputs_ready),
            compute_infer: between(self.inputs_ready, self.computed),
            compute_output: between(self.computed, self.outputs_ready),
        })
    }

    /// How long it waited in the queue.
    pub fn queue(&self) -> Duration {
        between(self.queued, self.started)
    }

    /// How long it took in all.
    pub fn total(&self) -> Duration {
        between(self.queued, self.outputs_ready)
    }
}

/// How long the stages of computing took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Until the inputs were where the engine wants them.
    pub compute_input: Duration,
    /// In the engine.
    pub compute_infer: Duration,
    /// Until the outputs were where the client wants them.
    pub compute_output: Duration,
}

impl AddAssign for Stages {
    fn add_assign(&mut self, more: Self) {
        self.compute_input = self.compute_input.saturating_add(more.compute_input);
        self.compute_infer = self.compute_infer.saturating_add(more.compute_infer);
        self.compute_output = self.compute_output.saturating_add(more.compute_output);
    }
}

/// Zero if one of them has not happened.
fn between(start: Option<Instant>, end: Option<Instant>) -> Duration {
    match (start, end) {
        (Some(start), Some(end)) => end.saturating_duration_since(start),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_the_time_between() {
        let start = Instant::now();
        let at = |ns| Some(start + Duration::from_nanos(ns));
        let stages = |ns: [u64; 3]| {
            let [compute_input, compute_infer, compute_output] = ns.map(Duration::from_nanos);
            Stages { compute_input, compute_infer, compute_output }
        };
        let mut times = Times {
            queued: at(0),
            started: at(1),
            inputs_ready: at(3),
            computed: at(6),
            outputs_ready: at(10),
            steps: None,
        };
        assert_eq!(
            (times.queue(), times.total()),
            (Duration::from_nanos(1), Duration::from_nanos(10))
        );
        assert_eq!(times.stages(), stages([2, 3, 4]));
        times.steps = Some(stages([5, 6, 7]));
        assert_eq!(times.stages(), stages([5, 6, 7]));
        assert_eq!(Times { started: at(1), ..Times::default() }.stages(), Stages::default());
    }
}
