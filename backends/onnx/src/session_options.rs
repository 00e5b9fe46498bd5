//! How a model's session is opened: what its configuration and the server's settings say together.

use std::path::PathBuf;

use nereid_backend::error::LoadError;
use nereid_backend::spec::{GraphLevel, ModelSpec};

use crate::parameters::Parameters;
use crate::settings::{Pool, Settings};

/// The options of one session.
#[derive(Debug)]
pub(crate) struct SessionOptions {
    /// Threads of its own; `None` to use those that all models share.
    pub(crate) pool: Option<Pool>,
    /// What the model's `parameters` say.
    pub(crate) parameters: Parameters,
    /// How far the graph may be rewritten.
    pub(crate) graph_level: GraphLevel,
    /// Libraries of custom operators.
    pub(crate) op_libraries: Vec<PathBuf>,
}

impl SessionOptions {
    /// The options of a session for `spec`.
    ///
    /// # Errors
    /// All that is wrong with its parameters, one line each.
    pub(crate) fn new(spec: &ModelSpec, settings: &Settings) -> Result<Self, LoadError> {
        let parameters = Parameters::parse(&spec.parameters)?;
        Ok(Self {
            pool: settings.own_pool(&parameters),
            parameters,
            graph_level: spec.engine.graph_level,
            op_libraries: spec.engine.op_libraries.clone(),
        })
    }
}
