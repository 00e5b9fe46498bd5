//! The operations, one file each; `docs/postprocess.md` has them as a table.

mod along_axis;
mod concatenate;
mod ctc;
mod detection;
mod heatmap;
mod nms;
mod objects;
mod proposals;
mod refine;
mod softmax;
mod text_detection;
mod top_k;

use std::collections::BTreeMap;

use nereid_backend::error::LoadError;

use crate::head::Operation;
use crate::parameters::OPERATION;

type Parse = fn(&BTreeMap<String, String>) -> Result<Box<dyn Operation>, LoadError>;

/// Every value of the parameter `operation`.
const OPERATIONS: [(&str, Parse); 11] = [
    (top_k::TopK::ARGMAX, top_k::TopK::parse_argmax),
    (concatenate::Concatenate::NAME, concatenate::Concatenate::parse),
    (ctc::Ctc::NAME, ctc::Ctc::parse),
    (detection::Detection::NAME, detection::Detection::parse),
    (heatmap::Heatmap::NAME, heatmap::Heatmap::parse),
    (nms::Nms::NAME, nms::Nms::parse),
    (proposals::Proposals::NAME, proposals::Proposals::parse),
    (refine::Refine::NAME, refine::Refine::parse),
    (softmax::Softmax::NAME, softmax::Softmax::parse),
    (text_detection::TextDetection::NAME, text_detection::TextDetection::parse),
    (top_k::TopK::NAME, top_k::TopK::parse),
];

/// Those of them that have kernels for devices.
pub(crate) const ON_DEVICES: [&str; 10] = [
    top_k::TopK::ARGMAX,
    concatenate::Concatenate::NAME,
    ctc::Ctc::NAME,
    detection::Detection::NAME,
    heatmap::Heatmap::NAME,
    nms::Nms::NAME,
    proposals::Proposals::NAME,
    refine::Refine::NAME,
    softmax::Softmax::NAME,
    top_k::TopK::NAME,
];

/// Reads all parameters.
///
/// # Errors
/// Everything that is wrong with them, one a line.
pub(crate) fn parse(
    parameters: &BTreeMap<String, String>,
) -> Result<Box<dyn Operation>, LoadError> {
    let known = || OPERATIONS.map(|(name, _)| name).join(", ");
    let Some(stated) = parameters.get(OPERATION).map(|text| text.trim()) else {
        let text = format!("parameter '{OPERATION}' is missing: it is one of {}", known());
        return Err(LoadError::new(text));
    };
    let Some((_, parse)) = OPERATIONS.iter().find(|(name, _)| *name == stated) else {
        let known = known();
        let text = format!("parameter '{OPERATION}' must be one of {known}, not \"{stated}\"");
        return Err(LoadError::new(text));
    };
    parse(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_must_be_one_of_these() {
        let error = |parameters: &[(&str, &str)]| {
            let owned = parameters.iter().map(|&(key, value)| (key.into(), value.into()));
            parse(&owned.collect()).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(error(&[("operation", " softmax ")]), Ok(()));
        let missing = error(&[]).unwrap_err();
        assert!(missing.starts_with("parameter 'operation' is missing: it is one of argmax, "));
        let wrong = error(&[("operation", "soft")]).unwrap_err();
        assert!(wrong.ends_with(", top_k, not \"soft\""), "{wrong}");
        let all = error(&[("operation", "ctc_greedy_decode"), ("blnk", "1"), ("blank", "-1")]);
        let expected = "parameter 'blank' must be the number of a class, from 0, not \"-1\"\n\
            parameter 'blnk' is unknown: ctc_greedy_decode knows operation, blank";
        assert_eq!(all, Err(expected.into()));
    }
}
