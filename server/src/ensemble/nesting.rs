//! Ensembles whose steps are ensembles. Each is some calls deeper on the stack of the thread that
//! starts it, so none may be within itself, nor any number of them within each other. A reload can
//! do both to ensembles that were sound: all that would be served are looked at.

use std::collections::{BTreeMap, BTreeSet};

use nereid_model_repository::definition::{Definition, Scheduling};

/// Most ensembles within each other.
pub const DEPTH_MAX: usize = 16;

/// Ensembles, and the models of their steps.
#[derive(Clone, Debug, Default)]
pub struct Ensembles<'d>(BTreeMap<&'d str, BTreeSet<&'d str>>);

impl<'d> Ensembles<'d> {
    /// Those among `definitions`; of several versions, the steps of all.
    pub fn of(definitions: impl Iterator<Item = &'d Definition>) -> Self {
        let mut ensembles = Self::default();
        for definition in definitions {
            if let Scheduling::Ensemble(ensembling) = &definition.scheduling {
                let steps = ensembling.steps.iter().map(|step| step.model.as_str());
                ensembles.0.entry(&definition.spec.name).or_default().extend(steps);
            }
        }
        ensembles
    }

    /// The same with `definition` in the place of what has its name.
    pub fn with(mut self, definition: &'d Definition) -> Self {
        self.0.remove(&*definition.spec.name);
        self.0.extend(Self::of(std::iter::once(definition)).0);
        self
    }

    /// Checks all of them.
    ///
    /// # Errors
    /// As [`Ensembles::check`], of the first in which something is wrong.
    pub fn check_all(&self) -> Result<(), String> {
        self.0.keys().try_for_each(|name| self.check(name))
    }

    /// Checks the ensemble `name`; other models are always sound.
    ///
    /// # Errors
    /// When it is within itself, or ensembles within it are too deep.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let mut level = BTreeSet::from([name]);
        for _ in 0..DEPTH_MAX {
            level = level.into_iter().filter_map(|it| self.0.get(it)).flatten().copied().collect();
            if level.contains(name) {
                return Err(format!(
                    "the steps of ensemble '{name}' lead back to it: take out the one that does"
                ));
            }
            level.retain(|model| self.0.contains_key(model));
            if level.is_empty() {
                return Ok(());
            }
        }
        Err(format!(
            "ensemble '{name}' has ensembles more than {DEPTH_MAX} deep within each other: make \
             their steps its own"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ensembles<'d>(steps: &[(&'d str, &[&'d str])]) -> Ensembles<'d> {
        let steps = steps.iter().map(|(name, steps)| (*name, steps.iter().copied().collect()));
        Ensembles(steps.collect())
    }

    #[test]
    fn no_ensemble_is_within_itself() {
        let check = |steps: &[(&str, &[&str])], expected: Option<&str>| {
            let wrong = ensembles(steps).check_all().err();
            let expected = expected.map(|name| {
                format!(
                    "the steps of ensemble '{name}' lead back to it: take out the one that does"
                )
            });
            assert_eq!(wrong, expected, "{steps:?}");
        };
        check(&[], None);
        check(&[("e", &["m", "m"]), ("f", &["e", "e", "m"]), ("g", &["e", "f"])], None);
        check(&[("e", &["e"])], Some("e"));
        check(&[("e", &["m", "f"]), ("f", &["g"]), ("g", &["m", "e"])], Some("e"));
    }

    #[test]
    fn ensembles_are_within_each_other_up_to_a_limit() {
        let names: Vec<_> = (0..=DEPTH_MAX).map(|depth| format!("e{depth:02}")).collect();
        let steps = |index: usize| names.get(index + 1).map_or("m", String::as_str);
        let nested = |count| {
            let all = names.iter().enumerate().skip(names.len() - count);
            Ensembles(all.map(|(i, name)| (name.as_str(), BTreeSet::from([steps(i)]))).collect())
        };
        assert_eq!(nested(DEPTH_MAX).check_all(), Ok(()));
        let wrong = nested(DEPTH_MAX + 1).check_all().unwrap_err();
        assert!(wrong.starts_with("ensemble 'e00' has ensembles more than 16 deep"), "{wrong}");
        assert_eq!(nested(DEPTH_MAX + 1).check("e01"), Ok(()));
    }
}
