//! Which models are served: one writer, many readers of immutable snapshots.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use nereid_backend::backend::{MemoryUsage, Model};
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::request::Request;
use nereid_model_repository::definition::{Definition, Scheduling};

use crate::scheduler::{Refusal, Refused};
use crate::statistics::Statistics;

/// A model version's place in its life. The names are those of Triton's repository index.
#[derive(Clone)]
pub enum Status {
    /// Weights are being read.
    Loading,
    /// Takes requests.
    Ready(Arc<Served>),
    /// Finishes what it has.
    Unloading,
    /// Failed to load; the reason goes to the index API.
    Unavailable(Arc<str>),
}

impl Status {
    /// Its state and reason, as the repository index has them.
    pub fn state(&self) -> (&'static str, &str) {
        match self {
            Self::Loading => ("LOADING", ""),
            Self::Ready(_) => ("READY", ""),
            Self::Unloading => ("UNLOADING", ""),
            Self::Unavailable(reason) => ("UNAVAILABLE", reason),
        }
    }

    /// Both in one text.
    pub fn describe(&self) -> String {
        match self.state() {
            (state, "") => state.to_owned(),
            (state, reason) => format!("{state}: {reason}"),
        }
    }
}

/// A model version that takes requests.
pub struct Served {
    /// What it is.
    pub definition: Definition,
    /// How its requests are run.
    pub route: Arc<dyn Route>,
    /// What it has done so far.
    pub statistics: Arc<Statistics>,
    /// Its weights, which its instances own; `None` for an ensemble, which has none.
    pub model: Option<Weak<dyn Model>>,
}

impl Served {
    /// Whether it wants an input on the host. An ensemble sees to that by itself.
    pub fn reads_on_host(&self, input: &str) -> bool {
        let spec = &self.definition.spec;
        matches!(self.definition.scheduling, Scheduling::Queue { .. })
            && (spec.instances.iter().any(|instance| instance.device == DeviceId::Cpu)
                || spec.signature.input(input).is_some_and(|input| input.is_read_on_host))
    }

    /// What it holds on each device, as far as its engine counts it.
    pub fn memory(&self) -> Vec<MemoryUsage> {
        let model = self.model.as_ref().and_then(Weak::upgrade);
        model.map_or_else(Vec::new, |model| model.memory())
    }
}

/// How a model's requests are run: by instances that wait at a queue, or by other models.
pub trait Route: Send + Sync {
    /// Hands a request over to whoever runs it. Other models that it needs are found in
    /// `snapshot`, so that all of them come from the same one.
    ///
    /// # Errors
    /// The request itself, and why it was not taken.
    fn push(&self, request: Request, snapshot: &Snapshot) -> Result<(), Refused>;

    /// Whether it can answer.
    fn is_able(&self, catalog: &Catalog) -> bool;

    /// Requests that wait for an instance.
    fn waiting(&self) -> usize;

    /// Takes no more requests, and lets those that wait be run.
    fn close(&self);
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Target {
    /// A model's name.
    pub model: String,
    /// One of its versions, or the highest that is ready.
    pub version: Option<u64>,
}

/// Everything that is served at one moment.
#[derive(Clone, Default)]
pub struct Catalog(BTreeMap<String, BTreeMap<u64, Status>>);

impl Catalog {
    /// Finds a ready model.
    ///
    /// # Errors
    /// Which part of `target` is not there.
    pub fn ready(&self, target: &Target) -> Result<&Arc<Served>, InferError> {
        let Some(versions) = self.0.get(&target.model) else {
            return Err(InferError::UnknownModel(target.model.clone()));
        };
        let is_wanted = |version: u64| target.version.is_none_or(|wanted| wanted == version);
        let ready = versions.iter().rev().filter(|(version, _)| is_wanted(**version));
        let mut ready = ready.filter_map(|(_, status)| match status {
            Status::Ready(served) => Some(served),
            _ => None,
        });
        ready.next().ok_or_else(|| match target.version {
            Some(version) => InferError::UnknownVersion { model: target.model.clone(), version },
            None => InferError::NoVersion(target.model.clone()),
        })
    }

    /// Whether `target` is ready and can answer.
    pub fn is_able(&self, target: &Target) -> bool {
        self.ready(target).is_ok_and(|served| served.route.is_able(self))
    }

    /// Every version of every model, by name and number.
    pub fn entries(&self) -> impl Iterator<Item = (&str, u64, &Status)> {
        self.0.iter().flat_map(|(name, versions)| {
            versions.iter().map(move |(version, status)| (name.as_str(), *version, status))
        })
    }

