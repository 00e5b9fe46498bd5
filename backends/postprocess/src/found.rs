//! Lists of things that were found in each row, as tensors.
//!
//! Where a request is one row, they are as long as they are. In a batch they are padded to a fixed
//! length with 0 (classes and indices with -1), and the output COUNT says how many are real.

use std::sync::Arc;

use nereid_backend::data_type::Element;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::tensor::Tensor;

use crate::head::failed;
use crate::ports::Layout;

/// The output with the number of things: INT32 of dims `[1]`.
pub(crate) const COUNT: &str = "COUNT";

/// Most things that the answer to one batch may have room for.
const THINGS_MAX: usize = 1 << 22;

/// How long the lists of a model are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists {
    pub(crate) layout: Layout,
    /// Most things in a row.
    pub(crate) max: usize,
}

impl Lists {
    /// Those of a model of batches of `rows_max` rows, 0 if it does not batch.
    ///
    /// # Errors
    /// When a batch of them would be too large.
    pub(crate) fn new(key: &str, max: usize, rows_max: usize) -> Result<Self, LoadError> {
        let layout = if rows_max > 0 { Layout::Batched } else { Layout::Single };
        if max.checked_mul(rows_max).is_none_or(|things| things > THINGS_MAX) {
            return Err(LoadError::new(format!(
                "parameter '{key}' is {max} and max_batch_size {rows_max}: an answer may have room \
                 for at most {THINGS_MAX} of them"
            )));
        }
        Ok(Self { layout, max })
    }
}

/// The answer to one request, as it grows row by row.
pub(crate) struct Found {
    lists: Lists,
    counts: Vec<i32>,
}

impl Found {
    /// No rows yet.
    pub(crate) fn new(lists: Lists) -> Self {
        Self { lists, counts: Vec::new() }
    }

    /// Ends a row of `count` things.
    pub(crate) fn end_row(&mut self, count: usize) {
        self.counts.push(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// Brings `values`, of which each thing of the row that just ended has `item`, to their length.
    pub(crate) fn pad<T: Clone>(&self, values: &mut Vec<T>, item: usize, fill: T) {
        if self.lists.layout == Layout::Batched {
            values.resize(self.counts.len() * self.lists.max * item, fill);
        }
    }

    /// The axes of a list of things with axes `item`.
    pub(crate) fn shape(&self, item: &[usize]) -> Vec<usize> {
        match self.lists.layout {
            Layout::Batched => [&[self.counts.len(), self.lists.max], item].concat(),
            Layout::Single => {
                let count = self.counts.first().copied().unwrap_or_default();
                [&[usize::try_from(count).unwrap_or_default()], item].concat()
            }
        }
    }

    /// A list as a tensor.
    ///
    /// # Errors
    /// When it has another length than the shape.
    pub(crate) fn tensor<T: Element>(
        &self,
        name: &str,
        item: &[usize],
        values: Vec<T>,
    ) -> Result<(Arc<str>, Tensor), InferError> {
        let tensor = Tensor::from_values(self.shape(item), values);
        Ok((name.into(), tensor.map_err(|error| failed(&error))?))
    }

    /// The numbers of things.
    ///
    /// # Errors
    /// When there are no rows.
    pub(crate) fn count(self) -> Result<Tensors, InferError> {
        let shape = match self.lists.layout {
            Layout::Batched => vec![self.counts.len(), 1],
            Layout::Single => vec![1],
        };
        let tensor = Tensor::from_values(shape, self.counts).map_err(|error| failed(&error))?;
        Ok(vec![(COUNT.into(), tensor)])
    }
}
