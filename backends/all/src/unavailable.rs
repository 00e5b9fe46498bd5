//! An engine that could not start.

use std::sync::Arc;

use nereid_backend::backend::{Backend, Model, ROWS_MAX_DEFAULT};
use nereid_backend::error::LoadError;
use nereid_backend::spec::{ModelSpec, RawSpec, Signature};

/// Answers for an engine that is not there, with the reason.
pub(crate) struct Unavailable {
    name: &'static str,
    file_name: Option<&'static str>,
    reason: LoadError,
}

impl Unavailable {
    pub(crate) fn new(
        name: &'static str,
        file_name: Option<&'static str>,
        reason: LoadError,
    ) -> Self {
        Self { name, file_name, reason }
    }
}

impl Backend for Unavailable {
    fn name(&self) -> &'static str {
        self.name
    }

    fn file_name(&self) -> Option<&'static str> {
        self.file_name
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn inspect(&self, _: &RawSpec) -> Result<Signature, LoadError> {
        Err(self.reason.clone())
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        Err(self.reason.clone())
    }
}
