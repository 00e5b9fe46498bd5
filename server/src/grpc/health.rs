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

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::fakes;
    use crate::registry::Registry;
    use crate::server::Life;

    #[tokio::test]
    async fn a_server_that_is_not_ready_does_not_serve() {
        let (_, models) = Registry::new();
        let (life, receiver) = watch::channel(Life::Starting);
        let server = Server { life: receiver, ..fakes::server(models) };
        let checked = Checked { server: Arc::new(server) };
        for (now, expected) in [
            (Life::Starting, ServingStatus::NotServing),
            (Life::Serving, ServingStatus::Serving),
            (Life::Draining, ServingStatus::NotServing),
            (Life::Stopping, ServingStatus::NotServing),
        ] {
            life.send_replace(now);
            let asked = HealthCheckRequest { service: "any".to_owned() };
            let answer = checked.check(Request::new(asked)).await.unwrap().into_inner();
            assert_eq!(answer.status(), expected, "{now:?}");
        }
    }
}
