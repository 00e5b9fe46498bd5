//! An instance's thread: makes it, pulls a batch, starts it, hands its end to the reaper, pulls the next.
//! While the instance has nothing to do, the thread may exchange it for another ([`crate::handover`]).
//!
//! An instance whose device is lost leaves what comes to the model's others, if there are some.
//!
//! A panic of the engine fails one batch. The thread then makes a new instance; one that panics
//! too often is given up, and a model that has none left answers that it takes no requests.

mod footing;

pub use footing::Footing;

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use nereid_backend::backend::{Instance, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceId, InstanceSpec};

use crate::handover::{Owed, Sleeper};
use crate::park::Park;
use crate::queue::{Next, Queue};

/// Restarts of one instance within [`RESTART_WINDOW`] before it is given up.
const RESTARTS_MAX: usize = 3;
const RESTART_WINDOW: Duration = Duration::from_mins(1);

/// Why an instance did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine cannot make it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The operating system refuses a thread.
    #[error("cannot start a thread for it: {0}")]
    Thread(#[from] io::Error),
    /// The engine panicked while it made it.
    #[error("making it panicked; the log has the reason")]
    Panicked,
}

/// An instance that is being made.
#[must_use = "whether it starts is known once somebody has waited for it"]
pub struct Starting {
    made: Receiver<Result<(), LoadError>>,
    ended: Receiver<()>,
}

impl Starting {
    /// Blocks until the instance takes batches.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn wait(self) -> Result<Started, StartError> {
        self.made.recv().map_err(|_| StartError::Panicked)??;
        Ok(Started { ended: self.ended })
    }
}

/// An instance that takes batches until its queue is closed.
pub struct Started {
    ended: Receiver<()>,
}

/// An engine panicked where nothing could go on: when it made an instance again.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the instance ended by a panic")]
pub struct EndedByPanic;

impl Started {
    /// Blocks until the instance is gone.
    ///
    /// # Errors
    /// [`EndedByPanic`]
    pub fn join(self) -> Result<(), EndedByPanic> {
        self.ended.recv().map_err(|_| EndedByPanic)
    }
}

/// Makes an instance of `model` in a thread of its own, and runs it until `queue` closes. So
/// several instances are made, and warmed up, at the same time.
///
/// # Errors
/// [`StartError::Thread`]; whatever else may go wrong, [`Starting::wait`] tells.
pub fn start_instance<P: Park>(
    queue: Arc<Queue<P>>,
    model: Arc<dyn Model>,
    spec: InstanceSpec,
    footing: impl Into<Footing>,
) -> Result<Starting, StartError> {
    let name = format!("{}_{}", queue.model(), spec.id.0);
    let (work, starting) = instance_thread(queue, model, spec, footing.into());
    Builder::new().name(name).spawn(work)?;
    Ok(starting)
}

/// What the thread of [`start_instance`] does.
pub(crate) fn instance_thread<P: Park>(
    queue: Arc<Queue<P>>,
    model: Arc<dyn Model>,
    spec: InstanceSpec,
    footing: Footing,
) -> (impl FnOnce() + Send, Starting) {
    let (told, made) = bounded(1);
    let (end, ended) = bounded(1);
    let post = Post {
        duty: Retire { queue, who: spec.id },
        model,
        spec,
        footing,
        restarts: VecDeque::new(),
        end,
    };
    (move || work(post, told), Starting { made, ended })
}

/// Makes the instance and serves it, or whichever it is exchanged for, until the one that this
/// thread has then is over.
fn work<P: Park>(post: Post<P>, told: Sender<Result<(), LoadError>>) {
    let sleeper = post.queue().sleeper(post.spec.id);
    let (made, instance) = match post.model.spawn(post.spec) {
        Ok(instance) => (Ok(()), Some(instance)),
        Err(error) => (Err(error), None),
    };
    // Whoever does not wait for it does not want to know.
    let _unheard = told.send(made);
    drop(told);
    match instance {
        Some(instance) => serve(Serving { instance, post }, &sleeper),
        None => post.leave(),
    }
}

fn serve<P: Park>(mut serving: Serving<P>, sleeper: &Arc<Sleeper<P>>) {
    loop {
        if serving.post.footing.is_gone() {
            return serving.leave_a_lost_device();
        }
        let next = serving.post.queue().next(serving.post.spec.id);
        if let Next::Idle = next
            && let Some(alarm) = Owed::take()
        {
            serving = alarm.answer(serving, sleeper);
            continue;
        }
        // The thread has something else to do, or to wait for.
        Owed::<P>::settle();
        match next {
            Next::Run(batch) => match serving.run(batch) {
                Some(ran) => serving = ran,
                None => return,
            },
            Next::WaitUntil(due) => sleeper.park().park(Some(due)),
            Next::Idle => serving = sleeper.rest(serving),
            Next::Over => {
                let Serving { instance, post } = serving;
                drop(instance);
                return post.leave();
            }
        }
    }
}

