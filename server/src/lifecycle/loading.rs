//! From a model's folder to versions whose instances run, but which nobody sees yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use nereid_backend::backend::{Backend, Model};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::reshape::Reshape;
use nereid_backend::spec::{InstanceSpec, ModelSpec};
use nereid_kernels::device::Device;
use nereid_model_repository::definition::{Batching, Definition, Ensembling, Scheduling};
use nereid_model_repository::layout::ModelFolder;
use nereid_model_repository::read::Reader;

use crate::dynamic_batcher::DynamicBatcher;
use crate::edge::{Delivered, Edge, Watched};
use crate::ensemble::Ensemble;
use crate::ensemble::graph::Graph;
use crate::ensemble::nesting::Ensembles;
use crate::instance::{Footing, Started, Starting, start_instance};
use crate::park::SystemPark;
use crate::queue::Queue;
use crate::registry::{Catalog, Route, Served};
use crate::reshaped::Reshaped;
use crate::statistics::Statistics;
use crate::warmed::Warmed;

/// What versions are made of.
pub struct Engines {
    /// Reads configurations, and has the engines.
    pub reader: Reader,
    /// By which outputs leave devices.
    pub edge: Arc<Edge>,
    /// Makes the counters of a version.
    pub statistics: fn() -> Statistics,
    /// How often a version that its engine does not load is tried again, at once.
    pub retries: u32,
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
    instances: Vec<Started>,
    is_published: bool,
}

impl Loaded {
    fn new(served: Served) -> Self {
        Self { served: Arc::new(served), instances: Vec::new(), is_published: false }
    }

