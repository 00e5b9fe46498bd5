//! A request without JSON: its whole body is the one input's data, and the shape follows from its
//! size. So `curl --data-binary` can send a file.

use nereid_backend::error::{InferError, id_prefix};
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_proto::infer::{InferRequest, Input};

use crate::http::body::Received;

/// The request to the model of `spec` that this body is. Who wants JSON gets JSON.
///
/// # Errors
/// [`InferError::Invalid`] when the model does not have one input whose shape can be deduced.
pub(super) fn request(
    spec: &ModelSpec,
    received: &Received,
    wants_json: bool,
) -> Result<InferRequest, InferError> {
    let [input] = spec.signature.inputs.as_slice() else {
        return Err(invalid(&format!(
            "Raw request must only have 1 input (found 1) to be deduced but got {} inputs in '{}' \
             model configuration",
            spec.signature.inputs.len(),
            spec.name
        )));
    };
    let mut shape = Vec::new();
    shape.extend(spec.is_batched.then_some(1));
    let data = match input.data_type.size_bytes() {
        None if input.dims == [Dim::Fixed(1)] => {
            shape.push(1);
            received.as_element()
        }
        None => {
            let name = &input.name;
            return Err(invalid(&format!(
                "For BYTE datatype raw input '{name}', the model must have input shape [1]"
            )));
        }
        Some(size) => {
            let data = received.bytes();
            let deduced = deduce(&input.dims, data.len() / size);
            shape.extend(deduced.ok_or_else(|| not_deduced(input, data.len()))?);
            data
        }
    };
    let (name, data_type) = (input.name.to_string(), input.data_type);
    let inputs = vec![Input::new(name, data_type, &shape, data)];
    Ok(InferRequest { inputs, is_output_binary: !wants_json, ..InferRequest::default() })
}

/// The shape of that many elements, if at most one axis is open.
fn deduce(dims: &[Dim], elements: usize) -> Option<Vec<usize>> {
    let fixed = dims.iter().try_fold(1usize, |product, dim| match dim {
        Dim::Any => Some(product),
        Dim::Fixed(size) => product.checked_mul(*size),
    })?;
    let open = dims.iter().filter(|dim| **dim == Dim::Any).count();
    if open > 1 || fixed == 0 {
        return None;
    }
    let sizes = dims.iter().map(|dim| match dim {
        Dim::Any => elements / fixed,
        Dim::Fixed(size) => *size,
    });
    Some(sizes.collect())
}

fn not_deduced(input: &TensorSpec, size_bytes: usize) -> InferError {
    let dims: Vec<_> = input.dims.iter().map(|dim| dim.to_wire()).collect();
    invalid(&format!(
        "the shape of raw input '{}' cannot be deduced from {size_bytes} bytes: its configuration \
         has dims {dims:?}",
        input.name
    ))
}

fn invalid(text: &str) -> InferError {
    InferError::Invalid(id_prefix("") + text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_shape_follows_from_its_size() {
        let check = |dims: &[i64], elements: usize, expected: Option<&[usize]>| {
            let dims: Vec<_> = dims.iter().map(|&dim| Dim::from_wire(dim).unwrap()).collect();
            assert_eq!(deduce(&dims, elements).as_deref(), expected, "{dims:?}");
        };
        check(&[-1], 7, Some(&[7]));
        check(&[2, -1], 6, Some(&[2, 3]));
        check(&[2, -1], 7, Some(&[2, 3])); // Admission finds that the size does not fit.
        check(&[2, 3], 1, Some(&[2, 3]));
        check(&[-1, -1], 6, None);
        check(&[], 1, Some(&[]));
    }
}
