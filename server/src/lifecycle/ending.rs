//! What serves is replaced or taken down, and finishes what it has.

use std::thread::Builder;

use super::loading::Loaded;
use super::{Event, Lifecycle, Reply, UNLOADED};
use crate::instance::Started;
use crate::registry::Status;

impl Lifecycle {
    pub(super) fn publish(&mut self, model: &str, version: u64, loaded: Loaded) {
        let (served, instances) = loaded.publish();
        self.registry.set(model, version, Status::Ready(served));
        let old =
            self.models.entry(model.to_owned()).or_default().instances.insert(version, instances);
        // The registry has closed what it replaced; its name goes on being ready.
        if let Some(instances) = old {
            self.drain(model, 0, instances);
        }
    }

    /// Takes down the versions that a reload no longer has.
    pub(super) fn retire_others(&mut self, model: &str, wanted: &[u64]) {
        for version in self.registry.catalog().ready_versions(model) {
            if !wanted.contains(&version) {
                self.close(model, version);
            }
        }
    }

    fn close(&mut self, model: &str, version: u64) {
        self.registry.set(model, version, Status::Unloading);
        let instances = self.models.entry(model.to_owned()).or_default().instances.remove(&version);
        self.drain(model, version, instances.unwrap_or_default());
    }

    /// Waits, beside this thread, for instances that were told to end.
    fn drain(&mut self, model: &str, version: u64, instances: Vec<Started>) {
        self.draining += 1;
        let (model, events) = (model.to_owned(), self.events.clone());
        let wait = move || {
            for instance in instances {
                if let Err(error) = instance.join() {
                    tracing::error!("model '{model}': {error}");
                }
            }
            let _stopped = events.send(Event::Drained { model, version });
        };
        if let Err(error) = Builder::new().name("drain".to_owned()).spawn(wait) {
            tracing::error!("cannot start a thread that waits for instances: {error}");
            self.draining -= 1;
        }
    }

    pub(super) fn drained(&mut self, model: &str, version: u64) {
        self.draining -= 1;
        let is_unloading = self.registry.catalog().entries().any(|(name, number, status)| {
            name == model && number == version && matches!(status, Status::Unloading)
        });
        if is_unloading {
            self.registry.set(model, version, Status::Unavailable(UNLOADED.into()));
            tracing::info!("unloaded: {model} version {version}");
        }
    }

    pub(super) fn unload(&mut self, model: String, with_steps: bool) {
        if let Some(known) = self.models.get_mut(&model)
            && known.is_busy
        {
            known.unload_later(model, with_steps);
            return;
        }
        let steps = if with_steps { self.steps_of(&model) } else { Vec::new() };
        self.forget_failures(&model);
        for version in self.registry.catalog().ready_versions(&model) {
            self.close(&model, version);
        }
        for step in steps {
            self.unload(step, false);
        }
    }

    /// What is not wanted any more has not failed.
    fn forget_failures(&mut self, model: &str) {
        if let Some(known) = self.models.get_mut(model) {
            known.awaited.clear();
        }
        let entries = self.registry.catalog().entries();
        let failed = entries
            .filter(|(name, _, status)| *name == model && matches!(status, Status::Unavailable(_)));
        let versions: Vec<_> = failed.map(|(_, version, _)| version).collect();
        for version in versions {
            self.registry.set(model, version, Status::Unavailable(UNLOADED.into()));
        }
    }

    fn steps_of(&self, model: &str) -> Vec<String> {
        let served = self.registry.catalog().served();
        let versions = served.filter(|served| *served.definition.spec.name == *model);
        versions.flat_map(|served| served.definition.steps()).collect()
    }

    pub(super) fn stop(&mut self, reply: Reply<()>) {
        self.stopping = Some(reply);
        self.ready.clear();
        let serving: Vec<_> = self
            .registry
            .catalog()
            .served()
            .map(|served| (served.definition.spec.name.to_string(), served.definition.spec.version))
            .collect();
        for (model, version) in serving {
            self.close(&model, version);
        }
    }
}
