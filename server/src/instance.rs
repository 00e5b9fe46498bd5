//! An instance's thread: makes it, pulls a batch, starts it, hands its end to the reaper, pulls the next.
//!
//! A panic of the engine fails one batch. The thread then makes a new instance; one that panics
//! too often is given up, and a model that has none left answers that it takes no requests.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use nereid_backend::backend::{Instance, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceId, InstanceSpec};
use nereid_kernels::reaper::Reaper;

use crate::park::Park;
use crate::queue::Queue;

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
    thread: JoinHandle<()>,
    made: Receiver<Result<(), LoadError>>,
}

impl Starting {
    /// Blocks until the instance takes batches; its thread ends when its queue is closed.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn wait(self) -> Result<JoinHandle<()>, StartError> {
        self.made.recv().map_err(|_| StartError::Panicked)??;
        Ok(self.thread)
    }
}

/// Makes an instance of `model` in a thread of its own, where it runs until `queue` closes. So
/// several instances are made, and warmed up, at the same time.
///
/// # Errors
/// [`StartError::Thread`]; whatever else may go wrong, [`Starting::wait`] tells.
pub fn start_instance<P: Park>(
    queue: Arc<Queue<P>>,
    model: Arc<dyn Model>,
    spec: InstanceSpec,
    reaper: Reaper,
) -> Result<Starting, StartError> {
    let name = format!("{}_{}", queue.model(), spec.id.0);
    let worker = Worker { queue, model, spec, reaper, restarts: VecDeque::new() };
    let (told, made) = bounded(1);
    let thread = Builder::new().name(name).spawn(move || worker.work(told))?;
    Ok(Starting { thread, made })
}

struct Worker<P> {
    queue: Arc<Queue<P>>,
    model: Arc<dyn Model>,
    spec: InstanceSpec,
    reaper: Reaper,
    restarts: VecDeque<Instant>,
}

impl<P: Park> Worker<P> {
    fn work(mut self, told: Sender<Result<(), LoadError>>) {
        let _whatever_happens = Retire { queue: self.queue.clone(), who: self.spec.id };
        let (made, mut instance) = match self.model.spawn(self.spec) {
            Ok(first) => (Ok(()), Some(first)),
            Err(error) => (Err(error), None),
        };
        // Whoever does not wait for it does not want to know.
        let _unheard = told.send(made);
        drop(told);
        while let Some(mut alive) = instance.take() {
            // What a panic leaves behind is dropped: the instance, and its batch with it.
            let worked = catch_unwind(AssertUnwindSafe(|| self.serve(alive.as_mut())));
            drop(alive);
            if worked.is_ok() {
                return;
            }
            instance = self.restart();
        }
    }

    /// Runs batches until the queue is closed and drained.
    fn serve(&self, instance: &mut dyn Instance) {
        while let Some(batch) = self.queue.next_batch(self.spec.id) {
            self.run(instance, batch);
        }
    }

    fn run(&self, instance: &mut dyn Instance, batch: Batch) {
        let ticket = Ticket { queue: self.queue.clone(), who: self.spec.id };
        match instance.start(batch) {
            Running::Done => {}
            Running::OnDevice { after, finish } => self.reaper.watch(
                after,
                Box::new(move |ended| {
                    let _returned_last = ticket;
                    finish(ended);
                }),
            ),
        }
    }

    fn restart(&mut self) -> Option<Box<dyn Instance>> {
        let (model, who) = (self.queue.model(), self.spec.id.0);
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