    /// What is to be published, and the instances that end when it is closed.
    pub(super) fn publish(mut self) -> (Arc<Served>, Vec<Started>) {
        self.is_published = true;
        (self.served.clone(), std::mem::take(&mut self.instances))
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
    tracing::info!("loading: {}", folder.name);
    let mut versions = Vec::new();
    for definition in engines.reader.read(folder)? {
        for warning in &definition.warnings {
            tracing::warn!("{}: {warning}", folder.name);
        }
        let version = definition.spec.version;
        versions.push((version, load_version(definition, engines)));
    }
    Ok(versions)
}

fn load_version(definition: Definition, engines: &Engines) -> Result<Version, LoadError> {
    let (backend, batching) = match &definition.scheduling {
        Scheduling::Ensemble(ensembling) => {
            let ensembling = ensembling.clone();
            return Ok(Version::Ensemble(Box::new(definition), ensembling));
        }
        Scheduling::Queue { backend, batching } => (*backend, batching),
    };
    let backend = engines.reader.backends.iter().find(|known| known.name() == backend);
    let backend = backend.ok_or_else(|| LoadError::new("its backend is gone"))?;
    let (spec, retries) = (&definition.spec, engines.retries);
    let mut retry = 0;
    loop {
        match load_once(&definition, backend.as_ref(), batching, engines) {
            Err(error) if retry < retries => {
                retry += 1;
                tracing::warn!(
                    "failed to load '{}' version {}: {error}; retry {retry} of {retries}",
                    spec.name,
                    spec.version
                );
            }
            loaded => return loaded.map(Version::Loaded),
        }
    }
}

fn load_once(
    definition: &Definition,
    backend: &dyn Backend,
    batching: &Batching,
    engines: &Engines,
) -> Result<Loaded, LoadError> {
    let since = Instant::now();
    let spec = definition.spec.clone();
    let model = load_model(backend, definition, &engines.edge)?;
    let statistics = Arc::new((engines.statistics)());
    let count = spec.instances.len();
    let batcher = DynamicBatcher::new(batching.clone(), count, statistics.clone());
    let parks = (0..count).map(|_| SystemPark::default()).collect();
    let queue = Queue::new(spec.name.clone(), statistics.clone(), Box::new(batcher), parks);
    let definition = definition.clone();
    let weights = Some(Arc::downgrade(&model));
    let route = route(&queue, &spec, &engines.edge);
    let mut loaded = Loaded::new(Served { definition, route, statistics, model: weights });
    let starting = Instant::now();
    loaded.instances = start_instances(&queue, &model, &spec.instances, &engines.edge)?;
    if !loaded.served.definition.warmup.is_empty() {
        let took = starting.elapsed().as_secs_f64() * 1e3;
        tracing::info!("warmed up: {}, {count} instances in {took:.0} ms", spec.name);
    }
    let took = since.elapsed();
    tracing::info!("loaded: {} version {} in {:.3} s", spec.name, spec.version, took.as_secs_f64());
    loaded.served.statistics.loaded_in(took);
    Ok(loaded)
}

/// The engine's model, behind what the configuration puts before it.
fn load_model(
    backend: &dyn Backend,
    definition: &Definition,
    edge: &Arc<Edge>,
) -> Result<Arc<dyn Model>, LoadError> {
    let spec = &definition.spec;
    let mut model = match Reshape::of(spec) {
        None => backend.load(spec.clone())?,
        Some(reshape) => {
            let model = backend.load(Arc::new(spec.as_the_engine_has_it()))?;
            Arc::new(Reshaped { model, reshape: Arc::new(reshape) })
        }
    };
    if spec.instances.iter().any(|instance| instance.device != DeviceId::Cpu) {
        model = Arc::new(Delivered { model, delivery: edge.clone() });
    }
    if !definition.warmup.is_empty() {
        model = Arc::new(Warmed::new(model, definition, edge.clone()));
    }
    Ok(model)
}

/// The queue, and its devices if all of its instances are on some.
fn route(queue: &Arc<Queue>, spec: &ModelSpec, edge: &Edge) -> Arc<dyn Route> {
    let devices: Option<Vec<Device>> = spec
        .instances
        .iter()
        .map(|instance| edge.devices().find(instance.device).ok().cloned())
        .collect();
    match devices {
        Some(devices) if !devices.is_empty() => Arc::new(Watched { queue: queue.clone(), devices }),
        _ => queue.clone(),
    }
}

/// All of them at the same time. What they do before they serve is over when this returns, and if
/// one fails, the others end as soon as the queue is closed.
fn start_instances(
    queue: &Arc<Queue>,
    model: &Arc<dyn Model>,
    instances: &[InstanceSpec],
    edge: &Edge,
) -> Result<Vec<Started>, LoadError> {
    let device = |spec: &InstanceSpec| edge.devices().find(spec.device).ok().cloned();
    let start = |spec: &InstanceSpec| {
        let others = instances.iter().filter(|other| other.id != spec.id).map(device).collect();
        let reaper = edge.reaper(spec.device).clone();
        let footing = Footing::new(reaper, device(spec), others);
        start_instance(queue.clone(), model.clone(), *spec, footing)
    };
    let starting: Vec<_> = instances.iter().map(start).collect();
    let started: Vec<_> =
        starting.into_iter().map(|starting| starting.and_then(Starting::wait)).collect();
    let told = started.into_iter().zip(instances).map(|(started, instance)| {
        started.map_err(|error| {
            LoadError::new(format!("instance {} does not start: {error}", instance.id.0))
        })
    });
    told.collect()
}

/// Makes an ensemble of models that are ready.
///
/// # Errors
/// What its steps lack, or do not fit, or that ensembles would be within each other too deep.
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
    let served = Ensembles::of(catalog.served().map(|served| &served.definition));
    served.with(definition).check_all().map_err(LoadError::new)?;
    let definition = definition.clone();
    let statistics = Arc::new((engines.statistics)());
    let (requests_max, edge) = (ensembling.requests_max, engines.edge.clone());
    let route = Arc::new(Ensemble::new(graph, requests_max, statistics.clone(), edge));
    statistics.loaded_in(since.elapsed());
    Ok(Loaded::new(Served { definition, route, statistics, model: None }))
}

#[cfg(test)]
mod tests;
