//! What is read from files, and read anew when they change: by looking at them at an interval, which
//! works on every file system, and with the links that Kubernetes exchanges.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use nereid_backend::error::LoadError;
use tokio::time::MissedTickBehavior;

/// How often files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A value from files: the newest that could be read.
pub struct Live<T> {
    name: String,
    paths: Vec<PathBuf>,
    read: Box<dyn Fn() -> Result<T, LoadError> + Send + Sync>,
    current: ArcSwap<T>,
    seen: Mutex<Seen>,
}

/// Something that can be up to date.
pub trait Look: Send + Sync {
    /// Looks at the files once. A change counts when two looks agree, so that a file which is being
    /// written, or a certificate whose key is still to come, is not taken for one that is wrong.
    fn look(&self);
}

/// What the files were.
struct Seen {
    read: Vec<Option<Stamp>>,
    last: Vec<Option<Stamp>>,
}

/// What tells a file's content from another's: inode, size, and nanoseconds of both of its times.
type Stamp = (u64, u64, [i64; 4]);

impl<T: Send + Sync + 'static> Live<T> {
    /// Reads `paths` by `read`; messages call them `name`.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn new(
        name: impl Into<String>,
        paths: Vec<PathBuf>,
        read: impl Fn() -> Result<T, LoadError> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, LoadError> {
        // Before they are read: a change meanwhile is seen.
        let now = stamps(&paths);
        let current = ArcSwap::from_pointee(read()?);
        let seen = Mutex::new(Seen { read: now.clone(), last: now });
        Ok(Arc::new(Self { name: name.into(), paths, read: Box::new(read), current, seen }))
    }

    /// The value.
    pub fn get(&self) -> Arc<T> {
        self.current.load_full()
    }
}

impl<T: Send + Sync + 'static> Look for Live<T> {
    fn look(&self) {
        let now = stamps(&self.paths);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let is_settled = seen.last == now;
            seen.last.clone_from(&now);
            if !is_settled || seen.read == now {
                return;
            }
            seen.read = now;
        }
        match (self.read)() {
            Ok(value) => {
                self.current.store(Arc::new(value));
                tracing::info!("{} changed and was read anew", self.name);
            }
            Err(error) => {
                tracing::error!(
                    "{} changed and cannot be used, the one from before stays: {error}",
                    self.name
                );
            }
        }
    }
}

/// Keeps all of them up to date, until it is dropped.
pub async fn watch(all: Vec<Arc<dyn Look>>) {
    let all: Arc<[_]> = all.into();
    let mut interval = tokio::time::interval(LOOK_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let all = all.clone();
        // Files may be on a network.
        let looked = tokio::task::spawn_blocking(move || all.iter().for_each(|one| one.look()));
        if let Err(error) = looked.await {
            tracing::error!("a look for changed certificates and keys failed: {error}");
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
        Some((file.ino(), file.size(), times))
    };
    paths.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number from a file.
    fn number(path: &std::path::Path) -> Arc<Live<u32>> {
        let from = path.to_owned();
        let read = move || {
            let text = fs::read_to_string(&from).map_err(|error| LoadError::new(error.to_string()));
            text?.parse().map_err(|_| LoadError::new("expected a number"))
        };
        Live::new("the number", vec![path.to_owned()], read).unwrap()
    }

    #[test]
    fn a_change_counts_when_two_looks_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        fs::write(&path, "1").unwrap();
        let live = number(&path);
        live.look();
        assert_eq!(*live.get(), 1);
        fs::write(&path, "23").unwrap();
        live.look();
        assert_eq!(*live.get(), 1, "it may still be written");
        live.look();
        assert_eq!(*live.get(), 23);
    }

    #[test]
    fn what_cannot_be_read_changes_nothing_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        fs::write(&path, "1").unwrap();
        let live = number(&path);
        let looks = |content: Option<&str>| {
            match content {
                Some(content) => fs::write(&path, content).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            live.look();
            live.look();
            *live.get()
        };
        assert_eq!(looks(Some("none")), 1);
        assert_eq!(looks(None), 1);
        assert_eq!(looks(Some("4")), 4);
    }
}
