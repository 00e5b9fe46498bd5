//! What the server tells about itself and its models, as the messages that gRPC sends and that
//! HTTP prints as JSON: one place for both.

use std::sync::Arc;

use nereid_backend::backend;
use nereid_backend::device::DeviceId;
use nereid_backend::error::InferError;
use nereid_backend::spec::{Dim, ModelSpec, TensorSpec};
use nereid_proto::inference::cuda_shared_memory_status_response::RegionStatus;
use nereid_proto::inference::model_metadata_response::TensorMetadata;
use nereid_proto::inference::repository_index_response::ModelIndex;
use nereid_proto::inference::{
    CudaSharedMemoryStatusResponse, InferBatchStatistics, InferStatistics, MemoryUsage,
    ModelMetadataResponse, ModelStatistics, ModelStatisticsResponse, RepositoryIndexResponse,
    ServerMetadataResponse, StatisticDuration,
};

use crate::regions::Region;
use crate::registry::{Catalog, Served, Target};
use crate::server::{EXTENSIONS, Server};
use crate::statistics::{BatchTotals, Snapshot, Total};

/// Name, version and extensions of the server.
pub fn server_metadata(server: &Server) -> ServerMetadataResponse {
    ServerMetadataResponse {
        name: server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extensions: EXTENSIONS.map(str::to_owned).to_vec(),
    }
}

/// The region of shared memory of this name, or all if it is empty.
///
/// # Errors
/// When it is not registered.
pub fn cuda_regions(
    server: &Server,
    name: &str,
) -> Result<CudaSharedMemoryStatusResponse, InferError> {
    let region = |(name, region): (Arc<str>, Region)| {
        let status = RegionStatus {
            name: name.to_string(),
            device_id: region.device_id.into(),
            byte_size: region.memory.size_bytes() as u64,
        };
        (name.to_string(), status)
    };
    let regions = server.regions.status(name)?.into_iter().map(region).collect();
    Ok(CudaSharedMemoryStatusResponse { regions })
}

/// Inputs and outputs of a model, the batch axis as a leading -1.
///
/// # Errors
/// When it is not there.
pub fn model_metadata(
    catalog: &Catalog,
    target: &Target,
) -> Result<ModelMetadataResponse, InferError> {
    let served = catalog.ready(target)?;
    let (config, spec) = (&served.definition.config, &served.definition.spec);
    let platform = if config.platform.is_empty() { &config.backend } else { &config.platform };
    let versions = match target.version {
        Some(version) => vec![version],
        None => catalog.ready_versions(&target.model),
    };
    Ok(ModelMetadataResponse {
        name: config.name.clone(),
        versions: versions.iter().map(ToString::to_string).collect(),
        platform: platform.clone(),
        inputs: tensors(spec, &spec.signature.inputs),
        outputs: tensors(spec, &spec.signature.outputs),
    })
}

/// Statistics of one version, of all ready versions of a model, or of everything.
///
/// # Errors
/// When it is not there; Triton calls that a wrong argument.
pub fn statistics(
    catalog: &Catalog,
    model: Option<&str>,
    version: Option<u64>,
) -> Result<ModelStatisticsResponse, InferError> {
    let is_wanted = |served: &&Arc<Served>| {
        let spec = &served.definition.spec;
        model.is_none_or(|model| model == &*spec.name)
            && version.is_none_or(|version| version == spec.version)
    };
    let model_stats: Vec<_> =
        catalog.served().filter(is_wanted).map(|served| model_statistics(served)).collect();
    match model {
        Some(model) if model_stats.is_empty() => Err(no_statistics(catalog, model)),
        _ => Ok(ModelStatisticsResponse { model_stats }),
    }
}

/// Every model version with its state; only those that are ready, if that is asked.
pub fn index(catalog: &Catalog, only_ready: bool) -> RepositoryIndexResponse {
    let entries = catalog.entries().map(|(name, version, status)| {
        let (state, reason) = status.state();
        // A model of which not even the version is known has none to show.
        let version = if version == 0 { String::new() } else { version.to_string() };
        let (name, state, reason) = (name.to_owned(), state.to_owned(), reason.to_owned());
        ModelIndex { name, version, state, reason }
    });
    let models = entries.filter(|entry| !only_ready || entry.state == "READY").collect();
    RepositoryIndexResponse { models }
}

fn tensors(spec: &ModelSpec, tensors: &[TensorSpec]) -> Vec<TensorMetadata> {
    let metadata = |tensor: &TensorSpec| {
        let batch = spec.is_batched.then_some(Dim::Any);
        let dims = batch.iter().chain(&tensor.dims);
        TensorMetadata {
            name: tensor.name.to_string(),
            datatype: tensor.data_type.name().to_owned(),
            shape: dims.map(|dim| dim.to_wire()).collect(),
        }
    };
    tensors.iter().map(metadata).collect()
}

/// Why there are none of `model`, or of one version of it. The texts are Triton's.
fn no_statistics(catalog: &Catalog, model: &str) -> InferError {
    InferError::Invalid(if catalog.ready_versions(model).is_empty() {
        format!("requested model '{model}' is not available")
    } else {
        format!("requested model version is not available for model '{model}'")
    })
}

fn model_statistics(served: &Served) -> ModelStatistics {
    let spec = &served.definition.spec;
    let now = served.statistics.snapshot();
    ModelStatistics {
        name: spec.name.to_string(),
        version: spec.version.to_string(),
        last_inference: now.last_inference_ms,
        inference_count: now.inferences,
        execution_count: now.executions,
        inference_stats: Some(infer_statistics(&now)),
        batch_stats: now.batches.iter().map(|(&rows, totals)| batch(rows, totals)).collect(),
        memory_usage: served.memory().into_iter().map(memory_usage).collect(),
        ..ModelStatistics::default()
    }
}

/// The types are those of instance groups without `KIND_`, as Triton has them.
fn memory_usage(usage: backend::MemoryUsage) -> MemoryUsage {
    let (kind, id) = match usage.device {
        DeviceId::Cpu => ("CPU", 0),
        DeviceId::Cuda(ordinal) => ("GPU", ordinal.into()),
    };
    MemoryUsage { r#type: kind.to_owned(), id, byte_size: usage.size_bytes }
}

fn infer_statistics(now: &Snapshot) -> InferStatistics {
    InferStatistics {
        success: duration(now.success),
        fail: duration(now.failure),
        queue: duration(now.queue),
        compute_input: duration(now.compute_input),
        compute_infer: duration(now.compute_infer),
        compute_output: duration(now.compute_output),
        cache_hit: duration(Total::default()),
        cache_miss: duration(Total::default()),
    }
}

fn batch(rows: usize, totals: &BatchTotals) -> InferBatchStatistics {
    InferBatchStatistics {
        batch_size: u64::try_from(rows).unwrap_or(u64::MAX),
        compute_input: duration(totals.compute_input),
        compute_infer: duration(totals.compute_infer),
        compute_output: duration(totals.compute_output),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the messages' fields are optional")]
fn duration(total: Total) -> Option<StatisticDuration> {
    Some(StatisticDuration { count: total.count, ns: total.ns })
}

#[cfg(test)]
mod tests;
