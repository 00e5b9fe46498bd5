//! What a model is, once its configuration and its files agree. Read-only after that.
//!
//! Configured sizes are [`Dim`]s and a tensor's are `usize`s, so a -1 never reaches a tensor.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::data_type::DataType;
use crate::device::DeviceId;

/// One configured axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// -1 in `config.pbtxt`: any size.
    Any,
    /// Exactly this size.
    Fixed(usize),
}

impl Dim {
    /// Whether an axis of `size` fits.
    pub fn admits(self, size: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Fixed(fixed) => size == fixed,
        }
    }

    /// As the wire writes it: -1 for any size.
    pub fn to_wire(self) -> i64 {
        match self {
            Self::Any => -1,
            Self::Fixed(size) => i64::try_from(size).unwrap_or(i64::MAX),
        }
    }

    /// From the wire's number, or `None` when it is negative and not -1.
    pub fn from_wire(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Any),
            _ => usize::try_from(number).ok().map(Self::Fixed),
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_wire().fmt(f)
    }
}

/// One input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// As clients write it.
    pub name: Arc<str>,
    /// Element type.
    pub data_type: DataType,
    /// Axes. In a [`ModelSpec`] the batch axis is not among them; in a [`Signature`] that an
    /// engine tells, it is.
    pub dims: Vec<Dim>,
    /// The axes that the engine has, if the configuration gives clients others: see
    /// [`crate::reshape`].
    pub reshape: Option<Vec<Dim>>,
    /// Inputs: whether a request may leave it out.
    pub is_optional: bool,
    /// Inputs: whether requests with other shapes may share a batch.
    pub is_ragged: bool,
    /// Inputs: whether instances on a device read it on the host all the same.
    pub is_read_on_host: bool,
    /// Outputs: the file of class names, one a line, that `label_filename` states.
    pub labels: Option<PathBuf>,
}

impl TensorSpec {
    /// A tensor that is neither reshaped, optional nor ragged, is read where instances are, and has
    /// no labels.
    pub fn new(name: &str, data_type: DataType, dims: Vec<Dim>) -> Self {
        let name = name.into();
        Self {
            name,
            data_type,
            dims,
            reshape: None,
            is_optional: false,
            is_ragged: false,
            is_read_on_host: false,
            labels: None,
        }
    }

    /// The axes that the engine has.
    pub fn engine_dims(&self) -> &[Dim] {
        self.reshape.as_deref().unwrap_or(&self.dims)
    }
}

/// What goes in and what comes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Inputs, in the engine's order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs, in the engine's order.
    pub outputs: Vec<TensorSpec>,
    /// Most rows that the engine takes, where it was built for some: what `max_batch_size` becomes if
    /// nothing is said, and what it may not exceed.
    pub rows_max: Option<usize>,
}

impl Signature {
    /// The input called `name`.
    pub fn input(&self, name: &str) -> Option<&TensorSpec> {
        self.inputs.iter().find(|input| &*input.name == name)
    }

    /// The output called `name`.
    pub fn output(&self, name: &str) -> Option<&TensorSpec> {
        self.outputs.iter().find(|output| &*output.name == name)
    }

    /// The same tensors with the axes of the engine, where clients see others; no `reshape` is
    /// left.
    pub fn as_the_engine_has_it(&self) -> Self {
        let one = |tensor: &TensorSpec| TensorSpec {
            dims: tensor.engine_dims().to_vec(),
            reshape: None,
            ..tensor.clone()
        };
        Self {
            inputs: self.inputs.iter().map(one).collect(),
            outputs: self.outputs.iter().map(one).collect(),
            rows_max: self.rows_max,
        }
    }
}

/// What `config.pbtxt` states, before anything is completed: often only a name.
#[derive(Clone, Debug, Default)]
pub struct RawSpec {
    /// The model's file, or its version folder for an engine that needs none.
    pub file: PathBuf,
    /// The part of the signature that the user wrote, without the batch axis if they batch.
    pub signature: Signature,
    /// `max_batch_size`; 0 means that the model does not batch, or that nothing was said.
    pub rows_max: usize,
    /// Engine options, for the backend to interpret.
    pub parameters: BTreeMap<String, String>,
}

/// A complete, consistent model version, as clients see it. Its engine gets it
/// [`ModelSpec::as_the_engine_has_it`].
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// Its folder's name.
    pub name: Arc<str>,
    /// Its version folder's number.
    pub version: u64,
    /// The model's file, or its version folder for an engine that needs none.
    pub file: PathBuf,
    /// Stated by the user and the engine alike; the batch axis is not among the dims.
    pub signature: Signature,
    /// Whether the first axis of every tensor is the batch.
    pub is_batched: bool,
    /// Most rows in a batch; 1 when the model does not batch.
    pub rows_max: usize,
    /// Engine options, for the backend to interpret.
    pub parameters: BTreeMap<String, String>,
    /// Engine options that have fields of their own.
    pub engine: EngineOptions,
    /// One entry for each execution slot.
    pub instances: Vec<InstanceSpec>,
}

impl ModelSpec {
    /// The same model with [`Signature::as_the_engine_has_it`].
    pub fn as_the_engine_has_it(&self) -> Self {
        Self { signature: self.signature.as_the_engine_has_it(), ..self.clone() }
    }
}

/// What a configuration asks of the engine outside of `parameters`. Each engine takes what it has a
/// use for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineOptions {
    /// `optimization.graph.level`.
    pub graph_level: GraphLevel,
    /// `model_operations.op_library_filename`: libraries of custom operators, which exist.
    pub op_libraries: Vec<PathBuf>,
    /// `optimization.priority`: whose work a device does first.
    pub urgency: Urgency,
    /// The parameter `device_memory_byte_size`: most memory of each device for tensors and intermediate
    /// results of all instances there; what the device has, if it is not said.
    pub device_memory_bytes_max: Option<usize>,
    /// `instance_group.profile`: which of a plan's optimization profiles instances use; the first, if
    /// empty.
    pub profiles: Vec<usize>,
    /// `optimization.execution_accelerators.gpu_execution_accelerator`, the preferred first.
    pub gpu_accelerators: Vec<Accelerator>,
}

/// What an engine is to run a model with, where it has a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// Its name, for the backend to interpret.
    pub name: String,
    /// Its options, for the backend to interpret.
    pub parameters: BTreeMap<String, String>,
}

/// Whose work comes first on a device that several models share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// After that of others.
    Min,
    /// Between both.
    #[default]
    Default,
    /// Before that of others.
    Max,
}

/// How far an engine may rewrite a model while it loads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphLevel {
    /// As far as it can.
    #[default]
    All,
    /// All that does not depend on the processor's layout of tensors.
    Extended,
    /// Only what makes the same graph smaller.
    Basic,
    /// Not at all.
    Disabled,
}

/// Numbers a model's instances from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub usize);

/// One execution slot.
#[derive(Clone, Copy, Debug)]
pub struct InstanceSpec {
    /// Which one of the model's.
    pub id: InstanceId,
    /// Where it runs.
    pub device: DeviceId,
}
