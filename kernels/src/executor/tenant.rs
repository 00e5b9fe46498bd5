//! A model as the devices of its instances have it, beside other models.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nereid_backend::device::DeviceId;
use nereid_backend::spec::{ModelSpec, Urgency};

use crate::device::{Limit, Priority};

/// How urgent a model's work is, and how much memory its instances may take of each device together.
pub struct Tenant {
    /// Named in errors.
    pub(super) name: Arc<str>,
    pub(super) priority: Priority,
    memory_bytes_max: Option<usize>,
    budgets: Mutex<HashMap<DeviceId, Arc<Limit>>>,
}

impl Tenant {
    /// One as most are.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let (priority, budgets) = (Priority::Middle, Mutex::default());
        Self { name: name.into(), priority, memory_bytes_max: None, budgets }
    }

    /// As a model's configuration says.
    pub fn of(spec: &ModelSpec) -> Self {
        let priority = match spec.engine.urgency {
            Urgency::Min => Priority::Least,
            Urgency::Default => Priority::Middle,
            Urgency::Max => Priority::Greatest,
        };
        let memory_bytes_max = spec.engine.device_memory_bytes_max;
        Self { priority, memory_bytes_max, ..Self::new(spec.name.clone()) }
    }

    /// What its instances on `device` share.
    pub(super) fn budget(&self, device: DeviceId) -> Option<Arc<Limit>> {
        let bytes_max = self.memory_bytes_max?;
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        Some(budgets.entry(device).or_insert_with(|| Arc::new(Limit::new(bytes_max))).clone())
    }
}
