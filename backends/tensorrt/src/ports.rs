//! What a plan says of its inputs and outputs.

use std::ffi::CString;
use std::sync::Arc;

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::data_type;
use crate::profiles::Profile;
use crate::sys::{Engine, Location, Mode, Refusal};

/// `TensorFormat::kLINEAR`: row-major, as requests are.
const LINEAR: i32 = 0;

/// One input or output of an engine.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) name: Arc<str>,
    /// The same for the library.
    pub(crate) c_name: CString,
    pub(crate) data_type: DataType,
    /// All axes, the batch's among them.
    pub(crate) dims: Vec<Dim>,
    /// Values of shapes are on the host.
    pub(crate) location: Location,
}

/// All of an engine, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
}

impl Ports {
    /// What `engine` has.
    ///
    /// # Errors
    /// When the library does not tell, and all tensors that requests cannot carry, one line each.
    pub(crate) fn read(engine: &Engine) -> Result<Self, LoadError> {
        let (mut ports, mut faults) = (Self::default(), Vec::new());
        for index in 0..engine.tensor_count()? {
            match Port::read(engine, index)? {
                (Mode::Input, Ok(port)) => ports.inputs.push(port),
                (Mode::Output, Ok(port)) => ports.outputs.push(port),
                (Mode::Input, Err(fault)) => faults.push(format!("input {fault}")),
                (Mode::Output, Err(fault)) => faults.push(format!("output {fault}")),
            }
        }
        if faults.is_empty() { Ok(ports) } else { Err(LoadError::new(faults.join("\n"))) }
    }

    /// The dims that clients see, with the batch axis; a batch has at most the rows that a profile has.
    pub(crate) fn signature(&self, profiles: &[Profile]) -> Signature {
        let spec = |port: &Port| TensorSpec {
            is_read_on_host: port.location == Location::Host,
            ..TensorSpec::new(&port.name, port.data_type, port.dims.clone())
        };
        Signature {
            inputs: self.inputs.iter().map(spec).collect(),
            outputs: self.outputs.iter().map(spec).collect(),
            rows_max: profiles.iter().filter_map(|profile| profile.rows_max(&self.inputs)).max(),
        }
    }

    /// An input of values of shapes, which has no batch axis.
    pub(crate) fn shape_input(&self) -> Option<&Port> {
        self.inputs.iter().find(|port| port.location == Location::Host)
    }
}

impl Port {
    /// The port, or why requests cannot carry it.
    fn read(engine: &Engine, index: i32) -> Result<(Mode, Result<Self, String>), Refusal> {
        let c_name = engine.tensor_name(index)?.to_owned();
        let mode = engine.tensor_mode(&c_name)?;
        let location = engine.tensor_location(&c_name)?;
        let shape = engine.tensor_shape(&c_name)?;
        let dims = shape.sizes().unwrap_or_default().iter().map(|size| Dim::from_wire(*size));
        let name: Arc<str> = c_name.to_string_lossy().into();
        let format = engine.tensor_format(&c_name);
        let data_type = data_type::from_number(engine.tensor_data_type(&c_name));
        let port = match (data_type, dims.collect::<Option<Vec<_>>>()) {
            _ if format != LINEAR => Err(format!(
                "'{name}': the plan has it in TensorRT's format {format}; build it with linear (row-major) inputs and \
                 outputs: trtexec --inputIOFormats, --outputIOFormats"
            )),
            (Err(data_type), _) => Err(format!(
                "'{name}': its type is TensorRT's {data_type}, which requests have no name for; cast it in the network"
            )),
            (_, None) => Err(format!("'{name}': its shape is {shape:?}")),
            (Ok(data_type), Some(dims)) => Ok(Self { name, c_name, data_type, dims, location }),
        };
        Ok((mode, port))
    }
}

impl From<Refusal> for LoadError {
    /// The library does not answer what it always answers.
    fn from(refusal: Refusal) -> Self {
        Self::new(format!("TensorRT does not tell what the plan has: {refusal}"))
    }
}
