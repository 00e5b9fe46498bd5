//! gRPC's own health checking, which load balancers and Kubernetes ask: whether the server is
//! ready, as `ServerReady` says it.

use std::sync::Arc;

use nereid_proto::health::health_check_response::ServingStatus;
use nereid_proto::health::health_server::Health;
use nereid_proto::health::{HealthCheckRequest, HealthCheckResponse};
use tonic::{Request, Response};

use super::Answered;
use crate::server::Server;

/// Tells the health of a server.
pub(super) struct Checked {
    /// The server.
    pub(super) server: Arc<Server>,
}

#[tonic::async_trait]
impl Health for Checked {
    /// As in Triton, whatever service is named, it is this server that is asked about.
    async fn check(&self, _: Request<HealthCheckRequest>) -> Answered<HealthCheckResponse> {
        let is_ready = self.server.is_ready();
        let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }
}
