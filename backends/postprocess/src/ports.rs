//! Which inputs and outputs a model has whose operation names them: what the user left out is
//! filled in, and what does not fit is refused.
//!
//! With `max_batch_size` every tensor has the batch axis first, which dims do not state. Without
//! it a request is one row, and an input may be written with one axis of size 1 before its own, as
//! models are exported. If no dims are written at all, the model may batch.

use nereid_backend::data_type::DataType;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, Signature, TensorSpec};

/// An input or output of an operation.
pub(crate) struct Port {
    name: &'static str,
    /// The first is what it has unless stated.
    data_types: &'static [DataType],
    /// Of one row.
    dims: Vec<Dim>,
    is_if_written: bool,
}

impl Port {
    /// A tensor that the model always has.
    pub(crate) fn new(
        name: &'static str,
        data_types: &'static [DataType],
        dims: impl Into<Vec<Dim>>,
    ) -> Self {
        Self { name, data_types, dims: dims.into(), is_if_written: false }
    }

    /// A tensor that the model has if the configuration names it.
    pub(crate) fn if_written(self) -> Self {
        Self { is_if_written: true, ..self }
    }

    fn spec(&self) -> TensorSpec {
        let data_type = self.data_types.first().copied().unwrap_or(DataType::Fp32);
        TensorSpec::new(self.name, data_type, Vec::new())
    }
}

/// What a row's answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A batch axis first; lists are padded to a fixed length.
    Batched,
    /// One row, whose lists are as long as they are.
    Single,
}

impl Layout {
    /// That of a model of which the user wrote `user`.
    pub(crate) fn of(user: &Signature, rows_max: usize) -> Self {
        let mut tensors = user.inputs.iter().chain(&user.outputs);
        let is_silent = tensors.all(|tensor| tensor.dims.is_empty());
        if rows_max > 0 || is_silent { Self::Batched } else { Self::Single }
    }

    /// The length of a list of at most `max`.
    pub(crate) fn list(self, max: usize) -> Dim {
        match self {
            Self::Batched => Dim::Fixed(max),
            Self::Single => Dim::Any,
        }
    }
}

/// The signature of a model of which the user wrote `user`.
///
/// # Errors
/// Everything in `user` that does not fit, one a line.
pub(crate) fn complete(
    user: &Signature,
    layout: Layout,
    inputs: &[Port],
    outputs: &[Port],
) -> Result<Signature, LoadError> {
    let mut errors = Vec::new();
    let mut side = |what, written: &[TensorSpec], ports: &[Port], may_lead| {
        Side { what, ports, layout, may_lead }.complete(written, &mut errors)
    };
    let signature = Signature {
        inputs: side("input", &user.inputs, inputs, layout == Layout::Single),
        outputs: side("output", &user.outputs, outputs, false),
        ..Signature::default()
    };
    if errors.is_empty() { Ok(signature) } else { Err(LoadError::new(errors.join("\n"))) }
}

struct Side<'p> {
    what: &'static str,
    ports: &'p [Port],
    layout: Layout,
    /// Whether an axis of size 1 may come first.
    may_lead: bool,
}

