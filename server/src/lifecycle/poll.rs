//! Looks for changes in the repositories at an interval, on a thread of its own, and gives the
//! commands that follow from them.

use std::io;
use std::path::PathBuf;
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nereid_backend::error::LoadError;
use nereid_model_repository::watch::{Change, Watch, scan};

use crate::lifecycle::Control;

/// Repositories, and what was seen of them last.
pub struct Poll {
    repositories: Vec<PathBuf>,
    watch: Watch,
    names: Vec<String>,
    /// Why the last look failed.
    failure: Option<LoadError>,
}

/// Ends the thread when it is dropped, at once: a scan that goes on has no effect any more.
pub struct Polling {
    _ends: Sender<()>,
}

impl Poll {
    /// Takes a first look: what changes from now on is a change, also while models are loaded.
    ///
    /// # Errors
    /// When a repository cannot be read.
    pub fn new(repositories: Vec<PathBuf>) -> Result<Self, LoadError> {
        let first = scan(&repositories)?;
        let names = first.keys().cloned().collect();
        Ok(Self { repositories, watch: Watch::new(first), names, failure: None })
    }

    /// The models that were there at first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Starts the thread that looks every `interval` and tells `control`.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(mut self, interval: Duration, control: Control) -> io::Result<Polling> {
        let (ends, end) = bounded(0);
        Builder::new().name("poll".to_owned()).spawn(move || {
            while goes_on(&end, interval) {
                self.look(&control, &end);
            }
        })?;
        Ok(Polling { _ends: ends })
    }

    fn look(&mut self, control: &Control, end: &Receiver<()>) {
        let changes = self.changes();
        if goes_on(end, Duration::ZERO) {
            for change in changes {
                command(control, change);
            }
        }
    }

    /// What has changed; nothing while a repository cannot be read, for its models may be there.
    fn changes(&mut self) -> Vec<Change> {
        match scan(&self.repositories) {
            Ok(now) => {
                self.failure = None;
                self.watch.changes(now)
            }
            Err(error) => {
                if self.failure.as_ref() != Some(&error) {
                    tracing::error!("repository poll: {error}");
                }
                self.failure = Some(error);
                Vec::new()
            }
        }
    }
}

fn goes_on(end: &Receiver<()>, interval: Duration) -> bool {
    end.recv_timeout(interval) == Err(RecvTimeoutError::Timeout)
}

fn command(control: &Control, change: Change) {
    match change {
        Change::Added(model) => {
            tracing::info!("repository poll: model '{model}' is new");
            control.reload(&model);
        }
        Change::Changed(model) => {
            tracing::info!("repository poll: model '{model}' has changed");
            control.reload(&model);
        }
        Change::Removed(model) => {
            tracing::info!("repository poll: model '{model}' is gone");
            control.unload(&model, false);
        }
        Change::Unknown(model, error) => {
            tracing::warn!("repository poll: model '{model}' stays as it is: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nothing_changes_until_a_repository_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let [here, away] = ["here", "away"].map(|name| folder.path().join(name));
        fs::create_dir_all(here.join("m/1")).unwrap();
        let mut poll = Poll::new(vec![here.clone()]).unwrap();
        assert_eq!(poll.names(), ["m"]);

        fs::rename(&here, &away).unwrap();
        for _ in 0..3 {
            assert_eq!(poll.changes(), []);
            let failure = poll.failure.as_ref().unwrap().to_string();
            assert!(failure.contains(&*here.to_string_lossy()), "{failure}");
        }
        fs::rename(&away, &here).unwrap();
        for _ in 0..3 {
            assert_eq!((poll.changes(), &poll.failure), (Vec::new(), &None));
        }
        // It is what looks see that makes a change, so this one is told.
        fs::remove_dir_all(here.join("m")).unwrap();
        let changes: Vec<_> = (0..3).flat_map(|_| poll.changes()).collect();
        assert_eq!(changes, [Change::Removed("m".to_owned())]);
    }
}