/// An instance, and what belongs to serving it. One thread has it at a time.
pub(crate) struct Serving<P: Park> {
    instance: Box<dyn Instance>,
    post: Post<P>,
}

impl<P: Park> Serving<P> {
    /// Whether it is this queue's instance `who`.
    pub(crate) fn is(&self, queue: &Arc<Queue<P>>, who: InstanceId) -> bool {
        Arc::ptr_eq(self.post.queue(), queue) && self.post.spec.id == who
    }

    /// Whether another thread may serve it. What an engine has of a device belongs to a thread.
    pub(crate) fn is_movable(&self) -> bool {
        self.post.spec.device == DeviceId::Cpu
    }

    /// From now on `sleeper`'s thread serves it.
    pub(crate) fn seat(&self, sleeper: Arc<Sleeper<P>>) {
        self.post.queue().seat(self.post.spec.id, sleeper);
    }

    /// Leaves the queue to the others.
    fn leave_a_lost_device(self) {
        // The thread will not ask again.
        Owed::<P>::settle();
        let Self { instance, post } = self;
        let (model, who, device) = (post.queue().model(), post.spec.id.0, post.spec.device);
        tracing::error!("instance {who} of model '{model}' ends: {device} is lost; others go on");
        drop(instance);
        post.leave();
    }

    /// Runs a batch. `None` if the instance panicked and is not made again.
    fn run(mut self, batch: Batch) -> Option<Self> {
        Owed::<P>::begin();
        let run = || self.post.run(self.instance.as_mut(), batch);
        if catch_unwind(AssertUnwindSafe(run)).is_ok() {
            return Some(self);
        }
        // To make another may take long.
        Owed::<P>::settle();
        // What a panic leaves behind is dropped: the instance, and its batch with it.
        let Self { instance, mut post } = self;
        drop(instance);
        let Some(instance) = post.restart() else {
            post.leave();
            return None;
        };
        Some(Self { instance, post })
    }
}

/// What an instance needs beside itself.
struct Post<P: Park> {
    duty: Retire<P>,
    model: Arc<dyn Model>,
    spec: InstanceSpec,
    footing: Footing,
    restarts: VecDeque<Instant>,
    end: Sender<()>,
}

impl<P: Park> Post<P> {
    fn queue(&self) -> &Arc<Queue<P>> {
        &self.duty.queue
    }

    /// Tells the queue, and whoever waits, that the instance is gone.
    fn leave(self) {
        let Self { duty, end, .. } = self;
        drop(duty);
        // Whoever does not wait for it does not want to know.
        let _unheard = end.send(());
    }

    fn run(&self, instance: &mut dyn Instance, batch: Batch) {
        let ticket = Ticket { queue: self.queue().clone(), who: self.spec.id };
        match instance.start(batch) {
            Running::Done => {}
            Running::OnDevice { after, finish } => self.footing.reaper.watch(
                after,
                Box::new(move |ended| {
                    let _returned_last = ticket;
                    finish(ended);
                }),
            ),
        }
    }

    fn restart(&mut self) -> Option<Box<dyn Instance>> {
        let (model, who) = (self.duty.queue.model(), self.spec.id.0);
        let now = Instant::now();
        self.restarts.retain(|&at| now.duration_since(at) < RESTART_WINDOW);
        if self.restarts.len() >= RESTARTS_MAX {
            tracing::error!("instance {who} of model '{model}' panicked too often and is given up");
            return None;
        }
        self.restarts.push_back(now);
        tracing::error!("instance {who} of model '{model}' panicked; its batch failed; restarting");
        match self.model.spawn(self.spec) {
            Ok(instance) => Some(instance),
            Err(error) => {
                tracing::error!("instance {who} of model '{model}' cannot be restarted: {error}");
                None
            }
        }
    }
}

/// An instance's duty to ask the queue. Dropping tells the queue that nobody will ask any more,
/// also when making the next instance panics.
struct Retire<P: Park> {
    queue: Arc<Queue<P>>,
    who: InstanceId,
}

impl<P: Park> Drop for Retire<P> {
    fn drop(&mut self) {
        self.queue.retire(self.who);
    }
}

/// A batch's right to be in flight. Dropping returns it, so that a panic returns it too.
struct Ticket<P: Park> {
    queue: Arc<Queue<P>>,
    who: InstanceId,
}

impl<P: Park> Drop for Ticket<P> {
    fn drop(&mut self) {
        self.queue.done(self.who);
    }
}

#[cfg(test)]
mod tests;
