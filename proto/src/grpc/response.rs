//! From outputs to the message that answers. Raw tensors are shared until they are sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;

use crate::inference::ModelInferResponse;
use crate::inference::model_infer_response::InferOutputTensor;

/// Encodes what version `version` of `model` has answered to the request that its client calls
/// `id`. As in Triton, outputs are always raw; those that were `placed` in shared memory have no bytes.
///
/// # Errors
/// [`InferError::Backend`] when an output is not on the host.
pub fn encode(
    id: &str,
    model: &str,
    version: u64,
    outputs: &Tensors,
    placed: &[Arc<str>],
) -> Result<ModelInferResponse, InferError> {
    let mut described = Vec::with_capacity(outputs.len());
    let mut raw = Vec::with_capacity(outputs.len());
    for (name, tensor) in outputs {
        let shape = tensor.shape().iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX));
        described.push(InferOutputTensor {
            name: name.to_string(),
            datatype: tensor.data_type().name().to_owned(),
            shape: shape.collect(),
            ..InferOutputTensor::default()
        });
        if placed.contains(name) {
            raw.push(Bytes::new());
            continue;
        }
        raw.push(tensor.host_bytes().ok_or_else(|| {
            InferError::Backend(format!("output '{name}' is not on the host").into())
        })?);
    }
    Ok(ModelInferResponse {
        model_name: model.to_owned(),
        model_version: version.to_string(),
        id: id.to_owned(),
        parameters: BTreeMap::new(),
        outputs: described,
        raw_output_contents: raw,
    })
}

#[cfg(test)]
mod tests {
    use nereid_backend::tensor::Tensor;

    use super::*;

    #[test]
    fn outputs_are_described_and_their_bytes_shared() {
        let a = Tensor::from_values(vec![2, 1], vec![1_i16, 2]).unwrap();
        let b = Tensor::from_strings(vec![1], &["x"]).unwrap();
        let outputs = vec![("a".into(), a.clone()), ("b".into(), b)];
        let message = encode("7", "m", 3, &outputs, &[]).unwrap();
        let named = (&*message.id, &*message.model_name, &*message.model_version);
        assert_eq!(named, ("7", "m", "3"));
        let described = message.outputs.iter();
        let described: Vec<_> = described
            .map(|output| (&*output.name, &*output.datatype, output.shape.clone()))
            .collect();
        assert_eq!(described, [("a", "INT16", vec![2, 1]), ("b", "BYTES", vec![1])]);
        assert_eq!(&*message.raw_output_contents[1], b"\x01\0\0\0x");
        let share = a.host_bytes().unwrap();
        assert_eq!(message.raw_output_contents[0].as_ptr(), share.as_ptr());
        let placed = encode("7", "m", 3, &outputs, &["a".into()]).unwrap();
        assert_eq!(placed.outputs, message.outputs);
        assert_eq!(placed.raw_output_contents, [&b""[..], b"\x01\0\0\0x"]);
    }
}
