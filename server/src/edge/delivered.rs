//! A model of which instances are on devices: what clients want of their batches is brought to the
//! host. Models on the CPU alone pass nothing of this.

use std::sync::Arc;

use nereid_backend::backend::{Instance, MemoryUsage, Model, Running};
use nereid_backend::batch::{Batch, Delivery};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::InstanceSpec;

/// Stands before the model of the engine.
pub struct Delivered {
    /// The engine's.
    pub model: Arc<dyn Model>,
    /// Who brings outputs to the host.
    pub delivery: Arc<dyn Delivery>,
}

impl Model for Delivered {
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let instance = self.model.spawn(spec)?;
        if spec.device == DeviceId::Cpu {
            return Ok(instance);
        }
        Ok(Box::new(DeliveredInstance { instance, delivery: self.delivery.clone() }))
    }

    fn memory(&self) -> Vec<MemoryUsage> {
        self.model.memory()
    }
}

struct DeliveredInstance {
    instance: Box<dyn Instance>,
    delivery: Arc<dyn Delivery>,
}

impl Instance for DeliveredInstance {
    fn start(&mut self, mut batch: Batch) -> Running {
        batch.deliver_by(&self.delivery);
        self.instance.start(batch)
    }
}
