//! The JPEGs of a batch that the device decodes, all at once.

use std::sync::Arc;

use nereid_backend::error::InferError;
use nereid_backend::observer::CopyCounter;
use nereid_kernels::device::{DeviceBuffer, DeviceError};
use nereid_kernels::nvjpeg::{Decoder, Outcome};

use crate::instance::plan::Plan;

/// For each picture of a request its pixels on the device; `None` is for the CPU to decode.
pub(super) type Decoded = Vec<Option<Arc<DeviceBuffer>>>;

/// What `decoder` takes of the pictures that are drawn.
///
/// # Errors
/// When the device has no memory for it, or is lost.
pub(super) fn decode(
    decoder: Option<&mut Decoder>,
    plans: &[Result<Plan<'_>, InferError>],
    copies: &CopyCounter,
) -> Result<Vec<Decoded>, DeviceError> {
    let none = |plan: &Result<Plan<'_>, _>| {
        plan.as_ref().map_or_else(|_| Vec::new(), |plan| vec![None; plan.pictures.len()])
    };
    let mut all: Vec<Decoded> = plans.iter().map(none).collect();
    let Some(decoder) = decoder else { return Ok(all) };
    let (mut places, mut files) = (Vec::new(), Vec::new());
    for (request, plan) in plans.iter().enumerate() {
        let pictures = plan.iter().flat_map(|plan| &plan.pictures).enumerate();
        for (index, planned) in pictures.filter(|(_, planned)| !planned.drawings.is_empty()) {
            if let Some(file) = planned.picture.encoded() {
                places.push((request, index));
                files.push(file);
            }
        }
    }
    let outcomes = decoder.decode_batch(&files, copies)?;
    for ((request, index), outcome) in places.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Decoded(levels) => all[request][index] = Some(levels),
            Outcome::Refused(why) => tracing::debug!("a JPEG is decoded on the CPU: {why}"),
        }
    }
    Ok(all)
}
