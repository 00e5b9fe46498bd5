//! The groups of calls, which Triton calls restricted categories, and who of those with an API key may
//! make them.

use std::str::FromStr;

/// A group of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Whether the server lives, or it or a model is ready.
    Health,
    /// Of the server and of models.
    Metadata,
    /// Inference.
    Inference,
    /// Regions of shared memory.
    SharedMemory,
    /// Configurations of models.
    ModelConfig,
    /// The index, and loading and unloading of models.
    ModelRepository,
    /// Of models.
    Statistics,
    /// Settings of traces.
    Trace,
    /// Settings of the log.
    Logging,
}

/// Every group and its name in Triton's options, in the order of the groups.
const NAMES: [(Group, &str); Group::COUNT] = [
    (Group::Health, "health"),
    (Group::Metadata, "metadata"),
    (Group::Inference, "inference"),
    (Group::SharedMemory, "shared-memory"),
    (Group::ModelConfig, "model-config"),
    (Group::ModelRepository, "model-repository"),
    (Group::Statistics, "statistics"),
    (Group::Trace, "trace"),
    (Group::Logging, "logging"),
];

/// What a holder of an API key may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks for inference.
    Infer,
    /// Loads and unloads models.
    Control,
    /// Reads statistics and changes settings.
    Admin,
}

/// Who may make the calls of a group, where there are API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Without a key: probes and load balancers have none.
    Everybody,
    /// With any key.
    AnyKey,
    /// With a key of this role.
    Only(Role),
}

impl Group {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(group, _)| group)
    }

    /// Its name in Triton's options.
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Of a method of gRPC, by its path; `None` if there is none of this path.
    pub fn of_method(path: &str) -> Option<Self> {
        if path == "/grpc.health.v1.Health/Check" {
            return Some(Self::Health);
        }
        Some(match path.strip_prefix("/inference.GRPCInferenceService/")? {
            "ModelInfer" | "ModelStreamInfer" => Self::Inference,
            "ServerLive" | "ServerReady" | "ModelReady" => Self::Health,
            "ServerMetadata" | "ModelMetadata" => Self::Metadata,
            "ModelConfig" => Self::ModelConfig,
            "ModelStatistics" => Self::Statistics,
            "RepositoryIndex" | "RepositoryModelLoad" | "RepositoryModelUnload" => {
                Self::ModelRepository
            }
            "SystemSharedMemoryStatus"
            | "SystemSharedMemoryRegister"
            | "SystemSharedMemoryUnregister"
            | "CudaSharedMemoryStatus"
            | "CudaSharedMemoryRegister"
            | "CudaSharedMemoryUnregister" => Self::SharedMemory,
            "TraceSetting" => Self::Trace,
            "LogSettings" => Self::Logging,
            _ => return None,
        })
    }

    /// Who may make its calls, where there are API keys.
    pub fn callers(self) -> Callers {
        match self {
            Self::Health => Callers::Everybody,
            Self::Metadata | Self::ModelConfig => Callers::AnyKey,
            Self::Inference | Self::SharedMemory => Callers::Only(Role::Infer),
            Self::ModelRepository => Callers::Only(Role::Control),
            Self::Statistics | Self::Trace | Self::Logging => Callers::Only(Role::Admin),
        }
    }

    /// Whether its calls change what other clients get: those that a control port is for.
    pub fn is_control(self) -> bool {
        matches!(self, Self::ModelRepository | Self::Trace | Self::Logging)
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.into_iter().find(|(_, name)| *name == text);
        found.map(|(group, _)| group).ok_or_else(|| {
            let names = NAMES.map(|(_, name)| name).join(", ");
            format!("unknown group of calls '{text}', expected one of {names}")
        })
    }
}

impl Role {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Infer, Self::Control, Self::Admin];

    /// Its name in files of keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_tritons_name() {
        for (index, (group, name)) in NAMES.into_iter().enumerate() {
            assert_eq!((group as usize, group.name()), (index, name));
            assert_eq!(name.parse(), Ok(group));
        }
        let error = "infer".parse::<Group>().unwrap_err();
        assert!(error.contains("'infer', expected one of health, metadata, inference"), "{error}");
    }

    #[test]
    fn every_method_has_a_group() {
        let services = [
            (
                "inference.GRPCInferenceService",
                include_str!("../../../proto/proto/grpc_service.proto"),
            ),
            ("grpc.health.v1.Health", include_str!("../../../proto/proto/health.proto")),
        ];
        let mut count = 0;
        for (service, definition) in services {
            let calls = definition.lines().filter_map(|line| line.trim().strip_prefix("rpc "));
            for name in calls.map(|call| call.split('(').next().unwrap()) {
                assert!(Group::of_method(&format!("/{service}/{name}")).is_some(), "{name}");
                count += 1;
            }
        }
        assert!(count > 20, "{count}");
        assert_eq!(Group::of_method("/inference.GRPCInferenceService/Nothing"), None);
        assert_eq!(Group::of_method("/other/ModelInfer"), None);
    }
}
