//! Lets calls pass only if the port's guard does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tonic::Status;

use crate::security::group::Group;
use crate::security::guard::Guard;
use crate::status;

/// `router`, behind `guard`. Where it lets all pass, nothing stands before it.
pub(super) fn guarded(guard: &Arc<Guard>, router: Router) -> Router {
    if Group::all().all(|group| guard.lets_all(group)) {
        return router;
    }
    router.layer(from_fn_with_state(guard.clone(), check))
}

/// A method that there is not is of no group, and answered UNIMPLEMENTED.
async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let group = Group::of_method(request.uri().path());
    match group.map_or(Ok(()), |group| guard.check(group, request.headers())) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            let (_, code) = status::of_refusal(&refused);
            Status::new(code, refused.to_string()).into_http()
        }
    }
}
