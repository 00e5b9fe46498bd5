//! From a model's folder to versions whose instances run, but which nobody sees yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use nereid_backend::backend::{Backend, Model};
use nereid_backend::error::LoadError;
use nereid_backend::reshape::Reshape;
use nereid_backend::spec::ModelSpec;
use nereid_kernels::reaper::Reaper;
use nereid_model_repository::definition::{Definition, Ensembling, Scheduling};
use nereid_model_repository::layout::ModelFolder;
use nereid_model_repository::read::Reader;

use crate::dynamic_batcher::DynamicBatcher;
use crate::ensemble::Ensemble;
use crate::ensemble::graph::Graph;
use crate::instance::start_instance;
use crate::park::SystemPark;
use crate::queue::Queue;
use crate::registry::{Catalog, Served};
use crate::reshaped::Reshaped;
use crate::statistics::Statistics;

/// What instances are made of, and who waits for their devices: all are on the host for now.
pub(super) struct Engines {
    pub(super) reader: Reader,
    pub(super) reaper: Reaper,
    /// Makes the counters of a version.
    pub(super) statistics: fn() -> Statistics,
}

/// A version that can be published, or an ensemble that must wait for its parts.
pub(super) enum Version {
    Loaded(Loaded),
    Ensemble(Box<Definition>, Ensembling),
}

/// What became of each version of a model.
pub(super) type Versions = Vec<(u64, Result<Version, LoadError>)>;

/// A version whose instances run. Unless it is published, dropping it ends them.
pub(super) struct Loaded {
    served: Arc<Served>,
    threads: Vec<JoinHandle<()>>,
    is_published: bool,
}

impl Loaded {
    fn new(served: Served) -> Self {
        Self { served: Arc::new(served), threads: Vec::new(), is_published: false }
    }

    /// What is to be published, and the threads that end when it is closed.
    pub(super) fn publish(mut self) -> (Arc<Served>, Vec<JoinHandle<()>>) {
        self.is_published = true;
        (self.served.clone(), std::mem::take(&mut self.threads))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if !self.is_published {
            self.served.route.close();
        }
    }
}

/// Loads the versions that the folder's policy chooses. A panic of an engine fails the model.
///
/// # Errors
/// When the folder's configuration is wrong, whatever the version.
pub(super) fn load_folder(folder: &ModelFolder, engines: &Engines) -> Result<Versions, LoadError> {
    let load = AssertUnwindSafe(|| load_versions(folder, engines));
    catch_unwind(load)
        .unwrap_or_else(|_| Err(LoadError::new("loading it panicked; the log has the reason")))
}

fn load_versions(folder: &ModelFolder, engines: &Engines) -> Result<Versions, LoadError> {
    let started = Instant::now();
    tracing::info!("loading: {}", folder.name);
    let mut versions = Vec::new();
    for definition in engines.reader.read(folder)? {
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
        Scheduling::Ensemble(ensembling) => {
            let ensembling = ensembling.clone();
            return Ok(Version::Ensemble(Box::new(definition), ensembling));
        }
        Scheduling::Queue { backend, batching } => (*backend, batching.clone()),
    };
    let backend = engines.reader.backends.iter().find(|known| known.name() == backend);
    let backend = backend.ok_or_else(|| LoadError::new("its backend is gone"))?;
    let spec = definition.spec.clone();
    let model = load_model(backend.as_ref(), &spec)?;
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

fn load_model(backend: &dyn Backend, spec: &Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
    let Some(reshape) = Reshape::of(spec) else { return backend.load(spec.clone()) };
    let model = backend.load(Arc::new(spec.as_the_engine_has_it()))?;
    Ok(Arc::new(Reshaped { model, reshape: Arc::new(reshape) }))
}

/// Makes an ensemble of models that are ready.
///
/// # Errors
/// What its steps lack, or do not fit.
pub(super) fn load_ensemble(
    definition: &Definition,
    ensembling: &Ensembling,
    catalog: &Catalog,
    engines: &Engines,
) -> Result<Loaded, LoadError> {
    let since = Instant::now();
    let graph = Graph::new(&definition.spec, &ensembling.steps, |target| {
        catalog.ready(target).ok().map(|served| &*served.definition.spec)
    })?;
    let definition = definition.clone();
    let statistics = Arc::new((engines.statistics)());
    let route = Arc::new(Ensemble::new(graph, ensembling.requests_max, statistics.clone()));
    statistics.loaded_in(since.elapsed());
    Ok(Loaded::new(Served { definition, route, statistics }))
}
