//! The seam between the server and engines: [`Backend`] loads a [`Model`], a model spawns
//! [`Instance`]s, an instance starts [`Batch`]es.
//!
//! The server validates; a backend may assume that every batch fits the model's signature. It
//! assumes nothing about the *values*: what is inside a tensor comes from a client.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::batch::Batch;
use crate::device::DeviceId;
use crate::error::{InferError, LoadError};
use crate::spec::{InstanceSpec, ModelSpec, RawSpec, Signature};

/// Triton's [`Backend::rows_max_default`].
pub const ROWS_MAX_DEFAULT: usize = 4;

/// A kind of engine, such as `onnxruntime`. One per process; cheap to create.
pub trait Backend: Send + Sync + 'static {
    /// The name that `config.pbtxt` uses.
    fn name(&self) -> &'static str;

    /// The name of a model's file in its version folder, such as `model.onnx`; `None` for an
    /// engine whose models are their configuration.
    fn file_name(&self) -> Option<&'static str>;

    /// `max_batch_size` of a model that can batch and does not say how much; 0: it does not batch.
    fn rows_max_default(&self) -> usize;

    /// The ordinals of the CUDA devices on which instances of a model with these `parameters` can run:
    /// without a word of the configuration they do. None where there are none.
    fn gpus(&self, parameters: &BTreeMap<String, String>) -> Vec<u32>;

    /// Tells what the files hold, so that the server can complete what the user left out. The
    /// dims are the engine's own: if it can batch, the first axis of every tensor is [`Dim::Any`].
    ///
    /// [`Dim::Any`]: crate::spec::Dim::Any
    ///
    /// # Errors
    /// When the files do not hold a model of this engine, or what is stated does not fit: one line
    /// each. A line that begins with `parameter 'key'`, `input 'name'` or `output 'name'` concerns
    /// that field of the configuration, and is shown with its place.
    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError>;

    /// Reads weights once. Called on a blocking thread.
    ///
    /// # Errors
    /// When this engine cannot run the model.
    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError>;
}

/// Loaded weights, shared by all instances.
pub trait Model: Send + Sync {
    /// Creates one execution slot. Called once for each of [`ModelSpec::instances`], and again
    /// when one of them has panicked.
    ///
    /// # Errors
    /// When the device cannot hold it.
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError>;

    /// What it and its instances together hold on each device now, as far as the engine counts it;
    /// empty where it does not. Called by statistics and scrapes, so it may not wait for a run.
    fn memory(&self) -> Vec<MemoryUsage>;
}

/// Memory that a model holds on one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Where.
    pub device: DeviceId,
    /// How much, whether in use or kept for the next run.
    pub size_bytes: u64,
}

/// One execution slot: a stream and its workspace.
///
/// `&mut self` is the threading contract: one thread owns an instance, so it needs no lock.
pub trait Instance: Send {
    /// Starts `batch` and returns as soon as the next one may be enqueued behind it: at once on a
    /// GPU, after the run on a CPU. A batch that cannot start is answered with its error.
    fn start(&mut self, batch: Batch) -> Running;
}

/// Answers a batch's requests: with their outputs, or with the device's error.
pub type Finish = Box<dyn FnOnce(Result<(), InferError>) + Send>;

/// What became of a batch that was started.
pub enum Running {
    /// Its requests are answered.
    Done,
    /// It runs on a device.
    OnDevice {
        /// What to wait for before `finish`.
        after: Box<dyn Completion>,
        /// Owns the requests. Dropping it abandons them. It may not block: it runs on the
        /// device's reaper thread.
        finish: Finish,
    },
}

/// The end of work on a device, such as a CUDA event.
pub trait Completion: Send {
    /// `None` while the device is still busy. Never blocks.
    fn poll(&self) -> Option<Result<(), InferError>>;
}
