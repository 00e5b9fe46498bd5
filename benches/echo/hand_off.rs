//! To a thread and back, as a request goes to an instance's.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use bytes::Bytes;
use tokio::sync::oneshot;

/// A thread that gives back what it gets.
#[derive(Clone)]
pub(crate) struct HandOff(Sender<Errand>);

type Errand = (Vec<Bytes>, oneshot::Sender<Vec<Bytes>>);

impl HandOff {
    /// Starts the thread; it ends with the last clone.
    pub(crate) fn start() -> Self {
        let (sender, errands) = channel::<Errand>();
        thread::spawn(move || {
            for (data, home) in errands {
                // Whoever went away does not want it.
                let _unheard = home.send(data);
            }
        });
        Self(sender)
    }

    /// Lets `data` go to the thread and come back.
    pub(crate) async fn there_and_back(&self, data: Vec<Bytes>) -> Vec<Bytes> {
        let (home, answer) = oneshot::channel();
        self.0.send((data, home)).expect("the thread waits for more");
        answer.await.expect("the thread answers all")
    }
}
