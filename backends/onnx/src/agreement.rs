//! Whether a configuration fits its model file. The texts are Triton's where it has one.

use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};

use crate::graph::{Graph, Port};

/// Checks names, types and dims of all inputs and outputs.
///
/// # Errors
/// Everything that differs, one a line.
pub(crate) fn check(spec: &ModelSpec, graph: &Graph) -> Result<(), LoadError> {
    let mut errors = Vec::new();
    let (inputs, outputs) = (&spec.signature.inputs, &spec.signature.outputs);
    for input in &graph.inputs {
        if spec.signature.input(&input.name).is_none() {
            let name = &input.name;
            errors.push(format!("the model's input '{name}' is missing in the configuration"));
        }
    }
    check_all("input", inputs, &graph.inputs, spec.is_batched, &mut errors);
    check_all("output", outputs, &graph.outputs, spec.is_batched, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(LoadError::new(errors.join("\n"))) }
}

fn check_all(
    what: &str,
    specs: &[TensorSpec],
    ports: &[Port],
    is_batched: bool,
    errors: &mut Vec<String>,
) {
    for spec in specs {
        if let Some(port) = ports.iter().find(|port| *port.name == *spec.name) {
            errors.extend(check_one(what, spec, port, is_batched));
            continue;
        }
        let names: Vec<_> = ports.iter().map(|port| &*port.name).collect();
        let (name, names) = (&spec.name, names.join(", "));
        errors.push(format!("unexpected inference {what} '{name}', allowed {what}s are: {names}"));
    }
}

fn check_one(what: &str, spec: &TensorSpec, port: &Port, is_batched: bool) -> Vec<String> {
    let mut errors = Vec::new();
    let name = &spec.name;
    if spec.data_type != port.data_type {
        errors.push(format!(
            "configuration expects datatype {} for {what} '{name}', model provides {}",
            spec.data_type.config_name(),
            port.data_type.config_name()
        ));
    }
    let Some(dims) = &port.dims else { return errors };
    if is_batched && dims.first() != Some(&Dim::Any) {
        errors.push(format!(
            "{what} '{name}': for the model to support batching the shape should have at least 1 \
             dimension and the first dimension must be -1; but shape expected by the model is {}; \
             set max_batch_size to 0 and write all dimensions",
            list(dims)
        ));
    } else if !fits(spec, dims, is_batched) {
        let note = if is_batched { " after the batch dimension" } else { "" };
        let own = if is_batched { &dims[1..] } else { dims };
        errors.push(format!(
            "{what} '{name}': the model expects {} dimensions (shape {}){note} but the model \
             configuration specifies {} dimensions (shape {})",
            own.len(),
            list(own),
            spec.dims.len(),
            list(&spec.dims)
        ));
    }
    errors
}

/// As Triton compares: what the model fixes, the configuration must state.
fn fits(spec: &TensorSpec, dims: &[Dim], is_batched: bool) -> bool {
    let batch = is_batched.then_some(&Dim::Any);
    let stated = batch.into_iter().chain(&spec.dims);
    let count = spec.dims.len() + usize::from(is_batched);
    count == dims.len() && stated.zip(dims).all(|(stated, own)| *own == Dim::Any || stated == own)
}

fn list(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("[{}]", dims.join(","))
}

#[cfg(test)]
mod tests;
