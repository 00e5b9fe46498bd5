//! What `parameters` of `config.pbtxt` say. Names and meaning are those of Triton's ONNX Runtime
//! backend, and as there, others are ignored.

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;

use crate::settings::THREADS_MAX;
use crate::values::Values;

const SHRINKAGE: &str = "memory.enable_memory_arena_shrinkage";
const LIST: &str = "a list such as cpu:0 or cpu:0;gpu:0";
const DEVICE_ALLOCATOR: &str = "session.use_device_allocator_for_initializers";

/// Most bytes that a limit may state.
const BYTES_MAX: usize = usize::MAX;

/// Options of the CUDA provider whose values Triton writes as numbers: what they are in ONNX Runtime.
const CHOICES: [(&str, &[&str]); 2] = [
    ("cudnn_conv_algo_search", &["EXHAUSTIVE", "HEURISTIC", "DEFAULT"]),
    ("arena_extend_strategy", &["kNextPowerOfTwo", "kSameAsRequested"]),
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
    /// `memory.enable_memory_arena_shrinkage`: the GPUs on which what a run leaves unused is given back.
    pub(crate) shrunk_gpus: Vec<u32>,
    /// Options of the CUDA provider, as ONNX Runtime writes them.
    pub(crate) cuda: BTreeMap<&'static str, String>,
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
            shrunk_gpus: Vec::new(),
            cuda: BTreeMap::new(),
        };
        parsed.read_shrinkage(&mut values);
        parsed.read_cuda(&mut values);
        values.finish(parsed)
    }

    /// Those that Triton itself calls deprecated: the accelerator `cuda` has them, too.
    fn read_cuda(&mut self, values: &mut Values<'_>) {
        for (key, choices) in CHOICES {
            if let Some(number) = values.number(key, choices.len() - 1) {
                self.cuda.insert(key, choices[number].to_owned());
            }
        }
        if let Some(limit) = values.number("gpu_mem_limit", BYTES_MAX) {
            self.cuda.insert("gpu_mem_limit", limit.to_string());
        }
        if let Some(copies) = values.flag("do_copy_in_default_stream") {
            self.cuda.insert("do_copy_in_default_stream", u8::from(copies).to_string());
        }
    }

    /// A list of arenas, such as `cpu:0;gpu:0`.
    fn read_shrinkage(&mut self, values: &mut Values<'_>) {
        let Some(text) = values.text(SHRINKAGE) else { return };
        for arena in text.split(';').map(str::trim) {
            match arena.split_once(':') {
                Some(("cpu", "0")) => match self.arena {
                    Arena::Off => values.wrong(SHRINKAGE, "left out where enable_mem_arena is 0"),
                    Arena::Kept | Arena::Shrunk => self.arena = Arena::Shrunk,
                },
                Some(("gpu", id)) => match id.parse() {
                    Ok(ordinal) => self.shrunk_gpus.push(ordinal),
                    Err(_) => values.wrong(SHRINKAGE, LIST),
                },
                _ => values.wrong(SHRINKAGE, LIST),
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
        shrunk_gpus: Vec::new(),
        cuda: BTreeMap::new(),
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
    fn what_the_cuda_provider_is_told() {
        let check = |text: &str, expected: &[(&'static str, &str)]| {
            let cuda = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            assert_eq!(parse(text), Ok(Parameters { cuda, ..DEFAULT }), "{text}");
        };
        check("cudnn_conv_algo_search=1", &[("cudnn_conv_algo_search", "HEURISTIC")]);
        check("arena_extend_strategy=0", &[("arena_extend_strategy", "kNextPowerOfTwo")]);
        let text = "arena_extend_strategy=1\ngpu_mem_limit= 18446744073709551615";
        let limit = ("gpu_mem_limit", "18446744073709551615");
        check(text, &[("arena_extend_strategy", "kSameAsRequested"), limit]);
        check("do_copy_in_default_stream=0", &[("do_copy_in_default_stream", "0")]);
        let text = "memory.enable_memory_arena_shrinkage=cpu:0;gpu:1";
        let shrinks = Parameters { arena: Arena::Shrunk, shrunk_gpus: vec![1], ..DEFAULT };
        assert_eq!(parse(text), Ok(shrinks));
        assert!(parse("memory.enable_memory_arena_shrinkage=gpu:x").is_err());
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let text = "intra_op_thread_count=1025\ninter_op_thread_count=-1\nexecution_mode=2\n\
                    enable_mem_arena=true\nenable_mem_pattern=\n\
                    memory.enable_memory_arena_shrinkage=cpu\n\
                    session.use_device_allocator_for_initializers=yes\n\
                    cudnn_conv_algo_search=3\narena_extend_strategy=2\ngpu_mem_limit=1G";
        let expected = "\
parameter 'intra_op_thread_count' must be a whole number from 0 to 1024, not \"1025\"
parameter 'inter_op_thread_count' must be a whole number from 0 to 1024, not \"-1\"
parameter 'execution_mode' must be 0 or 1, not \"2\"
parameter 'enable_mem_arena' must be 0 or 1, not \"true\"
parameter 'enable_mem_pattern' must be 0 or 1, not \"\"
parameter 'session.use_device_allocator_for_initializers' must be 0 or 1, not \"yes\"
parameter 'memory.enable_memory_arena_shrinkage' must be a list such as cpu:0 or cpu:0;gpu:0, \
not \"cpu\"
parameter 'cudnn_conv_algo_search' must be a whole number from 0 to 2, not \"3\"
parameter 'arena_extend_strategy' must be a whole number from 0 to 1, not \"2\"
parameter 'gpu_mem_limit' must be a whole number from 0 to 18446744073709551615, not \"1G\"";
        assert_eq!(parse(text), Err(expected.to_owned()));

        let text = "enable_mem_arena=0\nmemory.enable_memory_arena_shrinkage=cpu:0";
        let expected = "parameter 'memory.enable_memory_arena_shrinkage' must be left out where \
                        enable_mem_arena is 0, not \"cpu:0\"";
        assert_eq!(parse(text), Err(expected.to_owned()));
    }
}
