//! What our own reader finds in a model's file.

use std::io::Cursor;

use nereid_backend::spec::Signature;
use nereid_backend_onnx::Graph;

use crate::memory::bounded;

/// What reading takes for each byte: an input of two bytes is 80 in memory, and lists grow by
/// doubling.
const BYTES_PER_BYTE: usize = 250;

pub(super) fn run(data: &[u8]) {
    let size = u64::try_from(data.len()).unwrap();
    let bytes_max = BYTES_PER_BYTE * data.len() + 4096;
    let read = bounded(bytes_max, || Graph::parse(Cursor::new(data), size));
    let Ok(Ok(graph)) = read else { return };
    let (inputs, outputs) = (graph.inputs.len(), graph.outputs.len());
    let names: Vec<_> = graph.outputs.iter().map(|port| port.name.clone()).collect();
    let told = graph.inputs.iter().chain(&graph.outputs).all(|port| port.dims.is_some());
    let signature = match graph.signature(&Signature::default(), 0) {
        Ok(signature) => signature,
        Err(error) => return assert!(!told, "{error}"),
    };
    assert!(signature.inputs.len() <= inputs && signature.outputs.len() == outputs);
    assert!(signature.outputs.iter().zip(&names).all(|(spec, name)| *spec.name == **name));
}
