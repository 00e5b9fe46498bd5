//! What changes in repositories: folders are looked at from time to time, and what two looks in a
//! row agree on is a change.
//!
//! Who copies a model takes a while, and a reload in between would read half of it. So a model is
//! left alone until two scans see the same files of the same sizes and times; this also bridges the
//! moment in which a folder is missing because another is moved into its place.

mod scan;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use nereid_backend::error::LoadError;

pub use self::scan::{DEPTH_MAX, FILES_MAX, scan};

/// What the repositories held at one moment: the models by name.
pub type Scan = BTreeMap<String, Result<Look, LoadError>>;

/// What one look at a model's folder saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The model's folder.
    pub path: PathBuf,
    /// All that is in it, by the path in it.
    pub entries: BTreeMap<PathBuf, Entry>,
}

/// What is seen of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder; times of folders say nothing that their entries do not.
    Folder,
    /// Anything else.
    File {
        /// When it was written; `None` where the file system does not tell.
        modified: Option<SystemTime>,
        /// Its length.
        size_bytes: u64,
    },
}

/// What became of a model's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A model is there that was not.
    Added(String),
    /// Its files are others than when it was last told.
    Changed(String),
    /// It is gone.
    Removed(String),
    /// It cannot be looked at, so nothing is known of it; told once for each reason.
    Unknown(String, LoadError),
}

/// Compares scans.
#[derive(Debug)]
pub struct Watch {
    /// What the last change of each model was told of; `None` if only that it is there.
    told: BTreeMap<String, Option<Look>>,
    before: Scan,
}

impl Watch {
    /// Changes from `first` on.
    pub fn new(first: Scan) -> Self {
        let told = first.iter().map(|(name, look)| (name.clone(), look.as_ref().ok().cloned()));
        Self { told: told.collect(), before: first }
    }

    /// What has changed, by the scan before and `now` alike. Each change is told once, whatever
    /// comes of it.
    pub fn changes(&mut self, now: Scan) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, look) in &now {
            match look {
                Ok(look) if self.is_news(name, look) => {
                    let told = self.told.insert(name.clone(), Some(look.clone()));
                    let change = if told.is_some() { Change::Changed } else { Change::Added };
                    changes.push(change(name.clone()));
                }
                Err(error) if self.before.get(name) != Some(&Err(error.clone())) => {
                    changes.push(Change::Unknown(name.clone(), error.clone()));
                }
                _ => {}
            }
        }
        let is_gone = |name: &str| !now.contains_key(name) && !self.before.contains_key(name);
        let gone: Vec<_> = self.told.extract_if(.., |name, _| is_gone(name)).collect();
        changes.extend(gone.into_iter().map(|(name, _)| Change::Removed(name)));
        self.before = now;
        changes
    }

    /// Whether two scans agree on this, and it was not told.
    fn is_news(&self, name: &str, look: &Look) -> bool {
        let is_settled = matches!(self.before.get(name), Some(Ok(before)) if before == look);
        let told = self.told.get(name).and_then(Option::as_ref);
        is_settled && told != Some(look)
    }
}

#[cfg(test)]
mod tests;
