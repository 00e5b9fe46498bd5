//! Brings the models of the repository up, and down again at shutdown: the registry's writer side.
//!
//! Models are loaded at the same time, ensembles after them in the order of their dependencies. A
//! model that fails is listed with its reason and disturbs no other.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use nereid_backend::backend::Backend;
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_kernels::reaper::Reaper;
use nereid_model_repository::definition::{Definition, Scheduling, Step};
use nereid_model_repository::layout::{self, ModelFolder};
use nereid_model_repository::read;

use crate::dynamic_batcher::DynamicBatcher;
use crate::ensemble::Ensemble;
use crate::ensemble::graph::Graph;
use crate::instance::start_instance;
use crate::park::SystemPark;
use crate::queue::Queue;
use crate::registry::{Catalog, Registry, Served, Status};
use crate::statistics::Statistics;

/// Loads models into a registry.
pub struct Loader {
    engines: Engines,
    registry: Registry,
    threads: Vec<JoinHandle<()>>,
}

/// What instances are made of, and who waits for their devices: all are on the host for now.
struct Engines {
    backends: Vec<Arc<dyn Backend>>,
    reaper: Reaper,
    /// Makes the counters of a version.
    statistics: fn() -> Statistics,
}

/// The outcome of one version, for the log's table.
struct Outcome {
    model: String,
    version: String,
    status: String,
}

impl Loader {
    /// A loader with these engines, which writes into `registry`; `statistics` makes the counters
    /// of each version.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn new(
        backends: Vec<Arc<dyn Backend>>,
        registry: Registry,
        statistics: fn() -> Statistics,
    ) -> io::Result<Self> {
        let reaper = Reaper::start(DeviceId::Cpu)?;
        let engines = Engines { backends, reaper, statistics };
        Ok(Self { engines, registry, threads: Vec::new() })
    }

    /// Loads every model of `repositories`, up to `at_once` at the same time. Returns how many
    /// versions have failed; their reasons are in the log and in the repository index.
    ///
    /// # Errors
    /// When a repository cannot be read.
    pub fn load_all(
        &mut self,
        repositories: &[PathBuf],
        at_once: usize,
    ) -> Result<usize, LoadError> {
        let folders = layout::models(repositories)?;
        for folder in &folders {
            self.registry.set(&folder.name, 0, Status::Loading);
        }
        let mut outcomes = Vec::new();
        let mut ensembles = Vec::new();
        for (folder, loaded) in self.load_folders(&folders, at_once) {
            let versions = match loaded {
                Ok(versions) => versions,
                Err(error) => vec![(0, Err(error))],
            };
            for (version, loaded) in versions {
                match loaded {
                    Err(error) => outcomes.push(self.failed(&folder.name, version, &error)),
                    Ok(Version::Loaded(loaded)) => outcomes.push(self.publish(loaded)),
                    Ok(Version::Ensemble(ensemble, steps)) => ensembles.push((*ensemble, steps)),
                }
            }
        }
        self.load_ensembles(ensembles, &mut outcomes);
        let failed = outcomes.iter().filter(|outcome| outcome.status != "READY").count();
        log_table(outcomes);
        Ok(failed)
    }

    /// Lets every model finish what it has, and waits for its instances to end.
    pub fn unload_all(&mut self) {
        let ready: Vec<_> = self
            .registry
            .catalog()
            .served()
            .map(|served| (served.definition.spec.name.clone(), served.definition.spec.version))
            .collect();
        for (name, version) in ready {
            self.registry.set(&name, version, Status::Unloading);
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an instance's thread ended by a panic");
            }
        }
    }

    fn load_folders<'f>(
        &self,
        folders: &'f [ModelFolder],
        at_once: usize,
    ) -> Vec<(&'f ModelFolder, Result<Versions, LoadError>)> {
        let left = Mutex::new(folders.iter());
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
        let load = || {
            let mut loaded = Vec::new();
            while let Some(folder) = next() {
                let load = AssertUnwindSafe(|| load_folder(folder, &self.engines));
                let panicked = || LoadError::new("loading it panicked; the log has the reason");
                loaded.push((folder, catch_unwind(load).unwrap_or_else(|_| Err(panicked()))));
            }
            loaded
        };
        let threads = at_once.clamp(1, folders.len().max(1));
        let mut loaded = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(load)).collect();
            let results = workers.into_iter().filter_map(|worker| worker.join().ok());
            results.flatten().collect::<Vec<_>>()
        });
        loaded.sort_by(|(one, _), (two, _)| one.name.cmp(&two.name));
        loaded
    }

    fn publish(&mut self, mut loaded: Loaded) -> Outcome {
        let spec = &loaded.served.definition.spec;
        let (name, version) = (spec.name.to_string(), spec.version);
        self.threads.append(&mut loaded.threads);
        loaded.is_published = true;
        self.registry.set(&name, version, Status::Ready(loaded.served.clone()));
        Outcome { model: name, version: version.to_string(), status: "READY".to_owned() }
    }

    fn failed(&mut self, model: &str, version: u64, error: &LoadError) -> Outcome {
        let reason = error.to_string();
        for line in reason.lines() {
            tracing::error!("failed to load '{model}': {line}");
        }
        self.registry.set(model, version, Status::Unavailable(reason.as_str().into()));
        let version = if version == 0 { "-".to_owned() } else { version.to_string() };
        let status = format!("UNAVAILABLE: {}", reason.replace('\n', "; "));
        Outcome { model: model.to_owned(), version, status }
    }

    /// Those whose models are all there, again and again, until no more come up.
    fn load_ensembles(
        &mut self,
        mut ensembles: Vec<(Definition, Vec<Step>)>,
        outcomes: &mut Vec<Outcome>,
    ) {
        loop {
            let before = ensembles.len();
            let mut waiting = Vec::new();
            for (definition, steps) in ensembles {
                let since = Instant::now();
                match build_ensemble(&definition, &steps, self.registry.catalog()) {
                    Ok(graph) => {
                        let statistics = Arc::new((self.engines.statistics)());
                        statistics.loaded_in(since.elapsed());
                        let loaded = loaded_ensemble(definition, graph, statistics);
                        outcomes.push(self.publish(loaded));
                    }
                    Err(error) => waiting.push((definition, steps, error)),
                }
            }
            if waiting.len() == before {
                for (definition, _, error) in waiting {
                    let spec = &definition.spec;
                    outcomes.push(self.failed(&spec.name, spec.version, &error));
                }
                return;
            }
            ensembles =
                waiting.into_iter().map(|(definition, steps, _)| (definition, steps)).collect();
        }
    }
}

