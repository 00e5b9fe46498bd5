//! Brings models up and down: the registry's only writer.
//!
//! One thread owns the registry and takes commands and their outcomes one after the other. Weights
//! are read beside it, several models at a time; a model that is busy keeps its next command
//! waiting, and nobody else's. Ensembles come up when their steps' models are there.
//!
//! A version that is replaced serves until its successor is published, and finishes what it has. A
//! load that fails leaves what serves alone.

mod control;
mod ending;
mod ensembles;
mod loading;
mod poll;
mod source;

pub use control::{Control, ControlError};
pub use loading::Engines;
pub use poll::{Poll, Polling};
pub use source::Overrides;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use nereid_backend::error::LoadError;
use nereid_model_repository::definition::{Definition, Ensembling};
use nereid_model_repository::layout;
use tokio::sync::oneshot;

use crate::instance::Started;
use crate::lifecycle::loading::{Version, Versions, load_folder};
use crate::lifecycle::source::Source;
use crate::registry::{Registry, Status};

/// What Triton says where clients may not load or unload.
pub const NOT_ALLOWED: &str = "explicit model load / unload is not allowed if polling is enabled";

/// What Triton says to who names one of several repositories.
pub const NO_NAMED_REPOSITORY: &str = "'repository_name' specification is not supported";

/// Why an index entry is there though it serves nothing: Triton's word, by which readiness knows
/// that this is as it should be.
pub const UNLOADED: &str = "unloaded";

/// Most commands to one model that wait while it is busy.
pub const COMMANDS_MAX: usize = 64;

/// Starts the thread that owns `registry`. It ends when the last [`Control`] is dropped, or at
/// [`Control::stop`]. At most `loads_max` models, at least one, are loaded at the same time.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start(
    engines: Engines,
    repositories: Vec<PathBuf>,
    loads_max: usize,
    registry: Registry,
) -> io::Result<Control> {
    let (sender, events) = unbounded();
    let lifecycle = Lifecycle {
        engines: Arc::new(engines),
        repositories,
        registry,
        models: BTreeMap::new(),
        ready: VecDeque::new(),
        loads: 0,
        loads_max: loads_max.max(1),
        ensembles: Vec::new(),
        draining: 0,
        stopping: None,
        events: sender.clone(),
    };
    Builder::new().name("lifecycle".to_owned()).spawn(move || lifecycle.run(&events))?;
    Ok(Control::new(sender))
}

/// Answers whoever gave a command.
type Reply<T> = oneshot::Sender<T>;

/// What the thread is told.
enum Event {
    /// Which models there are.
    List(Reply<Result<Vec<String>, LoadError>>),
    /// Bring this model up, or up again.
    Load(Wish),
    /// Take it down, and the models of its steps with it if that is asked.
    Unload { model: String, with_steps: bool },
    /// A load that was started has ended.
    Ended(Load, Result<Versions, LoadError>),
    /// The instances of a version have ended.
    Drained { model: String, version: u64 },
    /// Take everything down, and answer when all instances have ended.
    Stop(Reply<()>),
}

/// A load that somebody wants.
struct Wish {
    model: String,
    overrides: Overrides,
    reply: Reply<Result<(), ControlError>>,
}

/// A load that goes on.
struct Load {
    model: String,
    source: Source,
    reply: Reply<Result<(), ControlError>>,
}

/// A version that did not come up.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number; 0 when the model has none that could be named.
    pub version: u64,
    /// Why.
    pub error: LoadError,
}

#[derive(Default)]
struct Model {
    /// Whether a load of it goes on.
    is_busy: bool,
    /// What waits until that has ended.
    waiting: VecDeque<Event>,
    /// What serves was loaded from here; files that came with a load live as long as it does.
    source: Option<Source>,
    /// Of an ensemble that did not come up, the models of its steps: any of them may have been the
    /// reason, so it is tried again when one of them is loaded.
    awaited: Vec<String>,
    /// The instances of each version that serves.
    instances: BTreeMap<u64, Vec<Started>>,
}

impl Model {
    /// Keeps a load until the one that goes on has ended.
    fn load_later(&mut self, wish: Wish) {
        if self.waiting.len() < COMMANDS_MAX {
            return self.waiting.push_back(Event::Load(wish));
        }
        let _nobody_waits = wish.reply.send(Err(ControlError::Busy(wish.model)));
    }

    /// As [`Model::load_later`]. Nobody is answered whether it was done, so it is never refused; one
    /// behind another is the same.
    fn unload_later(&mut self, model: String, with_steps: bool) {
        if let Some(Event::Unload { with_steps: before, .. }) = self.waiting.back_mut() {
            *before |= with_steps;
        } else {
            self.waiting.push_back(Event::Unload { model, with_steps });
        }
    }
}

/// An ensemble whose steps are not all there yet.
struct Waiting {
    load: Load,
    ensembles: Vec<(Box<Definition>, Ensembling)>,
    failures: Vec<Failure>,
}

struct Lifecycle {
    engines: Arc<Engines>,
    repositories: Vec<PathBuf>,
    registry: Registry,
    models: BTreeMap<String, Model>,
    /// Loads that may start as soon as others have ended.
    ready: VecDeque<Load>,
    loads: usize,
    loads_max: usize,
    ensembles: Vec<Waiting>,
    /// Versions whose instances are still ending.
    draining: usize,
    stopping: Option<Reply<()>>,
    events: Sender<Event>,
}

