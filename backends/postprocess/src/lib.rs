//! The heads that close a pipeline, from a model's numbers to what a client asked for:
//! `backend: "postprocess"`.
//!
//! A model of this engine is its configuration; it has no file. `parameters` name the operation;
//! there is one so far, `ctc_greedy_decode`: from class probabilities over time to text and score.
//! In reading order:
//!
//! - `options`: what `parameters` of `config.pbtxt` say;
//! - `labels`: the file that names the classes;
//! - `signature`: which inputs and outputs such a model has;
//! - `argmax`, `ctc`: the decoder, which knows nothing of models or requests;
//! - `instance`: from a batch to its answers.

#![forbid(unsafe_code)]

pub mod argmax;
pub mod ctc;
mod instance;
mod labels;
mod options;
mod signature;

use std::sync::Arc;

use nereid_backend::backend::{Backend, Instance, MemoryUsage, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

use instance::CtcInstance;
use labels::Labels;
use options::Options;

/// The engine of the heads, on the CPU.
#[derive(Debug, Default)]
pub struct PostprocessBackend;

impl Backend for PostprocessBackend {
    fn name(&self) -> &'static str {
        "postprocess"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        Options::parse(&raw.parameters)?;
        signature::complete(&raw.signature, raw.rows_max)
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let options = Options::parse(&spec.parameters)?;
        let rows_max = if spec.is_batched { spec.rows_max } else { 0 };
        let signature = signature::complete(&spec.signature, rows_max)?;
        let names = signature::Names::of(&signature)?;
        let labels = Labels::read(signature::labels(&signature)?)?;
        labels.check(&signature, options.blank)?;
        Ok(Arc::new(CtcModel { names, labels: Arc::new(labels), blank: options.blank }))
    }
}

/// A checked configuration with its labels.
struct CtcModel {
    names: signature::Names,
    labels: Arc<Labels>,
    blank: usize,
}

impl Model for CtcModel {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        match spec.device {
            DeviceId::Cpu => Ok(Box::new(CtcInstance {
                names: self.names.clone(),
                labels: self.labels.clone(),
                blank: self.blank,
            })),
            device @ DeviceId::Cuda(_) => Err(LoadError::new(format!(
                "the postprocess backend runs on the CPU and cannot use {device}: \
                 set instance_group to kind KIND_CPU"
            ))),
        }
    }

    /// Not counted: it holds no more than its labels.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}
