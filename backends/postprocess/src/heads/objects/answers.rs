//! The answers of operations that find objects, made of what a device has kept.

use std::ops::Range;
use std::sync::Arc;

use nereid_backend::error::InferError;
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::{Tensor, TensorError};
use nereid_kernels::cpu::Suppression;
use nereid_kernels::heads::{Closing, Faults, Found, Objects};

use super::{BOXES, CLASSES, INDICES, SCORES, names};
use crate::device::{Answers, Group, Home, OfRows, faults, rows_of};
use crate::found::{COUNT, Lists};
use crate::head::failed;
use crate::labels::{LABELS, Labels};
use crate::ports::Layout;

/// What the host needs of the objects, on its way.
struct Needed {
    faults: Option<Home>,
    /// Where lists are as long as they are.
    counts: Option<Home>,
    /// Where they have names.
    classes: Option<Home>,
}

/// Enqueues suppression, and makes answers of what it keeps.
///
/// # Errors
/// What the device tells.
pub(in crate::heads) fn enqueue(
    group: &Group<'_>,
    (found, suppression): (Found, &Suppression),
    (closing, wrong): (&Closing<'_>, Option<Faults>),
    (lists, labels): (Lists, Option<&Arc<Labels>>),
) -> Result<Answers, InferError> {
    let axes = match lists.layout {
        Layout::Batched => vec![group.rows(), lists.max],
        Layout::Single => vec![lists.max],
    };
    let kept = found.keep(group.executor, suppression, closing, &axes)?;
    let labels = labels.filter(|_| group.wants(LABELS)).cloned();
    let faults = wrong.map(|wrong| wrong.tensor(group.executor)).transpose()?;
    let home = |tensor: Option<&Tensor>| tensor.map(|it| group.send_home(it)).transpose();
    let needed = Needed {
        faults: home(faults.as_ref())?,
        counts: home((lists.layout == Layout::Single).then_some(&kept.counts))?,
        classes: home(labels.is_some().then_some(&kept.classes))?,
    };
    let tensors = tensors(kept, lists.layout)?;
    Ok(Box::new(move || answers(tensors, needed, lists, labels)))
}

fn tensors(kept: Objects, layout: Layout) -> Result<Tensors, InferError> {
    let Objects { boxes, scores, classes, places, counts } = kept;
    let counts = match layout {
        Layout::Batched => Some(counts),
        Layout::Single => counts.reshaped(vec![1]),
    };
    let counts = counts.ok_or_else(|| failed(&TensorError::Rows))?;
    let named =
        [(BOXES, boxes), (SCORES, scores), (CLASSES, classes), (INDICES, places), (COUNT, counts)];
    Ok(named.into_iter().map(|(name, tensor)| (name.into(), tensor)).collect())
}

fn answers(
    tensors: Tensors,
    needed: Needed,
    lists: Lists,
    labels: Option<Arc<Labels>>,
) -> Result<OfRows, InferError> {
    let integers = |home: Option<Home>| home.map_or(Ok(Vec::new()), Home::integers);
    let wrong = integers(needed.faults)?;
    let classes = integers(needed.classes)?;
    let count = integers(needed.counts)?
        .first()
        .map_or(lists.max, |&count| usize::try_from(count).unwrap_or_default());
    Ok(Box::new(move |rows: Range<usize>| {
        faults::check(&wrong, rows.clone())?;
        let mut outputs = rows_of(&tensors, lists.layout, rows.clone())?;
        let is_list = |name: &str| lists.layout == Layout::Single && name != COUNT;
        for (_, list) in outputs.iter_mut().filter(|(name, _)| is_list(name)) {
            *list = list.rows(0..count).ok_or_else(|| failed(&TensorError::Rows))?;
        }
        if let Some(labels) = &labels {
            let (shape, range) = match lists.layout {
                Layout::Batched => {
                    (vec![rows.len(), lists.max], rows.start * lists.max..rows.end * lists.max)
                }
                Layout::Single => (vec![count], 0..count),
            };
            let classes = classes.get(range).unwrap_or_default();
            outputs.push((LABELS.into(), names(shape, classes, labels)?));
        }
        Ok(outputs)
    }))
}