impl Lifecycle {
    fn run(mut self, events: &Receiver<Event>) {
        for event in events {
            self.handle(event);
            if self.draining == 0
                && let Some(reply) = self.stopping.take()
            {
                let _nobody_waits = reply.send(());
                return;
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::List(reply) => {
                let folders = layout::models(&self.repositories);
                let names = folders.map(|all| all.into_iter().map(|folder| folder.name).collect());
                let _nobody_waits = reply.send(names);
            }
            Event::Load(wish) => self.load(wish),
            Event::Unload { model, with_steps } => self.unload(model, with_steps),
            Event::Ended(load, loaded) => self.ended(load, loaded),
            Event::Drained { model, version } => self.drained(&model, version),
            Event::Stop(reply) => self.stop(reply),
        }
    }

    fn load(&mut self, wish: Wish) {
        if self.stopping.is_some() {
            return; // Dropping the reply says so.
        }
        if let Some(known) = self.models.get_mut(&wish.model)
            && known.is_busy
        {
            known.load_later(wish);
            return;
        }
        let Wish { model, overrides, reply } = wish;
        let source = match Source::find(&self.repositories, &model, overrides) {
            Ok(source) => source,
            Err(error) => {
                tracing::error!("failed to load '{model}': {error}");
                let _nobody_waits = reply.send(Err(ControlError::NoSuchModel(model)));
                return;
            }
        };
        let known = self.models.entry(model.clone()).or_default();
        known.is_busy = true;
        known.awaited.clear();
        if self.registry.catalog().ready_versions(&model).is_empty() {
            self.registry.set(&model, 0, Status::Loading);
        }
        self.ready.push_back(Load { model, source, reply });
        self.start_loads();
    }

    fn start_loads(&mut self) {
        while self.loads < self.loads_max
            && let Some(load) = self.ready.pop_front()
        {
            self.loads += 1;
            let (engines, events) = (self.engines.clone(), self.events.clone());
            let model = load.model.clone();
            // A thread that cannot start drops the reply, which tells the client.
            let started = Builder::new().name(format!("load-{model}")).spawn(move || {
                let loaded = load_folder(load.source.folder(), &engines);
                let _stopped = events.send(Event::Ended(load, loaded));
            });
            if let Err(error) = started {
                let error = LoadError::new(format!("cannot start a thread that loads it: {error}"));
                tracing::error!("failed to load '{model}': {error}");
                self.loads -= 1;
                self.models.entry(model.clone()).or_default().is_busy = false;
                self.note_failure(&model, 0, &error);
            }
        }
    }

    /// Publishes what has come up, and lets what it replaces finish.
    fn ended(&mut self, load: Load, loaded: Result<Versions, LoadError>) {
        self.loads -= 1;
        if self.stopping.is_some() {
            return; // Dropping what was loaded ends its instances.
        }
        let mut failures = Vec::new();
        let mut ensembles = Vec::new();
        let mut wanted = Vec::new();
        match loaded {
            Err(error) => failures.push(Failure { version: 0, error }),
            Ok(versions) => {
                for (version, loaded) in versions {
                    wanted.push(version);
                    match loaded {
                        Ok(Version::Loaded(loaded)) => self.publish(&load.model, version, loaded),
                        Ok(Version::Ensemble(definition, steps)) => {
                            ensembles.push((definition, steps));
                        }
                        Err(error) => failures.push(Failure { version, error }),
                    }
                }
                self.retire_others(&load.model, &wanted);
            }
        }
        self.load_steps(&ensembles);
        let waiting = Waiting { load, ensembles, failures };
        if waiting.ensembles.is_empty() {
            self.answer(waiting);
        } else {
            self.ensembles.push(waiting);
        }
        self.start_loads();
        self.load_ensembles();
    }

    /// The end of a load: tells its outcome, and begins what waited for it.
    fn answer(&mut self, ended: Waiting) {
        let Waiting { load, failures, .. } = ended;
        let Load { model: name, source, reply } = load;
        for Failure { version, error } in &failures {
            for line in error.to_string().lines() {
                tracing::error!("failed to load '{name}': {line}");
            }
            self.note_failure(&name, *version, error);
        }
        let model = self.models.entry(name.clone()).or_default();
        model.is_busy = false;
        let waiting = std::mem::take(&mut model.waiting);
        let result = if failures.is_empty() {
            model.source = Some(source);
            self.load_ensembles_of(&name);
            Ok(())
        } else {
            Err(ControlError::Failed { model: name, failures })
        };
        let _nobody_waits = reply.send(result);
        // Each may make it busy again; then the rest wait anew.
        for event in waiting {
            self.handle(event);
        }
    }

    /// Shows the reason, unless an older version of the same number goes on serving.
    fn note_failure(&mut self, model: &str, version: u64, error: &LoadError) {
        let ready = self.registry.catalog().ready_versions(model);
        let goes_on = if version == 0 { !ready.is_empty() } else { ready.contains(&version) };
        if !goes_on {
            let reason = error.to_string();
            self.registry.set(model, version, Status::Unavailable(reason.as_str().into()));
        }
    }
}

#[cfg(test)]
mod tests;