    /// Every model version that takes requests.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.entries().filter_map(|(_, _, status)| match status {
            Status::Ready(served) => Some(served),
            _ => None,
        })
    }

    /// The versions of `model` that are ready, ascending.
    pub fn ready_versions(&self, model: &str) -> Vec<u64> {
        let versions = self.0.get(model).into_iter().flatten();
        let ready = versions.filter(|(_, status)| matches!(status, Status::Ready(_)));
        ready.map(|(version, _)| *version).collect()
    }
}

/// A model that was found ready, and the snapshot that it was found in.
#[derive(Clone)]
pub struct Found {
    /// Everything that was served then.
    pub snapshot: Snapshot,
    /// The model.
    pub served: Arc<Served>,
}

impl Found {
    /// Hands a request that fits the model over, and tells to which version.
    ///
    /// A version that was reloaded since then has closed its queue, but only after its successor
    /// was published: one more try, on a new snapshot, if nothing was changed that the request was
    /// checked for.
    ///
    /// # Errors
    /// Why nobody takes it. The request was answered with the same error.
    pub fn push(self, target: &Target, request: Request) -> Result<Arc<Served>, InferError> {
        let request = match self.served.route.push(request, &self.snapshot) {
            Ok(()) => return Ok(self.served),
            Err((request, Refusal::Closed)) => request,
            Err((request, refusal)) => return Err(self.refuse(request, refusal)),
        };
        let Ok(successor) = self.snapshot.renewed().find(target) else {
            return Err(self.refuse(request, Refusal::Closed));
        };
        let (old, new) = (&self.served.definition.spec, &successor.served.definition.spec);
        let is_alike = old.signature == new.signature
            && old.is_batched == new.is_batched
            && request.rows() <= new.rows_max;
        if !is_alike {
            return Err(self.refuse(request, Refusal::Closed));
        }
        match successor.served.route.push(request, &successor.snapshot) {
            Ok(()) => Ok(successor.served),
            Err((request, refusal)) => Err(successor.refuse(request, refusal)),
        }
    }

    /// Answers the request, so that it is counted, and gives the same error to the caller.
    fn refuse(&self, request: Request, refusal: Refusal) -> InferError {
        let error = refusal.into_error(&self.served.definition.spec.name, &request);
        request.respond(Err(error.clone()));
        error
    }
}

/// Everything that was served at one moment. A request keeps one from end to end.
#[derive(Clone)]
pub struct Snapshot {
    catalog: Arc<Catalog>,
    models: Models,
}

impl Snapshot {
    /// Finds a ready model.
    ///
    /// # Errors
    /// Which part of `target` is not there.
    pub fn find(&self, target: &Target) -> Result<Found, InferError> {
        let served = self.catalog.ready(target)?.clone();
        Ok(Found { snapshot: self.clone(), served })
    }

    /// What is served now.
    fn renewed(&self) -> Self {
        self.models.snapshot()
    }
}

impl Deref for Snapshot {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.catalog
    }
}

/// Read access for the request path.
#[derive(Clone)]
pub struct Models(Arc<ArcSwap<Catalog>>);

impl Models {
    /// What is served now: no lock and no I/O.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { catalog: self.0.load_full(), models: self.clone() }
    }

    /// Finds a ready model.
    ///
    /// # Errors
    /// Which part of `target` is not there.
    pub fn find(&self, target: &Target) -> Result<Found, InferError> {
        self.snapshot().find(target)
    }
}

/// The only writer.
pub struct Registry {
    catalog: Catalog,
    published: Arc<ArcSwap<Catalog>>,
}

impl Registry {
    /// An empty registry and its reader.
    pub fn new() -> (Self, Models) {
        let published: Arc<ArcSwap<Catalog>> = Arc::default();
        (Self { catalog: Catalog::default(), published: published.clone() }, Models(published))
    }

    /// What readers see now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Moves one version to `status`, shows it to readers, and only then closes what it replaces.
    /// The version 0 stands for a model of which no version is known yet.
    pub fn set(&mut self, model: &str, version: u64, status: Status) {
        let versions = self.catalog.0.entry(model.to_owned()).or_default();
        if version != 0 {
            versions.remove(&0);
        }
        let old = versions.insert(version, status);
        self.published.store(Arc::new(self.catalog.clone()));
        if let Some(Status::Ready(old)) = old {
            old.route.close();
        }
    }
}

#[cfg(test)]
mod tests;
