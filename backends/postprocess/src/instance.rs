//! From a batch to its answers, request by request, so nothing is gathered and a request that does
//! not fit fails alone.

use std::sync::Arc;

use nereid_backend::backend::{Instance, Running};
use nereid_backend::batch::{Batch, response_of};
use nereid_backend::error::InferError;

use crate::head::{Head, Inputs};

/// One thread's head.
pub(crate) struct HeadInstance {
    pub(crate) head: Arc<dyn Head>,
}

impl Instance for HeadInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        batch.inputs_ready();
        let copies = batch.copies();
        let answer = |request| {
            let inputs = Inputs { request, copies };
            if request.is_cancelled() {
                return Err(InferError::Cancelled(request.id.clone()));
            }
            let outputs = self.head.run(&inputs)?;
            response_of(request, &outputs, |whole| Some(whole.clone()))
        };
        let answers = batch.requests().iter().map(answer).collect();
        batch.computed();
        batch.respond(answers);
        Running::Done
    }
}
