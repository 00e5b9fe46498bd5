//! Over gRPC the data of the inputs comes back as that of outputs.

use axum::Router;
use nereid_proto::inference::grpc_inference_service_server::GrpcInferenceService;
use nereid_proto::inference::grpc_inference_service_server::GrpcInferenceServiceServer;
use nereid_proto::inference::model_infer_response::InferOutputTensor;
use nereid_proto::inference::{ModelInferRequest, ModelInferResponse};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::hand_off::HandOff;

pub(crate) fn router(hand_off: HandOff) -> Router {
    let service = GrpcInferenceServiceServer::new(Echo(hand_off))
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    Routes::new(service).into_axum_router()
}

struct Echo(HandOff);

#[tonic::async_trait]
impl GrpcInferenceService for Echo {
    async fn model_infer(
        &self,
        asked: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let asked = asked.into_inner();
        let outputs = asked.inputs.into_iter().map(|input| InferOutputTensor {
            name: input.name,
            datatype: input.datatype,
            shape: input.shape,
            ..InferOutputTensor::default()
        });
        Ok(Response::new(ModelInferResponse {
            model_name: asked.model_name,
            model_version: asked.model_version,
            id: asked.id,
            outputs: outputs.collect(),
            raw_output_contents: self.0.there_and_back(asked.raw_input_contents).await,
            ..ModelInferResponse::default()
        }))
    }
}
