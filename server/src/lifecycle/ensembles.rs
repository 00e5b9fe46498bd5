//! Ensembles come up when their steps' models are there, and are tried again when one of those comes.

use nereid_model_repository::definition::{Definition, Ensembling};
use tokio::sync::oneshot;

use super::loading::load_ensemble;
use super::{Failure, Lifecycle, Load, Overrides, Wish};

impl Lifecycle {
    /// As in Triton, who loads an ensemble means its steps' models, too.
    pub(super) fn load_steps(&mut self, ensembles: &[(Box<Definition>, Ensembling)]) {
        for step in ensembles.iter().flat_map(|(_, ensembling)| &ensembling.steps) {
            let is_busy = self.models.get(&step.model).is_some_and(|known| known.is_busy);
            if !is_busy && self.registry.catalog().ready_versions(&step.model).is_empty() {
                let (model, overrides) = (step.model.clone(), Overrides::default());
                self.load(Wish { model, overrides, reply: oneshot::channel().0 });
            }
        }
    }

    /// Brings up the ensembles whose steps are there now, until no more come. One whose steps
    /// nobody loads any more has failed.
    pub(super) fn load_ensembles(&mut self) {
        loop {
            let before = self.ensembles.len();
            for mut waiting in std::mem::take(&mut self.ensembles) {
                waiting.ensembles = self.publish_ready(waiting.ensembles);
                if waiting.ensembles.is_empty() {
                    self.answer(waiting);
                } else {
                    self.ensembles.push(waiting);
                }
            }
            if self.ensembles.len() == before {
                break;
            }
        }
        if self.loads == 0 && self.ready.is_empty() {
            for mut waiting in std::mem::take(&mut self.ensembles) {
                for (definition, ensembling) in std::mem::take(&mut waiting.ensembles) {
                    let loaded = load_ensemble(
                        &definition,
                        &ensembling,
                        self.registry.catalog(),
                        &self.engines,
                    );
                    if let Err(error) = loaded {
                        let version = definition.spec.version;
                        self.await_steps(&waiting.load, ensembling);
                        waiting.failures.push(Failure { version, error });
                    }
                }
                self.answer(waiting);
            }
        }
    }

    /// What a client sent with a load is not kept beyond it, so that is not tried again.
    fn await_steps(&mut self, load: &Load, ensembling: Ensembling) {
        if load.source.folder().config.is_none() {
            let ensemble = self.models.entry(load.model.clone()).or_default();
            ensemble.awaited.extend(ensembling.steps.into_iter().map(|step| step.model));
        }
    }

    fn publish_ready(
        &mut self,
        ensembles: Vec<(Box<Definition>, Ensembling)>,
    ) -> Vec<(Box<Definition>, Ensembling)> {
        let mut left = Vec::new();
        for (definition, ensembling) in ensembles {
            match load_ensemble(&definition, &ensembling, self.registry.catalog(), &self.engines) {
                Ok(loaded) => {
                    self.publish(&definition.spec.name, definition.spec.version, loaded);
                }
                Err(_) => left.push((definition, ensembling)),
            }
        }
        left
    }

    /// Tries the ensembles again that did not come up while `step` was not what it is now.
    pub(super) fn load_ensembles_of(&mut self, step: &str) {
        let awaiting = self.models.iter().filter(|(_, model)| {
            !model.is_busy && model.awaited.iter().any(|awaited| awaited == step)
        });
        let names: Vec<_> = awaiting.map(|(name, _)| name.clone()).collect();
        for model in names {
            let (overrides, reply) = (Overrides::default(), oneshot::channel().0);
            self.load(Wish { model, overrides, reply });
        }
    }
}
