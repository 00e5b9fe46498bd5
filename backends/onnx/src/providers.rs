//! What runs a model on a device: execution providers of ONNX Runtime, with their options. Without a
//! word it is the CUDA provider; `optimization.execution_accelerators` puts TensorRT's before it. Names
//! and options are those of Triton's backend.

mod tensorrt;

use std::collections::BTreeMap;
use std::sync::Arc;

use nereid_backend::error::LoadError;
use nereid_backend::spec::{Accelerator, ModelSpec};

use crate::parameters::Parameters;
use crate::sys::Plugin;

/// What the providers of ONNX Runtime's own need of the machine.
const NEEDS: &str = "onnxruntime-gpu needs, from 1.27 on, CUDA 13, cuDNN 9 and driver 580 or later, and TensorRT 10 for \
    the accelerator 'tensorrt', which the loader finds by LD_LIBRARY_PATH";

/// Options that say where a session runs, which instances say, or hold addresses of the process.
const RESERVED: [&str; 6] = [
    "device_id",
    "has_user_compute_stream",
    "user_compute_stream",
    "gpu_external_alloc",
    "gpu_external_free",
    "gpu_external_empty_cache",
];

/// ONNX Runtime captures graphs in a mode in which no other thread may ask an event or allocate
/// (`cudaStreamCaptureModeGlobal`), and asks for tensors that stay where they are.
const GRAPHS: [&str; 2] = ["enable_cuda_graph", "trt_cuda_graph_enable"];

/// Options, by their names in ONNX Runtime.
pub(crate) type Options = BTreeMap<String, String>;

/// The providers of one model, the preferred first. What none of them takes runs on the CPU.
#[derive(Clone)]
pub(crate) struct Providers(Vec<Provider>);

/// One provider.
#[derive(Clone)]
pub(crate) enum Provider {
    /// ONNX Runtime's own for TensorRT.
    TensorRt(Options),
    /// ONNX Runtime's own for CUDA.
    Cuda(Options),
    /// Of a library.
    Plugin(Arc<Plugin>, Options),
}

impl Providers {
    /// What `spec` asks for, of the library or of `plugin`.
    ///
    /// # Errors
    /// All that is wrong with its accelerators, one line each.
    pub(crate) fn new(
        spec: &ModelSpec,
        parameters: &Parameters,
        plugin: Option<&Arc<Plugin>>,
    ) -> Result<Self, LoadError> {
        let (mut faults, mut tensorrt, mut own) = (Vec::new(), None, Options::new());
        let name = plugin.map_or("cuda", |plugin| plugin.provider());
        for accelerator in &spec.engine.gpu_accelerators {
            match (&*accelerator.name, plugin) {
                ("tensorrt", None) => tensorrt = Some(tensorrt::options(accelerator, &mut faults)),
                (stated, _) if stated == name => own.extend(accelerator.parameters.clone()),
                (stated, _) => faults.push(unknown(stated, plugin)),
            }
            check(accelerator, &mut faults);
        }
        if !faults.is_empty() {
            return Err(LoadError::new(faults.join("\n")));
        }
        if let Some(plugin) = plugin {
            return Ok(Self(vec![Provider::Plugin(plugin.clone(), own)]));
        }
        let stated = parameters.cuda.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        own.extend(stated);
        let tensorrt = tensorrt.map(Provider::TensorRt);
        Ok(Self(tensorrt.into_iter().chain([Provider::Cuda(own)]).collect()))
    }

    /// The providers.
    pub(crate) fn all(&self) -> &[Provider] {
        &self.0
    }

    /// Whether they keep memory in an arena of ONNX Runtime's, which can be shrunk.
    pub(crate) fn have_arena(&self) -> bool {
        self.0.iter().any(|provider| matches!(provider, Provider::Cuda(_)))
    }

    /// With what has to be there, if it says that a library is not.
    pub(crate) fn explain(&self, error: LoadError) -> LoadError {
        let is_of_library = error.0.contains("cannot open shared object file");
        if is_of_library && self.have_arena() {
            return LoadError::new(format!("{error}; {NEEDS}"));
        }
        error
    }
}

/// That ONNX Runtime's library has none, and where there are some.
pub(crate) fn none() -> LoadError {
    LoadError::new(format!(
        "this library of ONNX Runtime has no provider for CUDA devices: give that of onnxruntime-gpu (PyPI) with \
         --onnxruntime-library, or the library of a plug-in provider with --backend-config=onnxruntime,\
         execution-provider-library=PATH. {NEEDS}"
    ))
}

/// Triton's text, and what there is.
fn unknown(stated: &str, plugin: Option<&Arc<Plugin>>) -> String {
    let there = match plugin {
        Some(plugin) => format!("the library offers '{}'", plugin.provider()),
        None => "there are 'tensorrt' and 'cuda'".to_owned(),
    };
    format!("unknown Execution Accelerator '{stated}' is requested: {there}")
}

fn check(accelerator: &Accelerator, faults: &mut Vec<String>) {
    let name = &accelerator.name;
    for (key, value) in &accelerator.parameters {
        if RESERVED.contains(&key.as_str()) {
            faults.push(format!("'{key}' of the accelerator '{name}' is the server's to state"));
        }
        let is_on = !matches!(value.trim(), "0" | "false" | "False");
        if GRAPHS.contains(&key.as_str()) && is_on {
            faults.push(format!(
                "'{key}' of the accelerator '{name}': CUDA graphs of ONNX Runtime are captured while all else on the \
                 device stands still, which a server cannot: leave it out"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
