//! The engine: tells what a plan holds, and loads it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use nereid_backend::backend::{Backend, Model, ROWS_MAX_DEFAULT};
use nereid_backend::device::DeviceId;
use nereid_backend::error::LoadError;
use nereid_backend::spec::{Dim, ModelSpec, RawSpec, Signature, TensorSpec};
use nereid_kernels::device::{Device, Devices};
use nereid_kernels::executor::Executors;

use crate::model::{Plan, TensorRtModel};
use crate::ports::Ports;
use crate::profiles::Profile;
use crate::settings::Settings;
use crate::sys::{Engine, Library};

/// TensorRT. Its library is opened when the first plan is looked into.
pub struct TensorRt {
    devices: Devices,
    executors: Arc<Executors>,
    settings: Settings,
    library: OnceLock<Result<&'static Library, LoadError>>,
}

impl TensorRt {
    /// On these devices, of which there may be none: then plans are refused with the reason.
    pub fn new(devices: Devices, settings: Settings) -> Self {
        let executors = Arc::new(Executors::new(devices.clone()));
        Self { devices, executors, settings, library: OnceLock::new() }
    }

    fn library(&self) -> Result<&'static Library, LoadError> {
        let open = || {
            let library = Library::open(self.settings.library.as_deref(), &self.settings.plugins);
            let library = library.map_err(|error| LoadError::new(error.to_string()))?;
            tracing::info!("TensorRT {} runs plans", library.version());
            Ok(&*Box::leak(Box::new(library)))
        };
        self.library.get_or_init(open).clone()
    }

    fn deserialize(&self, file: &Path, device: &Device) -> Result<Engine, LoadError> {
        let library = self.library()?;
        let plan = std::fs::read(file).map_err(|error| {
            LoadError::new(format!("cannot read the plan {}: {error}", file.display()))
        })?;
        Engine::deserialize(library, device, &plan).map_err(|cause| {
            let (file, version) = (file.display(), library.version());
            LoadError::new(format!(
                "TensorRT {version} cannot load {file} on {device:?}: {cause}. A plan runs on the version of TensorRT \
                 and the kind of GPU that it was built for; build it here: trtexec --onnx=... --saveEngine={file}"
            ))
        })
    }
}

impl Backend for TensorRt {
    fn name(&self) -> &'static str {
        "tensorrt"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("model.plan")
    }

    fn rows_max_default(&self) -> usize {
        ROWS_MAX_DEFAULT
    }

    fn gpus(&self, _: &BTreeMap<String, String>) -> Vec<u32> {
        self.devices.ordinals()
    }

    /// On the first device: a plan can only be looked into where it could run. Where there is none, what is stated is
    /// believed if it is all stated, and a load tells why there is none.
    fn inspect(&self, raw: &RawSpec) -> Result<Signature, LoadError> {
        let Some(device) = self.devices.all().first() else {
            return believed(raw).map_or_else(|| Err(self.no_device()), Ok);
        };
        let engine = self.deserialize(&raw.file, device)?;
        let ports = Ports::read(&engine)?;
        Ok(ports.signature(&Profile::all(&engine, &ports.inputs)?))
    }

    fn load(&self, spec: Arc<ModelSpec>) -> Result<Arc<dyn Model>, LoadError> {
        let mut plans: Vec<Plan> = Vec::new();
        for instance in &spec.instances {
            let device = self.device(instance.device)?;
            if !plans.iter().any(|plan| plan.device() == device.id()) {
                plans.push(Plan::new(self.deserialize(&spec.file, device)?, &spec)?);
            }
        }
        Ok(Arc::new(TensorRtModel::new(plans, self.executors.clone(), &spec)))
    }
}

impl TensorRt {
    fn device(&self, id: DeviceId) -> Result<&Device, LoadError> {
        match id {
            DeviceId::Cuda(_) => self.devices.find(id),
            DeviceId::Cpu => Err(match self.devices.all() {
                [] => self.no_device(),
                _ => LoadError::new(
                    "TensorRT runs on GPUs alone: set instance_group to kind KIND_GPU",
                ),
            }),
        }
    }

    fn no_device(&self) -> LoadError {
        let reason = self.devices.find(DeviceId::Cuda(0)).err();
        let reason = reason.map(|error| error.to_string()).unwrap_or_default();
        LoadError::new(format!("TensorRT runs on GPUs alone: {reason}"))
    }
}

/// What is stated as if a plan had told it; `None` if not all is.
fn believed(raw: &RawSpec) -> Option<Signature> {
    let Signature { inputs, outputs, .. } = raw.signature.as_the_engine_has_it();
    if inputs.is_empty() || outputs.is_empty() {
        return None;
    }
    let with_batch = |spec: TensorSpec| {
        let batch = (raw.rows_max > 0).then_some(Dim::Any);
        TensorSpec { dims: batch.into_iter().chain(spec.dims).collect(), ..spec }
    };
    Some(Signature {
        inputs: inputs.into_iter().map(with_batch).collect(),
        outputs: outputs.into_iter().map(with_batch).collect(),
        rows_max: None,
    })
}
