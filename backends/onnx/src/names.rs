//! Names of inputs and outputs, ready for both sides.

use std::ffi::CString;
use std::sync::Arc;

use nereid_backend::batch::Batch;
use nereid_backend::error::LoadError;
use nereid_backend::spec::TensorSpec;

/// A tensor's name.
pub(crate) struct Name {
    /// For requests.
    pub(crate) name: Arc<str>,
    /// For C.
    pub(crate) c: CString,
}

impl Name {
    /// The names of some inputs or outputs.
    ///
    /// # Errors
    /// When one cannot be said in C.
    pub(crate) fn all(specs: &[TensorSpec]) -> Result<Vec<Self>, LoadError> {
        let name = |spec: &TensorSpec| {
            let c = CString::new(&*spec.name).map_err(|_| {
                let name = &spec.name;
                LoadError::new(format!("the name {name:?} has a zero byte; rename the tensor"))
            })?;
            Ok(Self { name: spec.name.clone(), c })
        };
        specs.iter().map(name).collect()
    }

    /// Whether a request of `batch` asks for this output.
    pub(crate) fn is_wanted(&self, batch: &Batch) -> bool {
        let outputs = batch.requests().iter().flat_map(|request| &request.outputs);
        outputs.into_iter().any(|output| output.name == self.name)
    }
}
