//! What `--backend-config` says of this engine, and what it makes of a model's threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use nereid_backend::backend::ROWS_MAX_DEFAULT;
use nereid_backend::error::LoadError;

use crate::parameters::Parameters;
use crate::values::Values;

/// Most threads of a pool.
pub(crate) const THREADS_MAX: usize = 1024;

/// Most rows that a model gets by default.
const ROWS_MAX_MAX: usize = 1 << 20;

const PROVIDER_LIBRARY: &str = "execution-provider-library";

const KEYS: [&str; 5] = [
    "default-max-batch-size",
    "enable-global-threadpool",
    PROVIDER_LIBRARY,
    "inter_op_thread_count",
    "intra_op_thread_count",
];

/// The engine's own options; by default, all models share one pool with a thread for each core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `default-max-batch-size`: what a model that can batch gets if it does not say.
    pub(crate) rows_max_default: usize,
    /// `enable-global-threadpool`: whether models share the threads.
    pub(crate) has_global_pool: bool,
    /// `intra_op_thread_count`: threads of a pool, unless a model states its own; 0 is one a core.
    intra_op_threads: usize,
    /// `inter_op_thread_count`: the same for operators that run side by side.
    inter_op_threads: usize,
    /// `execution-provider-library`: a plug-in provider, which runs models on GPUs in place of those
    /// that the library has.
    pub(crate) provider_library: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rows_max_default: ROWS_MAX_DEFAULT,
            has_global_pool: true,
            intra_op_threads: 0,
            inter_op_threads: 0,
            provider_library: None,
        }
    }
}

impl Settings {
    /// Reads the options, `key` -> value. Of those that are no options of this engine, the second
    /// result tells, since they may be mistyped.
    ///
    /// # Errors
    /// All that is wrong with them, one line each.
    pub fn parse(stated: &BTreeMap<String, String>) -> Result<(Self, Vec<String>), LoadError> {
        let mut values = Values::new("--backend-config onnxruntime,", stated);
        let rows_max_default = values.number("default-max-batch-size", ROWS_MAX_MAX);
        let settings = Self {
            rows_max_default: rows_max_default.unwrap_or(ROWS_MAX_DEFAULT),
            has_global_pool: values.flag("enable-global-threadpool").unwrap_or(true),
            intra_op_threads: values.number("intra_op_thread_count", THREADS_MAX).unwrap_or(0),
            inter_op_threads: values.number("inter_op_thread_count", THREADS_MAX).unwrap_or(0),
            provider_library: values.text(PROVIDER_LIBRARY).map(PathBuf::from),
        };
        let unknown = stated.keys().filter(|key| !KEYS.contains(&key.as_str())).cloned();
        values.finish((settings, unknown.collect()))
    }

    /// The pool that all models share. Without a number there is nothing that runs side by side:
    /// the models do already.
    pub(crate) fn global_pool(&self) -> Pool {
        let inter_op_threads = self.inter_op_threads.max(1);
        Pool { intra_op_threads: or_cores(self.intra_op_threads), inter_op_threads }
    }

    /// The threads of a model's own, if it does not use those that all share.
    pub(crate) fn own_pool(&self, model: &Parameters) -> Option<Pool> {
        let shares_operators = model.inter_op_threads == 0 && self.inter_op_threads > 1;
        let can_share = model.intra_op_threads == 0 && (!model.is_parallel || shares_operators);
        if self.has_global_pool && can_share {
            return None;
        }
        let stated = |model, server| if model > 0 { model } else { server };
        Some(Pool {
            intra_op_threads: or_cores(stated(model.intra_op_threads, self.intra_op_threads)),
            inter_op_threads: or_cores(stated(model.inter_op_threads, self.inter_op_threads)),
        })
    }
}

/// Threads of one pool, or of two where operators run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    /// How many share an operator's work, at least 1.
    pub(crate) intra_op_threads: usize,
    /// How many run operators side by side, at least 1.
    pub(crate) inter_op_threads: usize,
}

/// ONNX Runtime would take 0 for all cores too, but then it binds each thread to one.
fn or_cores(threads: usize) -> usize {
    match threads {
        0 => available_parallelism().map_or(1, NonZeroUsize::get),
        _ => threads,
    }
}

#[cfg(test)]
mod tests;
