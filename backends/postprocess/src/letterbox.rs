//! The inputs that say how a picture was brought into a model's input, as the image backend gives
//! them: where they are, results come in the picture's own pixels.

use nereid_backend::data_type::DataType;
use nereid_backend::error::InferError;
use nereid_backend::spec::{Dim, Signature};
use nereid_kernels::cpu::Letterbox;
use nereid_kernels::heads::{Faults, LetterboxTensors, Way};

use crate::device::{Group, faults};
use crate::head::Inputs;
use crate::ports::{Layout, Port};

/// Scale x, scale y, offset x, offset y.
const TRANSFORM: &str = "TRANSFORM";
/// The first half of it, for those who have it apart.
const SCALE: &str = "SCALE";
/// The other half.
const OFFSET: &str = "OFFSET";
/// Height and width of the picture.
const ORIGINAL_SIZE: &str = "ORIGINAL_SIZE";

const NAMES: [&str; 4] = [TRANSFORM, SCALE, OFFSET, ORIGINAL_SIZE];

/// The inputs, none of which must be there.
pub(crate) fn ports() -> [Port; 4] {
    let floats = |name, count| Port::new(name, &[DataType::Fp32], [Dim::Fixed(count)]);
    let size = Port::new(ORIGINAL_SIZE, &[DataType::Int32, DataType::Int64], [Dim::Fixed(2)]);
    [floats(TRANSFORM, 4), floats(SCALE, 2), floats(OFFSET, 2), size].map(Port::if_written)
}

/// Which of the inputs a model has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetterboxInputs {
    layout: Layout,
    has: [bool; 4],
}

impl LetterboxInputs {
    /// Those in a completed signature.
    pub(crate) fn of(signature: &Signature, layout: Layout) -> Self {
        Self { layout, has: NAMES.map(|name| signature.input(name).is_some()) }
    }

    /// One for each row of a request. An optional input that was not sent is as if the model did
    /// not have it.
    ///
    /// # Errors
    /// [`InferError::Invalid`] when a scale is not greater than 0, an offset not finite, or a size
    /// negative.
    pub(crate) fn read(self, inputs: &Inputs<'_>) -> Result<Vec<Letterbox>, InferError> {
        let mut rows = vec![Letterbox::default(); inputs.row_count(self.layout)];
        let is_there = |(name, has): (&str, bool)| has && inputs.request.input(name).is_some();
        let [transform, scale, offset, size] = self.has;
        if is_there((SCALE, scale)) {
            let scales = inputs.rows::<1>(SCALE, self.layout)?;
            for (index, row) in rows.iter_mut().enumerate() {
                row.scale = *scales.get(index).first_chunk().unwrap_or(&[1.0; 2]);
            }
        }
        if is_there((OFFSET, offset)) {
            let offsets = inputs.rows::<1>(OFFSET, self.layout)?;
            for (index, row) in rows.iter_mut().enumerate() {
                row.offset = *offsets.get(index).first_chunk().unwrap_or(&[0.0; 2]);
            }
        }
        if is_there((TRANSFORM, transform)) {
            let transforms = inputs.rows::<1>(TRANSFORM, self.layout)?;
            for (index, row) in rows.iter_mut().enumerate() {
                if let &[scale_x, scale_y, offset_x, offset_y] = transforms.get(index) {
                    (row.scale, row.offset) = ([scale_x, scale_y], [offset_x, offset_y]);
                }
            }
        }
        if is_there((ORIGINAL_SIZE, size)) {
            for (row, size) in rows.iter_mut().zip(self.sizes(inputs)?) {
                row.size = Some(size);
            }
        }
        rows.iter().try_for_each(check)?;
        Ok(rows)
    }

    /// Checks the shapes of those that were sent.
    ///
    /// # Errors
    /// [`InferError::Invalid`] when one has not a row for each of the request's.
    pub(crate) fn check(self, inputs: &Inputs<'_>) -> Result<(), InferError> {
        for (name, _) in NAMES.iter().zip(self.has).filter(|(_, has)| *has) {
            if inputs.request.input(name).is_some() {
                inputs.row_shape::<1>(name, self.layout)?;
            }
        }
        Ok(())
    }

    /// The way back for all rows of a group; what is wrong with values is in `faults`, which are made
    /// if there are none and anything is said.
    ///
    /// # Errors
    /// What the device tells.
    pub(crate) fn enqueue(
        self,
        group: &Group<'_>,
        faults: &mut Option<Faults>,
    ) -> Result<Way, InferError> {
        let [transform, scale, offset, size] = self.has;
        let sent = |has: bool, name| if has { group.optional(name) } else { Ok(None) };
        let said = LetterboxTensors {
            transforms: sent(transform, TRANSFORM)?,
            scales: sent(scale, SCALE)?,
            offsets: sent(offset, OFFSET)?,
            sizes: sent(size, ORIGINAL_SIZE)?,
        };
        if said.is_empty() {
            return Ok(Way::default());
        }
        let (executor, rows) = (group.executor, group.rows());
        said.read(executor, rows, faults::of(group, faults)?)
    }

    /// Width and height of each row's picture.
    fn sizes(self, inputs: &Inputs<'_>) -> Result<Vec<[f32; 2]>, InferError> {
        inputs.row_shape::<1>(ORIGINAL_SIZE, self.layout)?;
        let sizes = inputs.integers(ORIGINAL_SIZE)?;
        let (pairs, _) = sizes.as_chunks::<2>();
        let side = |side: i64| {
            // The sides of pictures have 16 bits; what is larger is a mistake.
            let side = u16::try_from(side).map(f32::from);
            side.map_err(|_| {
                InferError::Invalid(format!(
                    "input '{ORIGINAL_SIZE}' must be height and width, each 0 to {}, not {sizes:?}",
                    u16::MAX
                ))
            })
        };
        pairs.iter().map(|&[height, width]| Ok([side(width)?, side(height)?])).collect()
    }
}

fn check(row: &Letterbox) -> Result<(), InferError> {
    let is_good = row.scale.iter().all(|scale| *scale > 0.0 && scale.is_finite())
        && row.offset.iter().all(|offset| offset.is_finite());
    if is_good {
        return Ok(());
    }
    Err(InferError::Invalid(format!(
        "scales must be greater than 0 and all of scale and offset finite, not {:?} and {:?}",
        row.scale, row.offset
    )))
}
