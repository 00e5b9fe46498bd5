//! Candidates of the nets of a cascade.
#![allow(unsafe_code)]

use nereid_backend::error::InferError;
use nereid_backend::tensor::Tensor;

use super::letterbox::read;
use super::{Found, enqueue};
use crate::cpu::Grid;
use crate::cuda::{Scores, score_corrected, score_places};
use crate::executor::{Executor, Work};

/// The scores among the numbers of a net.
pub struct ScoreTensor<'a> {
    /// FP32, `classes` numbers for each place.
    pub numbers: &'a Tensor,
    /// Numbers of a place.
    pub classes: usize,
    /// Which of them is the score.
    pub class: usize,
    /// A candidate's score is greater.
    pub threshold: f32,
}

impl<'a> ScoreTensor<'a> {
    fn read(&self, work: &mut Work<'a>) -> Result<Scores, InferError> {
        let Self { classes, class, threshold, .. } = *self;
        Ok(Scores { numbers: work.read(self.numbers)?, classes, class, threshold })
    }
}

impl Found {
    /// The squares that a net has seen which slid over `pictures` pictures, at as many places along x
    /// and y as `size` says. Twin: [`Grid::candidates`].
    ///
    /// # Errors
    /// See [`score_places`], and what the device tells.
    pub fn of_places(
        executor: &Executor,
        grid: Grid,
        scores: &ScoreTensor<'_>,
        (pictures, size): (usize, (usize, usize)),
    ) -> Result<Self, InferError> {
        let mut work = executor.work();
        let scores = scores.read(&mut work)?;
        let (found, candidates) = Self::new(&work, pictures, size.0.saturating_mul(size.1))?;
        // SAFETY: all regions are the work's.
        unsafe { enqueue(&work, score_places(grid, &scores, (pictures, size), &candidates)?) }?;
        Ok(found)
    }

    /// FP32 `boxes` that a net has looked at, corrected if there are `corrections`. Twin:
    /// [`crate::cpu::Corrections`].
    ///
    /// # Errors
    /// See [`score_corrected`], and what the device tells.
    pub fn of_corrected(
        executor: &Executor,
        (boxes, corrections): (&Tensor, Option<&Tensor>),
        scores: &ScoreTensor<'_>,
        (pictures, places): (usize, usize),
    ) -> Result<Self, InferError> {
        let mut work = executor.work();
        let (boxes, scores) = (work.read(boxes)?, scores.read(&mut work)?);
        let corrections = read(&mut work, corrections)?;
        let (found, candidates) = Self::new(&work, pictures, places)?;
        // SAFETY: all regions are the work's.
        unsafe { enqueue(&work, score_corrected(boxes, &scores, corrections, &candidates)?) }?;
        Ok(found)
    }
}
