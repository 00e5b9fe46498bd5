//! What batches have cost, by their rows: a table that grows without a lock.
//!
//! Block k has the cells of 2^k to 2^(k+1) - 1 rows and is made when the first such batch has run,
//! so the table takes 64 bytes a row of the largest batch at most, whatever `max_batch_size` says.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nereid_backend::parts::Times;

use super::durations::{Sum, Total};

/// Blocks of the table.
const BLOCKS: usize = 16;

/// Batches of more rows are counted as if they had this many.
pub const ROWS_MAX: usize = (1 << BLOCKS) - 1;

/// What batches of one size have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchTotals {
    /// Until the inputs were where the engine wants them.
    pub compute_input: Total,
    /// In the engine.
    pub compute_infer: Total,
    /// Until the outputs were where they should be.
    pub compute_output: Total,
}

/// [`BatchTotals`] by rows, which many threads add to.
#[derive(Debug, Default)]
pub(super) struct Batches([OnceLock<Box<[Cell]>>; BLOCKS]);

impl Batches {
    pub(super) fn add(&self, rows: usize, times: &Times) {
        let rows = rows.clamp(1, ROWS_MAX);
        let power = rows.ilog2();
        let Some(block) = usize::try_from(power).ok().and_then(|power| self.0.get(power)) else {
            return; // Cannot be: `rows` is below 2^BLOCKS.
        };
        let first = 1 << power;
        let cells = block.get_or_init(|| (0..first).map(|_| Cell::default()).collect());
        if let Some(cell) = cells.get(rows - first) {
            cell.add(times);
        }
    }

    /// The sizes that have run, ascending.
    pub(super) fn totals(&self) -> BTreeMap<usize, BatchTotals> {
        let blocks = self.0.iter().enumerate();
        let cells = blocks.filter_map(|(power, block)| Some((1 << power, block.get()?)));
        let by_rows = cells.flat_map(|(first, cells)| (first..).zip(cells));
        by_rows.filter_map(|(rows, cell)| Some((rows, cell.totals()?))).collect()
    }
}

#[derive(Debug, Default)]
struct Cell {
    count: AtomicU64,
    compute_input: Sum,
    compute_infer: Sum,
    compute_output: Sum,
}

impl Cell {
    fn add(&self, times: &Times) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let spent = times.stages();
        self.compute_input.add(spent.compute_input);
        self.compute_infer.add(spent.compute_infer);
        self.compute_output.add(spent.compute_output);
    }

    /// `None` if no batch had this size.
    fn totals(&self) -> Option<BatchTotals> {
        let count = self.count.load(Ordering::Relaxed);
        let totals = || BatchTotals {
            compute_input: self.compute_input.total(count),
            compute_infer: self.compute_infer.total(count),
            compute_output: self.compute_output.total(count),
        };
        (count > 0).then(totals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_a_cell_of_its_own() {
        let batches = Batches::default();
        let sizes = [1, 2, 3, 4, 7, 8, 1_000, ROWS_MAX - 1, ROWS_MAX];
        for (index, &rows) in sizes.iter().enumerate() {
            (0..=index).for_each(|_| batches.add(rows, &Times::default()));
        }
        let counts = batches.totals().into_iter().map(|(rows, of)| (rows, of.compute_infer.count));
        let expected = sizes.into_iter().zip(1..);
        assert_eq!(counts.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn what_has_no_cell_is_counted_at_the_end() {
        let batches = Batches::default();
        for rows in [0, ROWS_MAX + 1, usize::MAX] {
            batches.add(rows, &Times::default());
        }
        let counts = batches.totals().into_iter().map(|(rows, of)| (rows, of.compute_infer.count));
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 1), (ROWS_MAX, 2)]);
    }
}
