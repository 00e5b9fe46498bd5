//! From our options to ONNX Runtime's.

use nereid_backend::spec::GraphLevel;
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::{AsPointer, Error, Result, ortsys};

use crate::parameters::Arena;
use crate::session_options::SessionOptions;
use crate::settings::Pool;

/// What a session is made of.
///
/// # Errors
/// What ONNX Runtime says, for instance of a library of operators.
pub(super) fn builder(
    environment: &Environment,
    options: &SessionOptions,
) -> Result<SessionBuilder> {
    let parameters = &options.parameters;
    let mut builder = Session::builder(environment)?
        .with_optimization_level(level(options.graph_level))?
        .with_parallel_execution(parameters.is_parallel)?
        .with_memory_pattern(parameters.has_memory_pattern)?;
    if let Some(Pool { intra_op_threads, inter_op_threads }) = options.pool {
        builder = builder
            .with_independent_thread_pool()?
            .with_intra_threads(intra_op_threads)?
            .with_inter_threads(inter_op_threads)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?;
    }
    if parameters.has_weights_outside_arena {
        builder = builder.with_device_allocated_initializers()?;
    }
    if parameters.arena == Arena::Off {
        // SAFETY: the options are alive, and ours.
        ortsys![unsafe DisableCpuMemArena(builder.ptr_mut())?];
    }
    for library in &options.op_libraries {
        builder = builder.with_operator_library(library).map_err(|cause| {
            let path = library.display();
            Error::new(format!("{path} is no library of custom operators that fits: {cause}"))
        })?;
    }
    Ok(builder)
}

fn level(level: GraphLevel) -> GraphOptimizationLevel {
    match level {
        GraphLevel::All => GraphOptimizationLevel::All,
        GraphLevel::Extended => GraphOptimizationLevel::Level2,
        GraphLevel::Basic => GraphOptimizationLevel::Level1,
        GraphLevel::Disabled => GraphOptimizationLevel::Disable,
    }
}

#[cfg(test)]
mod tests;
