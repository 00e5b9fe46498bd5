//! What `parameters` of `config.pbtxt` say. Names and meaning are those of Triton's ONNX Runtime
//! backend, and as there, others are ignored.

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;

use crate::settings::THREADS_MAX;
use crate::values::Values;

const SHRINKAGE: &str = "memory.enable_memory_arena_shrinkage";
const DEVICE_ALLOCATOR: &str = "session.use_device_allocator_for_initializers";

/// Options of CUDA that Triton itself calls deprecated.
const DEPRECATED: [&str; 4] = [
    "cudnn_conv_algo_search",
    "gpu_mem_limit",
    "arena_extend_strategy",
    "do_copy_in_default_stream",
];

/// The options of one model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// `intra_op_thread_count`: threads that share an operator's work; 0 leaves it to the server.
    pub(crate) intra_op_threads: usize,
    /// `inter_op_thread_count`: threads that run operators side by side; 0 leaves it to the server.
    pub(crate) inter_op_threads: usize,
    /// `execution_mode`: whether operators run side by side at all.
    pub(crate) is_parallel: bool,
    /// What becomes of a run's memory.
    pub(crate) arena: Arena,
    /// `enable_mem_pattern`: whether a run's memory is taken at once, as the last run needed it.
    pub(crate) has_memory_pattern: bool,
    /// `session.use_device_allocator_for_initializers`: whether weights bypass the arena.
    pub(crate) has_weights_outside_arena: bool,
    /// What is accepted, and has no effect.
    pub(crate) warnings: Vec<String>,
}

/// Memory that a session keeps from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arena {
    /// All that the largest run needed.
    Kept,
    /// `memory.enable_memory_arena_shrinkage`: what a run leaves unused is given back after it.
    Shrunk,
    /// `enable_mem_arena` is 0: each run takes its own, and gives it back.
    Off,
}

impl Parameters {
    /// Reads the options.
    ///
    /// # Errors
    /// All that is wrong with them, one line each.
    pub(crate) fn parse(parameters: &BTreeMap<String, String>) -> Result<Self, LoadError> {
        let mut values = Values::new("parameter", parameters);
        let mut parsed = Self {
            intra_op_threads: values.number("intra_op_thread_count", THREADS_MAX).unwrap_or(0),
            inter_op_threads: values.number("inter_op_thread_count", THREADS_MAX).unwrap_or(0),
            is_parallel: values.flag("execution_mode").unwrap_or(false),
            arena: match values.flag("enable_mem_arena") {
                Some(false) => Arena::Off,
                _ => Arena::Kept,
            },
            has_memory_pattern: values.flag("enable_mem_pattern").unwrap_or(true),
            has_weights_outside_arena: values.flag(DEVICE_ALLOCATOR).unwrap_or(false),
            warnings: Vec::new(),
        };
        parsed.read_shrinkage(&mut values);
        let deprecated = DEPRECATED.iter().filter(|key| parameters.contains_key(**key));
        parsed.warnings.extend(
            deprecated
                .map(|key| format!("parameter '{key}' has no effect: there is no GPU engine")),
        );
        values.finish(parsed)
    }

    /// A list of arenas, such as `cpu:0;gpu:0`. Without a GPU engine there is only one.
    fn read_shrinkage(&mut self, values: &mut Values<'_>) {
        let Some(text) = values.text(SHRINKAGE) else { return };
        for arena in text.split(';').map(str::trim) {
            match arena.split_once(':') {
                Some(("cpu", "0")) => match self.arena {
                    Arena::Off => values.wrong(SHRINKAGE, "left out where enable_mem_arena is 0"),
                    Arena::Kept | Arena::Shrunk => self.arena = Arena::Shrunk,
                },
                Some(("gpu", id)) if id.parse::<u32>().is_ok() => self.warnings.push(format!(
                    "'{arena}' of parameter '{SHRINKAGE}' has no effect: there is no GPU engine"
                )),
                _ => values.wrong(SHRINKAGE, "a list such as cpu:0 or cpu:0;gpu:0"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Parameters = Parameters {
        intra_op_threads: 0,
        inter_op_threads: 0,
        is_parallel: false,
        arena: Arena::Kept,
        has_memory_pattern: true,
        has_weights_outside_arena: false,
        warnings: Vec::new(),
    };

    /// `text` is `key=value`, one a line.
    fn parse(text: &str) -> Result<Parameters, String> {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let parameters = pairs.map(|(key, value)| (key.into(), value.into())).collect();
        Parameters::parse(&parameters).map_err(|error| error.to_string())
    }

    fn check(text: &str, expected: Parameters) {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }

    #[test]
    fn what_is_stated_is_read() {
        check("", DEFAULT);
        check("intra_op_thread_count= 2 ", Parameters { intra_op_threads: 2, ..DEFAULT });
        check("inter_op_thread_count=1024", Parameters { inter_op_threads: 1024, ..DEFAULT });
        check("execution_mode=1", Parameters { is_parallel: true, ..DEFAULT });
        check("execution_mode=0\nenable_mem_arena=1\nenable_mem_pattern=1", DEFAULT);
        check("enable_mem_arena=0", Parameters { arena: Arena::Off, ..DEFAULT });
        check("enable_mem_pattern=0", Parameters { has_memory_pattern: false, ..DEFAULT });
        let shrinks = Parameters { arena: Arena::Shrunk, ..DEFAULT };
        check("memory.enable_memory_arena_shrinkage=cpu:0", shrinks);
        let outside = Parameters { has_weights_outside_arena: true, ..DEFAULT };
        check("session.use_device_allocator_for_initializers=1", outside);
        check("of_another_backend=x", DEFAULT);
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let check = |text: &str, expected: &str| {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.warnings.len(), 1, "{text}");
            assert!(parsed.warnings[0].contains(expected), "{:?}", parsed.warnings);
        };
        for key in DEPRECATED {
            check(&format!("{key}=whatever"), key);
        }
        let text = "memory.enable_memory_arena_shrinkage=cpu:0;gpu:1";
        check(text, "gpu:1");
        assert_eq!(parse(text).unwrap().arena, Arena::Shrunk);
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let text = "intra_op_thread_count=1025\ninter_op_thread_count=-1\nexecution_mode=2\n\
                    enable_mem_arena=true\nenable_mem_pattern=\n\
                    memory.enable_memory_arena_shrinkage=cpu\n\
                    session.use_device_allocator_for_initializers=yes";
        let expected = "\
parameter 'intra_op_thread_count' must be a whole number from 0 to 1024, not \"1025\"
parameter 'inter_op_thread_count' must be a whole number from 0 to 1024, not \"-1\"
parameter 'execution_mode' must be 0 or 1, not \"2\"
parameter 'enable_mem_arena' must be 0 or 1, not \"true\"
parameter 'enable_mem_pattern' must be 0 or 1, not \"\"
parameter 'session.use_device_allocator_for_initializers' must be 0 or 1, not \"yes\"
parameter 'memory.enable_memory_arena_shrinkage' must be a list such as cpu:0 or cpu:0;gpu:0, \
not \"cpu\"";
        assert_eq!(parse(text), Err(expected.to_owned()));

        let text = "enable_mem_arena=0\nmemory.enable_memory_arena_shrinkage=cpu:0";
        let expected = "parameter 'memory.enable_memory_arena_shrinkage' must be left out where \
                        enable_mem_arena is 0, not \"cpu:0\"";
        assert_eq!(parse(text), Err(expected.to_owned()));
    }
}