impl Side<'_> {
    fn complete(&self, written: &[TensorSpec], errors: &mut Vec<String>) -> Vec<TensorSpec> {
        let mut tensors = Vec::with_capacity(self.ports.len());
        for tensor in written {
            match self.ports.iter().find(|port| *port.name == *tensor.name) {
                Some(port) => tensors.push(self.tensor(tensor, port, errors)),
                None => errors.push(self.unknown(&tensor.name)),
            }
        }
        let is_left_out = |port: &&Port| {
            !port.is_if_written && !written.iter().any(|tensor| *tensor.name == *port.name)
        };
        for port in self.ports.iter().filter(is_left_out) {
            tensors.push(self.tensor(&port.spec(), port, errors));
        }
        tensors
    }

    fn unknown(&self, name: &str) -> String {
        let what = self.what;
        let names: Vec<_> = self.ports.iter().map(|port| port.name).collect();
        format!("the operation has no {what} '{name}'; its {what}s are {}", names.join(", "))
    }

    fn tensor(&self, written: &TensorSpec, port: &Port, errors: &mut Vec<String>) -> TensorSpec {
        let (what, name) = (self.what, &written.name);
        if !port.data_types.contains(&written.data_type) {
            let known: Vec<_> = port.data_types.iter().map(|known| known.config_name()).collect();
            let (known, data_type) = (known.join(" or "), written.data_type.config_name());
            errors.push(format!("{what} '{name}' must be {known}, not {data_type}"));
        }
        let dims = if written.dims.is_empty() { &port.dims } else { &written.dims };
        if !self.fits(dims, &port.dims) {
            let (expected, dims) = (list(&port.dims), list(dims));
            errors.push(format!("{what} '{name}' must have dims {expected}, not {dims}"));
        }
        let rows: &[Dim] = if self.layout == Layout::Batched { &[Dim::Any] } else { &[] };
        TensorSpec { dims: [rows, dims].concat(), ..written.clone() }
    }

    fn fits(&self, dims: &[Dim], expected: &[Dim]) -> bool {
        let dims = match dims {
            [Dim::Any | Dim::Fixed(1), row @ ..]
                if self.may_lead && dims.len() == expected.len() + 1 =>
            {
                row
            }
            dims => dims,
        };
        let admits = |(dim, expected): (&Dim, &Dim)| {
            *dim == *expected || *dim == Dim::Any || *expected == Dim::Any
        };
        dims.len() == expected.len() && dims.iter().zip(expected).all(admits)
    }
}

/// Dims as `config.pbtxt` writes them.
pub(crate) fn list(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[ {} ]", dims.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Dim = Dim::Any;

    fn told(inputs: &[(&str, &[i64])], rows_max: usize) -> Result<String, String> {
        let spec = |&(name, dims): &(&str, &[i64])| {
            let dims = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
            TensorSpec::new(name, DataType::Fp32, dims)
        };
        let user = Signature {
            inputs: inputs.iter().map(spec).collect(),
            outputs: vec![],
            ..Signature::default()
        };
        let layout = Layout::of(&user, rows_max);
        let inputs = [
            Port::new("X", &[DataType::Fp32], [ANY, Dim::Fixed(4)]),
            Port::new("SIZE", &[DataType::Int64, DataType::Int32], [Dim::Fixed(2)]).if_written(),
        ];
        let outputs = [Port::new("Y", &[DataType::Fp32], [layout.list(9), Dim::Fixed(4)])];
        let signature = complete(&user, layout, &inputs, &outputs);
        let signature = signature.map_err(|error| error.to_string())?;
        let tensors = signature.inputs.iter().chain(&signature.outputs);
        let told = tensors.map(|tensor| format!("{}{}", tensor.name, list(&tensor.dims)));
        Ok(told.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_was_left_out_is_filled_in() {
        let check = |inputs: &[(&str, &[i64])], rows_max, expected: &str| {
            assert_eq!(told(inputs, rows_max), Ok(expected.into()));
        };
        check(&[], 0, "X[ -1, -1, 4 ] Y[ -1, 9, 4 ]");
        check(&[], 8, "X[ -1, -1, 4 ] Y[ -1, 9, 4 ]");
        check(&[("X", &[7, 4])], 8, "X[ -1, 7, 4 ] Y[ -1, 9, 4 ]");
        check(&[("X", &[7, 4])], 0, "X[ 7, 4 ] Y[ -1, 4 ]");
        check(&[("X", &[1, 7, -1])], 0, "X[ 1, 7, -1 ] Y[ -1, 4 ]");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |inputs: &[(&str, &[i64])], rows_max, expected: &str| {
            assert_eq!(told(inputs, rows_max), Err(expected.into()));
        };
        check(&[("X", &[7, 5])], 8, "input 'X' must have dims [ -1, 4 ], not [ 7, 5 ]");
        check(&[("X", &[1, 7, 4])], 8, "input 'X' must have dims [ -1, 4 ], not [ 1, 7, 4 ]");
        check(&[("X", &[2, 7, 4])], 0, "input 'X' must have dims [ -1, 4 ], not [ 2, 7, 4 ]");
        let unknown = "the operation has no input 'Z'; its inputs are X, SIZE";
        check(&[("Z", &[2])], 8, unknown);
        let types = "input 'SIZE' must be TYPE_INT64 or TYPE_INT32, not TYPE_FP32";
        check(&[("SIZE", &[2])], 8, types);
    }
}
