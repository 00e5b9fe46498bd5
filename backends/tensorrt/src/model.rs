//! A loaded plan: an engine on each device of its instances, whose weights they share.

use std::sync::Arc;

use nereid_backend::backend::{Instance, MemoryUsage, Model};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{InstanceSpec, ModelSpec};
use nereid_kernels::executor::{Executors, Tenant};

use crate::instance::TensorRtInstance;
use crate::ports::Ports;
use crate::profiles::Profile;
use crate::sys::{Context, Engine};

/// An engine, what goes in and out, and the profiles that instances use.
pub(crate) struct Plan {
    pub(crate) engine: Arc<Engine>,
    pub(crate) ports: Ports,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) is_batched: bool,
}

/// A plan on its devices.
pub(crate) struct TensorRtModel {
    tenant: Tenant,
    plans: Vec<Arc<Plan>>,
    executors: Arc<Executors>,
}

impl Plan {
    /// What `spec` makes of an engine.
    ///
    /// # Errors
    /// When the plan cannot serve what is stated.
    pub(crate) fn new(engine: Engine, spec: &ModelSpec) -> Result<Self, LoadError> {
        let ports = Ports::read(&engine)?;
        let all = Profile::all(&engine, &ports.inputs)?;
        let profiles = Profile::chosen(&all, &spec.engine.profiles)?;
        if let (true, Some(port)) = (spec.is_batched, ports.shape_input()) {
            return Err(LoadError::new(format!(
                "input '{}' holds values of shapes, which has no rows: Nereid runs such a plan without batching only; \
                 set max_batch_size: 0 and state the batch axis in the dims",
                port.name
            )));
        }
        let rows_max = profiles.iter().filter_map(|profile| profile.rows_max(&ports.inputs)).max();
        if let (true, Some(rows_max)) =
            (spec.is_batched, rows_max.filter(|max| *max < spec.rows_max))
        {
            return Err(LoadError::new(format!(
                "max_batch_size is {}, but the profiles of instance_group.profile take {rows_max} rows at most",
                spec.rows_max
            )));
        }
        Ok(Self { engine: Arc::new(engine), ports, profiles, is_batched: spec.is_batched })
    }

    /// Where the engine is.
    pub(crate) fn device(&self) -> DeviceId {
        self.engine.device().id()
    }
}

impl TensorRtModel {
    pub(crate) fn new(plans: Vec<Plan>, executors: Arc<Executors>, spec: &ModelSpec) -> Self {
        let plans = plans.into_iter().map(Arc::new).collect();
        Self { tenant: Tenant::of(spec), plans, executors }
    }
}

impl Model for TensorRtModel {
    /// A stream, and a context for each profile.
    fn spawn(&self, spec: InstanceSpec) -> Result<Box<dyn Instance>, LoadError> {
        let plan = self.plans.iter().find(|plan| plan.device() == spec.device);
        let plan =
            plan.ok_or_else(|| LoadError::new(format!("the plan is not on {}", spec.device)))?;
        let executor = self.executors.open(spec.device, &self.tenant)?;
        let context = |profile: &Profile| {
            Context::new(plan.engine.clone(), executor.stream().clone(), profile.index).map_err(
                |cause| {
                    let index = profile.index;
                    LoadError::new(format!(
                        "TensorRT makes no execution context for profile {index}: {cause}"
                    ))
                },
            )
        };
        let contexts = plan.profiles.iter().map(context).collect::<Result<_, _>>()?;
        Ok(Box::new(TensorRtInstance::new(plan.clone(), executor, contexts)))
    }

    /// TensorRT tells no figure that is at the same place in all versions.
    fn memory(&self) -> Vec<MemoryUsage> {
        Vec::new()
    }
}
