//! Greedy decoding of connectionist temporal classification: from class probabilities over time to
//! text.
//!
//! This is "best path decoding" of A. Graves et al., "Connectionist Temporal Classification:
//! Labelling Unsegmented Sequence Data with Recurrent Neural Networks", ICML 2006, section 3.2:
//! the most probable class of each step, of which repetitions are collapsed and blanks removed.
//! The paper gives no score; the one here is the mean over the steps whose label was kept, as the
//! text recogniser of `PaddleOCR` computes it.

use nereid_kernels::cpu::argmax;

/// The text of one sequence, and its score: the mean of the largest numbers of the steps whose
/// label was kept, or 0 if there is none.
///
/// `steps` holds `classes` numbers for each step. They may be probabilities or logits; only the
/// score's meaning differs. A NaN is never the largest; a step of nothing but NaNs is a blank.
/// A class without a label adds nothing to the text.
pub(super) fn decode<S: AsRef<str>>(
    steps: &[f32],
    classes: usize,
    labels: &[S],
    blank: usize,
) -> (String, f32) {
    let (mut text, mut sum, mut kept) = (String::new(), 0.0, 0.0f32);
    let mut last = blank;
    // `chunks_exact` takes no 0; without classes there are no numbers either.
    for step in steps.chunks_exact(classes.max(1)) {
        let (class, number) = argmax(step).unwrap_or((blank, 0.0));
        if class != blank && class != last {
            text.push_str(labels.get(class).map_or("", AsRef::as_ref));
            sum += number;
            kept += 1.0;
        }
        last = class;
    }
    (text, if kept == 0.0 { 0.0 } else { sum / kept })
}

/// The text of the classes that a device has kept; -1 is none.
pub(super) fn text_of<S: AsRef<str>>(kept: &[i32], labels: &[S]) -> String {
    let label = |&class: &i32| labels.get(usize::try_from(class).ok()?).map(AsRef::as_ref);
    kept.iter().filter_map(label).collect()
}

#[cfg(test)]
mod tests;
