//! An engine that takes time, fails and panics as requests tell it, on the host and on a device that
//! is only a clock.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nereid_backend::backend::{Backend, Completion, Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::data_type::DataType;
use nereid_backend::error::{InferError, LoadError};
use nereid_backend::parts::Tensors;
use nereid_backend::spec::{Dim, InstanceSpec, ModelSpec, RawSpec, Signature, TensorSpec};
use nereid_backend::tensor::Tensor;

/// What a run does, by the second number of a row; a batch does the last of its rows' deeds in this
/// order. Any other number is how many microseconds the run takes.
pub(crate) const ON_DEVICE: i64 = 100_000;
pub(crate) const FAIL: i64 = 100_001;
pub(crate) const PANIC: i64 = 100_002;

/// How long the device takes.
const DEVICE: Duration = Duration::from_micros(300);

/// `x` of INT64 `[-1, 2]`: who asks, and what is to be done. `y` is `x`, each number one higher.
pub(crate) struct Toy;

impl Backend for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn rows_max_default(&self) -> usize {
        0
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        Vec::new()
    }

    fn inspect(&self, _: &RawSpec) -> Result<Signature, LoadError> {
        let tensor = |name| TensorSpec::new(name, DataType::Int64, vec![Dim::Any, Dim::Fixed(2)]);
        Ok(Signature {
            inputs: vec![tensor("x")],
            outputs: vec![tensor("y")],
            ..Signature::default()
        })
    }

    fn load(&self, _: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        Ok(Arc::new(Self))
    }
}

impl Model for Toy {
    fn spawn(&self, _: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        Ok(Box::new(Self))
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}

impl Instance for Toy {
    fn start(&mut self, batch: Batch) -> Running {
        let x = batch.gather("x").unwrap().unwrap();
        let x: &[i64] = x.values().unwrap();
        let deed = *x.iter().skip(1).step_by(2).max().unwrap();
        let y = Tensor::from_values(vec![batch.rows(), 2], x.iter().map(|x| x + 1).collect());
        let outputs: Tensors = vec![("y".into(), y.unwrap())];
        match deed {
            // Without the message that a panic writes.
            PANIC => resume_unwind(Box::new("as it was told")),
            FAIL => batch.fail(&InferError::Backend("as it was told".into())),
            ON_DEVICE => {
                return Running::OnDevice {
                    after: Box::new(Clock(Instant::now() + DEVICE)),
                    finish: Box::new(|ended| batch.respond_rows(ended.map(|()| outputs))),
                };
            }
            us => {
                sleep(Duration::from_micros(us.unsigned_abs()));
                batch.respond_rows(Ok(outputs));
            }
        }
        Running::Done
    }
}

/// Completes at its time.
struct Clock(Instant);

impl Completion for Clock {
    fn poll(&self) -> Option<Result<(), InferError>> {
        (Instant::now() >= self.0).then_some(Ok(()))
    }
}
