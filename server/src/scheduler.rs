//! Who runs what, when: the seam between the queue and its policies.
//!
//! A scheduler is a pure state machine: no clock, no threads, no channels. It is told the time, so
//! its tests are tables without sleeps. Priorities and sequences are further implementations.

use std::sync::Arc;
use std::time::Instant;

use nereid_backend::batch::Batch;
use nereid_backend::error::InferError;
use nereid_backend::request::Request;
use nereid_backend::spec::InstanceId;

/// Batches of one instance that may run at once: one uploads while the other computes.
pub const IN_FLIGHT_MAX: usize = 2;

/// Decides for all instances of one model.
pub trait Scheduler: Send {
    /// Takes a request in.
    ///
    /// # Errors
    /// The request itself, so that its owner can answer it or try elsewhere.
    fn push(&mut self, request: Request, now: Instant) -> Result<Wake, Refused>;

    /// Decides for an instance that has nothing else to do.
    fn poll(&mut self, who: InstanceId, now: Instant) -> Decision;

    /// Notes that a batch has left its instance, answered or not.
    fn done(&mut self, who: InstanceId, now: Instant) -> Wake;

    /// Lets those who wait run as soon as an instance is free: nobody else will come.
    fn hurry(&mut self);

    /// Notes that an instance will not ask again.
    fn retire(&mut self, who: InstanceId, now: Instant) -> Wake;

    /// Gives back all that need not run any more: expired, or cancelled.
    fn sweep(&mut self, now: Instant) -> Vec<Refused>;

    /// Gives back all that wait: no instance is left to run them.
    fn drain(&mut self) -> Vec<Request>;

    /// How many wait.
    fn waiting(&self) -> usize;
}

/// What an instance should do.
pub enum Decision {
    /// Run this now. The rest of the queue may be another instance's business.
    Run(Batch, Wake),
    /// Answer these, which died while they waited, and ask again.
    Refuse(Vec<Refused>),
    /// Nothing is due before this time.
    WaitUntil(Instant),
    /// Nothing to do until somebody wakes it.
    Idle,
}

/// Which sleeping instance would now decide otherwise, and so must ask again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// None: a wake-up would be wasted.
    Nobody,
    /// This one.
    One(InstanceId),
}

/// A request that comes back, and why.
pub type Refused = (Request, Refusal);

/// Why a request does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many wait already.
    Full,
    /// The model is being unloaded; the next snapshot may have a better one.
    Closed,
    /// Its deadline passed.
    Expired,
    /// Its client went away.
    Cancelled,
}

impl Refusal {
    /// Whether a request that waits should be refused now.
    pub fn of(request: &Request, now: Instant) -> Option<Self> {
        // In this order: a client that gives up at its deadline goes away, too.
        if request.deadline.is_some_and(|deadline| deadline <= now) {
            Some(Self::Expired)
        } else if request.is_cancelled() {
            Some(Self::Cancelled)
        } else {
            None
        }
    }

    /// What the client who sent `request` to `model` is told.
    pub fn into_error(self, model: &Arc<str>, request: &Request) -> InferError {
        match self {
            Self::Full => InferError::QueueFull(request.id.clone()),
            Self::Closed => InferError::Closed(model.clone()),
            Self::Expired => InferError::Expired(request.id.clone()),
            Self::Cancelled => InferError::Cancelled(request.id.clone()),
        }
    }
}
