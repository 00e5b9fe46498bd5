//! The only place where async tasks and instance threads meet. One mutex around a pure scheduler,
//! and a place to sleep for each instance; nothing sleeps, answers or runs under the lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nereid_backend::batch::Batch;
use nereid_backend::observer::Observer;
use nereid_backend::request::Request;
use nereid_backend::spec::InstanceId;

use crate::park::{Park, SystemPark};
use crate::registry::{Catalog, Route, Snapshot};
use crate::scheduler::{Decision, Refusal, Refused, Scheduler, Wake};

/// One model's queue. Clients push from async tasks; idle instances pull from their threads.
pub struct Queue<P = SystemPark> {
    model: Arc<str>,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    parks: Vec<P>,
}

impl<P: Park> Queue<P> {
    /// An open queue, with one of `parks` for each instance, at least one.
    pub fn new(
        model: Arc<str>,
        observer: Arc<dyn Observer>,
        scheduler: Box<dyn Scheduler>,
        parks: Vec<P>,
    ) -> Arc<Self> {
        let state = Mutex::new(State { scheduler, instances: parks.len(), is_closed: false });
        Arc::new(Self { model, observer, state, parks })
    }

    /// The model's name.
    pub fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// Queues a request. A full queue first drops those whose clients went away.
    ///
    /// # Errors
    /// The request itself; [`Refusal::Closed`] means that the next snapshot may take it.
    pub fn push(&self, mut request: Request) -> Result<(), Refused> {
        request.observe(self.observer.clone());
        let now = self.parks[0].now();
        let mut state = self.lock();
        if state.is_closed {
            return Err((request, Refusal::Closed));
        }
        let mut dead = Vec::new();
        let mut pushed = state.scheduler.push(request, now);
        if let Err((request, Refusal::Full)) = pushed {
            dead = state.scheduler.sweep(now);
            pushed = state.scheduler.push(request, now);
        }
        self.release(state, *pushed.as_ref().unwrap_or(&Wake::Nobody));
        self.refuse(dead);
        pushed.map(|_woken| ())
    }

    /// Blocks until a batch is due for `who`. `None` means that the queue is closed and drained.
    pub fn next_batch(&self, who: InstanceId) -> Option<Batch> {
        let park = &self.parks[who.0];
        loop {
            let now = park.now();
            let mut state = self.lock();
            let decision = state.scheduler.poll(who, now);
            let is_over = state.is_over();
            let wake = if let Decision::Run(_, wake) = decision { wake } else { Wake::Nobody };
            self.release(state, wake);
            match decision {
                Decision::Run(batch, _) => return Some(batch),
                Decision::Refuse(dead) => self.refuse(dead),
                Decision::WaitUntil(due) => park.park(Some(due)),
                Decision::Idle if is_over => return None,
                Decision::Idle => park.park(None),
            }
        }
    }

    /// Notes that a batch has left its instance.
    pub fn done(&self, who: InstanceId) {
        let now = self.parks[who.0].now();
        let mut state = self.lock();
        let wake = state.scheduler.done(who, now);
        self.release(state, wake);
    }

    /// Notes that `who` will not ask again, though the queue may be open. Without any instance a
    /// queue refuses all, those that wait included: nobody would ever run them.
    pub fn retire(&self, who: InstanceId) {
        let now = self.parks[who.0].now();
        let mut state = self.lock();
        let wake = state.scheduler.retire(who, now);
        state.instances -= 1;
        let mut dead = Vec::new();
        if state.instances == 0 {
            state.is_closed = true;
            dead = state.scheduler.drain();
        }
        self.release(state, wake);
        self.refuse(dead.into_iter().map(|request| (request, Refusal::Closed)));
    }

    /// Refuses new requests, and lets instances finish what is queued, then stop.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.scheduler.hurry();
        drop(state);
        // All decide anew: to run what waited for company, or to end.
        self.parks.iter().for_each(P::unpark);
    }

    /// Unlocks first, so that whoever wakes does not run into the lock.
    fn release(&self, state: MutexGuard<'_, State>, wake: Wake) {
        let is_over = state.is_over();
        drop(state);
        match wake {
            _ if is_over => self.parks.iter().for_each(P::unpark),
            Wake::One(who) => self.parks[who.0].unpark(),
            Wake::Nobody => {}
        }
    }

    fn refuse(&self, dead: impl IntoIterator<Item = Refused>) {
        for (request, refusal) in dead {
            let error = refusal.into_error(&self.model, &request);
            request.respond(Err(error));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Park> Route for Queue<P> {
    fn push(&self, request: Request, _: &Snapshot) -> Result<(), Refused> {
        self.push(request)
    }

    /// A queue closes by itself when its last instance is gone.
    fn is_able(&self, _: &Catalog) -> bool {
        !self.lock().is_closed
    }

    fn waiting(&self) -> usize {
        self.lock().scheduler.waiting()
    }

    fn close(&self) {
        self.close();
    }
}

struct State {
    scheduler: Box<dyn Scheduler>,
    instances: usize,
    is_closed: bool,
}

impl State {
    fn is_over(&self) -> bool {
        self.is_closed && self.scheduler.waiting() == 0
    }
}

#[cfg(test)]
mod tests;
