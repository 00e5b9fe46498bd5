//! A model whose clients see other axes than its engine: `reshape` in `config.pbtxt`. Requests are
//! reshaped where a batch goes into the engine, and answers where they come out of it; models
//! without `reshape` pass nothing of this.

use std::sync::Arc;

use nereid_backend::backend::{Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::Batch;
use nereid_backend::error::LoadError;
use nereid_backend::reshape::Reshape;
use nereid_backend::spec::InstanceSpec;

/// Stands before the model of the engine.
pub struct Reshaped {
    /// The engine's.
    pub model: Arc<dyn Model>,
    /// How its tensors are reshaped.
    pub reshape: Arc<Reshape>,
}

impl Model for Reshaped {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let instance = self.model.spawn(spec)?;
        Ok(Box::new(ReshapedInstance { instance, reshape: self.reshape.clone() }))
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        self.model.memory()
    }
}

struct ReshapedInstance {
    instance: Box<dyn Instance>,
    reshape: Arc<Reshape>,
}

impl Instance for ReshapedInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        batch.reshape(&self.reshape);
        self.instance.start(batch)
    }
}

#[cfg(test)]
mod tests {
    use nereid_backend::spec::{Dim, TensorSpec};

    use super::*;
    use crate::fakes;

    /// Two clients with three numbers each; the engine sees one column of three rows for each.
    #[test]
    fn clients_and_the_engine_see_their_own_axes() {
        let dims = Some(vec![Dim::Any, Dim::Fixed(1)]);
        let reshaped = |name| TensorSpec { reshape: dims.clone(), ..fakes::tensor(name, &[-1]) };
        let spec = fakes::spec("m", vec![reshaped("x")], vec![reshaped("y")]);
        let reshape = Arc::new(Reshape::of(&spec).unwrap());
        let model = fakes::Made(|| {
            Box::new(fakes::Scripted(|batch: Batch| {
                let x = batch.gather("x").unwrap().unwrap();
                assert_eq!(x.shape(), [2, 3, 1]);
                batch.respond_rows(Ok(vec![("y".into(), x)]));
            })) as Box<dyn Instance>
        });
        let model = Reshaped { model: Arc::new(model), reshape };
        let mut instance = model.spawn(fakes::instance_spec()).unwrap();
        let (batch, clients) = fakes::batch(&[fakes::numbers(&[1, 3]), fakes::numbers(&[1, 3])]);
        assert!(matches!(instance.start(batch), Running::Done));
        for client in clients {
            let outputs = client.blocking_recv().unwrap().unwrap().outputs;
            assert_eq!(
                (outputs[0].1.shape(), outputs[0].1.values()),
                (&[1, 3][..], Some(&[0, 1, 2][..]))
            );
        }
    }
}
