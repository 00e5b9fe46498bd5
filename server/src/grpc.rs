//! `KServe` v2 over gRPC: the service, and what its errors look like.

mod aligned;
pub mod framing;
mod guarded;
pub mod gunzip;
mod health;
mod infer;
mod metered;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use nereid_backend::error::InferError;
use nereid_proto::health::health_server::HealthServer;
use nereid_proto::inference::grpc_inference_service_server::GrpcInferenceService;
use nereid_proto::inference::grpc_inference_service_server::GrpcInferenceServiceServer;
use nereid_proto::inference::model_repository_parameter::ParameterChoice;
use nereid_proto::inference::{
    CudaSharedMemoryRegisterRequest, CudaSharedMemoryRegisterResponse,
    CudaSharedMemoryStatusRequest, CudaSharedMemoryStatusResponse,
    CudaSharedMemoryUnregisterRequest, CudaSharedMemoryUnregisterResponse, ModelConfigRequest,
    ModelConfigResponse, ModelInferRequest, ModelInferResponse, ModelMetadataRequest,
    ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ModelRepositoryParameter,
    ModelStatisticsRequest, ModelStatisticsResponse, ModelStreamInferResponse,
    RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
    RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
    ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

use crate::answers;
use crate::lifecycle::{self, Control, Overrides};
use crate::registry::Target;
use crate::security::guard::Guard;
use crate::server::Server;
use crate::status;

/// What who sends more requests is told while the server stops.
const STOPPING: &str = "GRPC server is shutting down and has stopped accepting new requests.";

/// Answers gRPC for `server`, what `guard` lets pass.
pub fn router(server: Arc<Server>, guard: &Arc<Guard>) -> Router {
    let meter = from_fn_with_state(server.clone(), metered::meter);
    let size_max = server.input_bytes_max;
    let health = HealthServer::new(health::Checked { server: server.clone() });
    let service = GrpcInferenceServiceServer::new(Service { server })
        .max_decoding_message_size(size_max)
        .send_compressed(CompressionEncoding::Gzip)
        .max_encoding_message_size(usize::MAX); // The work is done, and memory has it already.
    let metered = Routes::new(service).add_service(health).into_axum_router().layer(meter);
    guarded::guarded(guard, metered)
}

/// Answers `server`'s gRPC clients. What it leaves out is answered UNIMPLEMENTED.
#[derive(Clone)]
struct Service {
    server: Arc<Server>,
}

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl GrpcInferenceService for Service {
    async fn server_live(&self, _: Request<ServerLiveRequest>) -> Answered<ServerLiveResponse> {
        Ok(Response::new(ServerLiveResponse { live: self.server.is_live() }))
    }

    async fn server_ready(&self, _: Request<ServerReadyRequest>) -> Answered<ServerReadyResponse> {
        Ok(Response::new(ServerReadyResponse { ready: self.server.is_ready() }))
    }

    async fn model_ready(&self, asked: Request<ModelReadyRequest>) -> Answered<ModelReadyResponse> {
        let asked = asked.into_inner();
        let target = target(asked.name, &asked.version)?;
        Ok(Response::new(ModelReadyResponse { ready: self.server.is_model_ready(&target) }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Answered<ServerMetadataResponse> {
        Ok(Response::new(answers::server_metadata(&self.server)))
    }

    async fn model_metadata(
        &self,
        asked: Request<ModelMetadataRequest>,
    ) -> Answered<ModelMetadataResponse> {
        let asked = asked.into_inner();
        let target = target(asked.name, &asked.version)?;
        answer(answers::model_metadata(&self.server.models.snapshot(), &target))
    }

    async fn model_config(
        &self,
        asked: Request<ModelConfigRequest>,
    ) -> Answered<ModelConfigResponse> {
        let asked = asked.into_inner();
        let target = target(asked.name, &asked.version)?;
        let found = self.server.models.find(&target).map_err(|failed| failure(&failed))?;
        let config = Some(found.served.definition.config.clone());
        Ok(Response::new(ModelConfigResponse { config }))
    }

    async fn model_statistics(
        &self,
        asked: Request<ModelStatisticsRequest>,
    ) -> Answered<ModelStatisticsResponse> {
        let asked = asked.into_inner();
        let Target { model, version } = target(asked.name, &asked.version)?;
        let model = (!model.is_empty()).then_some(model.as_str());
        answer(answers::statistics(&self.server.models.snapshot(), model, version))
    }

    async fn repository_index(
        &self,
        asked: Request<RepositoryIndexRequest>,
    ) -> Answered<RepositoryIndexResponse> {
        let asked = asked.into_inner();
        if !asked.repository_name.is_empty() {
            return Err(Status::unimplemented(lifecycle::NO_NAMED_REPOSITORY));
        }
        Ok(Response::new(answers::index(&self.server.models.snapshot(), asked.ready)))
    }

    async fn repository_model_load(
        &self,
        asked: Request<RepositoryModelLoadRequest>,
    ) -> Answered<RepositoryModelLoadResponse> {
        let asked = asked.into_inner();
        let control = self.control(&asked.repository_name)?;
        let overrides = overrides(asked.parameters)?;
        match control.load(&asked.model_name, overrides).await {
            Ok(()) => Ok(Response::new(RepositoryModelLoadResponse {})),
            Err(failed) => Err(Status::new(status::of(failed.kind()).1, status::text(&failed))),
        }
    }

    async fn repository_model_unload(
        &self,
        asked: Request<RepositoryModelUnloadRequest>,
    ) -> Answered<RepositoryModelUnloadResponse> {
        let asked = asked.into_inner();
        let control = self.control(&asked.repository_name)?;
        let with_steps = asked
            .parameters
            .get("unload_dependents")
            .is_some_and(|value| value.parameter_choice == Some(ParameterChoice::BoolParam(true)));
        control.unload(&asked.model_name, with_steps);
        Ok(Response::new(RepositoryModelUnloadResponse {}))
    }

    async fn cuda_shared_memory_status(
        &self,
        asked: Request<CudaSharedMemoryStatusRequest>,
    ) -> Answered<CudaSharedMemoryStatusResponse> {
        answer(answers::cuda_regions(&self.server, &asked.into_inner().name))
    }

    async fn cuda_shared_memory_register(
        &self,
        asked: Request<CudaSharedMemoryRegisterRequest>,
    ) -> Answered<CudaSharedMemoryRegisterResponse> {
        let asked = asked.into_inner();
        // What is negative is no device's.
        let device_id = u64::try_from(asked.device_id).unwrap_or(u64::MAX);
        let (handle, byte_size) = (&asked.raw_handle, asked.byte_size);
        let regions = &self.server.regions;
        let registered = regions.register(&asked.name, handle, device_id, byte_size).await;
        answer(registered.map(|()| CudaSharedMemoryRegisterResponse {}))
    }

    async fn cuda_shared_memory_unregister(
        &self,
        asked: Request<CudaSharedMemoryUnregisterRequest>,
    ) -> Answered<CudaSharedMemoryUnregisterResponse> {
        self.server.regions.unregister(&asked.into_inner().name);
        Ok(Response::new(CudaSharedMemoryUnregisterResponse {}))
    }

    async fn model_infer(&self, asked: Request<ModelInferRequest>) -> Answered<ModelInferResponse> {
        infer::infer(&self.server, asked).await
    }

    async fn model_stream_infer(
        &self,
        asked: Request<Streaming<ModelInferRequest>>,
    ) -> Answered<BoxStream<ModelStreamInferResponse>> {
        Ok(Response::new(stream::infer(self.server.clone(), asked)))
    }
}

impl Service {
    /// Who loads and unloads models, if clients may ask for it.
    fn control(&self, repository: &str) -> Result<&Control, Status> {
        if !repository.is_empty() {
            return Err(Status::unimplemented(lifecycle::NO_NAMED_REPOSITORY));
        }
        self.server.control.as_ref().ok_or_else(|| Status::unavailable(lifecycle::NOT_ALLOWED))
    }
}

/// `config` is the configuration as JSON, `file:<path>` the content of a file.
fn overrides(parameters: BTreeMap<String, ModelRepositoryParameter>) -> Result<Overrides, Status> {
    let mut overrides = Overrides::default();
    for (name, value) in parameters {
        let wrong_type = |expected: &str| {
            let text =
                format!("invalid value type for load parameter '{name}', expected {expected}.");
            Status::invalid_argument(text)
        };
        match (name.strip_prefix("file:"), value.parameter_choice) {
            (Some(path), Some(ParameterChoice::BytesParam(content))) => {
                overrides.files.push((path.to_owned(), content));
            }
            (Some(_), _) => return Err(wrong_type("bytes_param")),
            (None, Some(ParameterChoice::StringParam(config))) if name == "config" => {
                overrides.config = Some(config);
            }
            (None, _) if name == "config" => return Err(wrong_type("string_param")),
            (None, _) => {
                let text = format!("unrecognized load parameter '{name}'.");
                return Err(Status::invalid_argument(text));
            }
        }
    }
    Ok(overrides)
}

/// What the client means by a name and a version, which may be empty.
fn target(model: String, version: &str) -> Result<Target, Status> {
    if version.is_empty() {
        return Ok(Target { model, version: None });
    }
    match version.parse() {
        Ok(version) => Ok(Target { model, version: Some(version) }),
        // The details are the name of a C function, and clients match all of the text.
        Err(_) => Err(failure(&InferError::Invalid(format!(
            "failed to get model version from specified version string '{version}' (details: \
             stol), version should be an integral value > 0"
        )))),
    }
}

fn answer<T>(answered: Result<T, InferError>) -> Answered<T> {
    answered.map(Response::new).map_err(|failed| failure(&failed))
}

/// The answer to a call that failed.
fn failure(failed: &InferError) -> Status {
    let (_, code) = status::of(failed.kind());
    Status::new(code, status::text(failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::TEXT_BYTES_MAX;

    #[test]
    fn what_a_client_has_sent_is_cut() {
        let version = target("m".to_owned(), &"9".repeat(1_000_000)).unwrap_err();
        assert!(version.message().len() <= TEXT_BYTES_MAX + " ... (cut)".len());
    }
}
