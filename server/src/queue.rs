//! The only place where async tasks and instance threads meet. One mutex around a pure scheduler,
//! and a place to sleep for each instance; nothing sleeps, answers or runs under the lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use nereid_backend::batch::Batch;
use nereid_backend::observer::Observer;
use nereid_backend::request::Request;
use nereid_backend::spec::InstanceId;

use crate::handover::{Alarm, Owed, Sleeper};
use crate::park::{Park, SystemPark};
use crate::registry::{Catalog, Route, Snapshot};
use crate::scheduler::{Decision, Refusal, Refused, Scheduler, Wake};

/// One model's queue. Clients push from async tasks; idle instances pull from their threads.
pub struct Queue<P: Park = SystemPark> {
    model: Arc<str>,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
    /// Whose thread serves each instance.
    seats: Vec<ArcSwap<Sleeper<P>>>,
    this: Weak<Self>,
}

/// What an instance is to do next.
pub enum Next {
    /// Run this.
    Run(Batch),
    /// Ask again then: nothing is due before.
    WaitUntil(Instant),
    /// Ask again when it is woken.
    Idle,
    /// Nothing any more: the queue is closed and drained.
    Over,
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
        let seat = |park| ArcSwap::from_pointee(Sleeper::new(park));
        let seats = parks.into_iter().map(seat).collect();
        Arc::new_cyclic(|this| Self { model, observer, state, seats, this: this.clone() })
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
        let now = self.now(InstanceId(0));
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

    /// What `who` is to do now. Never blocks, but for the lock.
    pub fn next(&self, who: InstanceId) -> Next {
        loop {
            let now = self.now(who);
            let mut state = self.lock();
            let decision = state.scheduler.poll(who, now);
            let is_over = state.is_over();
            let wake = if let Decision::Run(_, wake) = decision { wake } else { Wake::Nobody };
            self.release(state, wake);
            match decision {
                Decision::Run(batch, _) => return Next::Run(batch),
                Decision::Refuse(dead) => self.refuse(dead),
                Decision::WaitUntil(due) => return Next::WaitUntil(due),
                Decision::Idle if is_over => return Next::Over,
                Decision::Idle => return Next::Idle,
            }
        }
    }

    /// Notes that a batch has left its instance.
    pub fn done(&self, who: InstanceId) {
        let now = self.now(who);
        let mut state = self.lock();
        let wake = state.scheduler.done(who, now);
        self.release(state, wake);
    }

    /// Notes that `who` will not ask again, though the queue may be open. Without any instance a
    /// queue refuses all, those that wait included: nobody would ever run them.
    pub fn retire(&self, who: InstanceId) {
        let now = self.now(who);
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
        self.wake_all();
    }

    /// Wakes the thread that serves `who`. One that changes its instance meanwhile looks, after
    /// that, whether it was woken for the one that it left.
    pub(crate) fn wake(&self, who: InstanceId) {
        let mut sleeper = self.seats[who.0].load();
        loop {
            sleeper.park().unpark();
            let now = self.seats[who.0].load();
            if Arc::ptr_eq(&now, &sleeper) {
                return;
            }
            sleeper = now;
        }
    }

    /// The thread that serves `who`.
    pub fn sleeper(&self, who: InstanceId) -> Arc<Sleeper<P>> {
        self.seats[who.0].load_full()
    }

    /// From now on `sleeper`'s thread serves `who`.
    pub(crate) fn seat(&self, who: InstanceId, sleeper: Arc<Sleeper<P>>) {
        self.seats[who.0].store(sleeper);
    }

    fn wake_all(&self) {
        (0..self.seats.len()).map(InstanceId).for_each(|who| self.wake(who));
    }

    fn now(&self, who: InstanceId) -> Instant {
        self.seats[who.0].load().park().now()
    }

    /// Unlocks first, so that whoever wakes does not run into the lock.
    fn release(&self, state: MutexGuard<'_, State>, wake: Wake) {
        let is_over = state.is_over();
        drop(state);
        match wake {
            _ if is_over => self.wake_all(),
            Wake::One(who) if Owed::<P>::is_begun() => match self.this.upgrade() {
                Some(queue) => Alarm { queue, who }.owe(),
                None => self.wake(who),
            },
            Wake::One(who) => self.wake(who),
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