/// A version that can be published, or an ensemble that must wait for its parts.
enum Version {
    Loaded(Loaded),
    Ensemble(Box<Definition>, Vec<Step>),
}

/// What became of each version of a model.
type Versions = Vec<(u64, Result<Version, LoadError>)>;

/// A version whose instances run. Unless it is published, dropping it ends them.
struct Loaded {
    served: Arc<Served>,
    threads: Vec<JoinHandle<()>>,
    is_published: bool,
}

impl Loaded {
    fn new(served: Served) -> Self {
        Self { served: Arc::new(served), threads: Vec::new(), is_published: false }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if !self.is_published {
            self.served.route.close();
        }
    }
}

fn load_folder(folder: &ModelFolder, engines: &Engines) -> Result<Versions, LoadError> {
    let started = Instant::now();
    tracing::info!("loading: {}", folder.name);
    let mut versions = Vec::new();
    for definition in read::read(folder, &engines.backends)? {
        for warning in &definition.warnings {
            tracing::warn!("{}: {warning}", folder.name);
        }
        let version = definition.spec.version;
        versions.push((version, load_version(definition, engines)));
    }
    let took = started.elapsed();
    tracing::info!("loaded: {} in {:.0} ms", folder.name, took.as_secs_f64() * 1e3);
    Ok(versions)
}

fn load_version(definition: Definition, engines: &Engines) -> Result<Version, LoadError> {
    let since = Instant::now();
    let (backend, batching) = match &definition.scheduling {
        Scheduling::Ensemble(steps) => {
            let steps = steps.clone();
            return Ok(Version::Ensemble(Box::new(definition), steps));
        }
        Scheduling::Queue { backend, batching } => (*backend, batching.clone()),
    };
    let backend = engines.backends.iter().find(|known| known.name() == backend);
    let backend = backend.ok_or_else(|| LoadError::new("its backend is gone"))?;
    let spec = definition.spec.clone();
    let model = backend.load(spec.clone())?;
    let statistics = Arc::new((engines.statistics)());
    let count = spec.instances.len();
    let batcher = DynamicBatcher::new(batching, count, statistics.clone());
    let parks = (0..count).map(|_| SystemPark::default()).collect();
    let queue = Queue::new(spec.name.clone(), statistics.clone(), Box::new(batcher), parks);
    let mut loaded = Loaded::new(Served { definition, route: queue.clone(), statistics });
    for &instance in &spec.instances {
        let started =
            start_instance(queue.clone(), model.clone(), instance, engines.reaper.clone());
        loaded.threads.push(started.map_err(|error| {
            LoadError::new(format!("instance {} does not start: {error}", instance.id.0))
        })?);
    }
    loaded.served.statistics.loaded_in(since.elapsed());
    Ok(Version::Loaded(loaded))
}

fn build_ensemble(
    definition: &Definition,
    steps: &[Step],
    catalog: &Catalog,
) -> Result<Graph, LoadError> {
    Graph::new(&definition.spec, steps, |target| {
        catalog.ready(target).ok().map(|served| &*served.definition.spec)
    })
}

fn loaded_ensemble(definition: Definition, graph: Graph, statistics: Arc<Statistics>) -> Loaded {
    let route = Arc::new(Ensemble::new(graph, statistics.clone()));
    Loaded::new(Served { definition, route, statistics })
}

fn log_table(mut outcomes: Vec<Outcome>) {
    outcomes.sort_by(|one, two| one.model.cmp(&two.model));
    let width =
        |of: fn(&Outcome) -> &str| outcomes.iter().map(|row| of(row).len()).max().unwrap_or(0);
    let (model, version) = (width(|row| &row.model).max(5), width(|row| &row.version).max(7));
    let row =
        |one: &str, two: &str, three: &str| format!("{one:model$} | {two:version$} | {three}");
    let mut lines = vec![row("Model", "Version", "Status")];
    lines.extend(outcomes.iter().map(|known| row(&known.model, &known.version, &known.status)));
    tracing::info!("models:\n{}", lines.join("\n"));
}
