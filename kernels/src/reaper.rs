//! One thread for each device that waits for the ends of batches and frees the device's memory,
//! so that only instance threads and this one ever call a driver.
//!
//! Not a host callback of the driver's: those may not call the driver, and never run once the
//! context is in error. Not one blocking wait after the other: a model of 300 ms would hold up the
//! answers of one of 3 ms. The reaper asks all in turn, and naps between rounds.
//!
//! A panic in what it calls fails one batch, never the device.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use nereid_backend::backend::{Completion, Finish};
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;

/// Bounds of a nap. Between them it is a sixteenth of the time that the youngest batch has run, so
/// waiting adds a sixteenth at most, and a long batch costs few questions.
const NAP_MIN: Duration = Duration::from_micros(20);
const NAP_MAX: Duration = Duration::from_millis(1);

/// Sends work to a device's reaper, which ends when the last of these is dropped and all that it
/// watches has ended. The channel has no bound of its own: batches in flight and device memory
/// bound what can be in it.
#[derive(Clone)]
pub struct Reaper {
    jobs: Sender<Job>,
    ended: Receiver<()>,
}

impl Reaper {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(device: DeviceId) -> io::Result<Self> {
        let (sender, jobs) = unbounded();
        let (end, ended) = bounded::<()>(0);
        Builder::new().name(format!("reaper-{device}")).spawn(move || {
            reap(&jobs);
            drop(end);
        })?;
        Ok(Self { jobs: sender, ended })
    }

    /// Tells when the thread has ended; holds nothing that it waits for.
    pub fn ended(&self) -> Ended {
        Ended(self.ended.clone())
    }

    /// Calls `finish` on the reaper's thread once `completion` is there.
    pub fn watch(&self, completion: Box<dyn Completion>, finish: Finish) {
        let job = Job::Watch(InFlight { completion, finish, since: Instant::now() });
        let _never_ends_before_us = self.jobs.send(job);
    }

    /// Does the last of a drop on the reaper's thread. Device memory may be dropped by any thread;
    /// its `Drop` hands the handle over to here.
    pub fn free(&self, release: Box<dyn FnOnce() + Send>) {
        let _never_ends_before_us = self.jobs.send(Job::Free(release));
    }
}

/// The end of a reaper's thread.
pub struct Ended(Receiver<()>);

impl Ended {
    /// Waits for it, for at most so long; whether it has come.
    pub fn wait(&self, most: Duration) -> bool {
        matches!(self.0.recv_timeout(most), Err(RecvTimeoutError::Disconnected))
    }
}

enum Job {
    Watch(InFlight),
    Free(Box<dyn FnOnce() + Send>),
}

struct InFlight {
    completion: Box<dyn Completion>,
    finish: Finish,
    since: Instant,
}

fn reap(jobs: &Receiver<Job>) {
    let mut in_flight: Vec<InFlight> = Vec::new();
    loop {
        let job = match in_flight.last() {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(youngest) => {
                let nap = (youngest.since.elapsed() / 16).clamp(NAP_MIN, NAP_MAX);
                jobs.recv_timeout(nap)
            }
        };
        match job {
            Ok(Job::Watch(batch)) => in_flight.push(batch),
            Ok(Job::Free(release)) => contain(release),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if in_flight.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(NAP_MIN),
        }
        finish_ended(&mut in_flight);
    }
}

fn finish_ended(in_flight: &mut Vec<InFlight>) {
    let mut index = 0;
    while let Some(batch) = in_flight.get(index) {
        match poll(&*batch.completion) {
            None => index += 1,
            Some(ended) => {
                let InFlight { completion, finish, .. } = in_flight.remove(index);
                contain(|| finish(ended));
                contain(|| drop(completion));
            }
        }
    }
}

/// A completion that panics will never tell, so its batch ends here, as failed.
fn poll(completion: &dyn Completion) -> Option<Result<(), InferError>> {
    catch_unwind(AssertUnwindSafe(|| completion.poll())).unwrap_or_else(|_logged| {
        let text = "waiting for the device panicked; the server's log has the reason";
        Some(Err(InferError::Backend(text.into())))
    })
}

/// The panic hook has logged a panic by the time it is caught.
fn contain(work: impl FnOnce()) {
    let _logged = catch_unwind(AssertUnwindSafe(work));
}

#[cfg(test)]
mod tests;
