//! What an ONNX file says of its inputs and outputs, read without the engine.
//!
//! A session would tell the same, but to open one takes tens of milliseconds for a model of 10 MB
//! even without optimisation, and `load` opens one anyway; jumping through the file takes a third
//! of one once the file is cached. And it is safer: while it opens a session, the `ort` crate
//! panics at some types that are no tensors, and reads an element type that it does not know into
//! an enum without a variant for it. A file that passed here has neither.

mod raw;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

use crate::protobuf::Message;
use raw::RawGraph;

/// The inputs and outputs of a model.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Those that a caller must or may give, in the file's order.
    pub inputs: Vec<Port>,
    /// All outputs, in the file's order.
    pub outputs: Vec<Port>,
}

/// One input or output.
#[derive(Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub data_type: DataType,
    /// All its axes, if the file tells them.
    pub dims: Option<Vec<Dim>>,
    /// Inputs: whether a weight stands in for it, so that a caller may leave it out.
    pub has_default: bool,
}

impl Graph {
    /// Reads a model's file.
    ///
    /// # Errors
    /// When it is no ONNX model, or has inputs or outputs of types that cannot be served: all of
    /// them, one a line.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let error = |cause| {
            let path = path.display();
            LoadError::new(format!("cannot read {path} as an ONNX model: {cause}"))
        };
        let file = File::open(path).map_err(error)?;
        let size = file.metadata().map_err(error)?.len();
        Self::parse(BufReader::new(file), size).map_err(error)?
    }

    /// Reads a model that is the next `size` bytes of `source`. The outer error is that of bytes
    /// which are no ONNX model.
    ///
    /// # Errors
    /// As [`Graph::read`].
    pub fn parse(source: impl Read + Seek, size: u64) -> io::Result<Result<Self, LoadError>> {
        let raw = RawGraph::read(Message::new(source, size))?;
        let no_graph = || io::Error::new(io::ErrorKind::InvalidData, "it has no graph");
        Ok(raw.ok_or_else(no_graph)?.check())
    }

    /// Its inputs and outputs as specifications. An axis list that the file leaves out is taken
    /// from what the user wrote, `user`; `rows_max` is `max_batch_size`. A weight that may be
    /// given as an input is one only for a user who names it, since most exporters do not mean it.
    ///
    /// # Errors
    /// When neither the file nor the user tells the dims: all such tensors, one a line.
    pub fn signature(self, user: &Signature, rows_max: usize) -> Result<Signature, LoadError> {
        let mut errors = Vec::new();
        let mut specs = |what: &str, ports: Vec<Port>, user: &[TensorSpec]| {
            let is_stated = |port: &Port| user.iter().any(|spec| *spec.name == *port.name);
            let spec = |Port { name, data_type, dims, has_default }| {
                let stated = user.iter().find(|spec| *spec.name == *name).map(|spec| {
                    let batch = (rows_max > 0).then_some(Dim::Any);
                    batch.into_iter().chain(spec.dims.iter().copied()).collect()
                });
                if dims.is_none() && stated.is_none() {
                    errors.push(unknown_dims(what, &name, data_type));
                }
                let dims = dims.or(stated).unwrap_or_default();
                TensorSpec { is_optional: has_default, ..TensorSpec::new(&name, data_type, dims) }
            };
            let ports = ports.into_iter().filter(|port| !port.has_default || is_stated(port));
            ports.map(spec).collect()
        };
        let inputs = specs("input", self.inputs, &user.inputs);
        let outputs = specs("output", self.outputs, &user.outputs);
        if errors.is_empty() {
            Ok(Signature { inputs, outputs, ..Signature::default() })
        } else {
            Err(LoadError::new(errors.join("\n")))
        }
    }
}

fn unknown_dims(what: &str, name: &str, data_type: DataType) -> String {
    let data_type = data_type.config_name();
    format!(
        "{what} '{name}' has no shape in the model's file: state it in config.pbtxt, as in \
         {what} [ {{ name: \"{name}\" data_type: {data_type} dims: [ -1 ] }} ]"
    )
}

#[cfg(test)]
mod tests;
