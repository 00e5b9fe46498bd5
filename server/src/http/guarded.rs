//! Lets calls pass only if the port's guard does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::http::body::refuse;
use crate::http::error;
use crate::security::group::Group;
use crate::security::guard::Guard;
use crate::security::refusal::Refusal;
use crate::server::Server;
use crate::status;

type Methods = MethodRouter<Arc<Server>>;

/// A route whose calls are of `group`. Where `guard` lets all pass, nothing stands before it.
pub(super) fn guarded(guard: &Arc<Guard>, group: Group, methods: Methods) -> Methods {
    if guard.lets_all(group) {
        return methods;
    }
    methods.layer(from_fn_with_state((guard.clone(), group), check))
}

async fn check(
    State((guard, group)): State<(Arc<Guard>, Group)>,
    request: Request,
    next: Next,
) -> Response {
    let Err(refused) = guard.check(group, request.headers()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    refuse(&parts.headers, body).await;
    answer(&refused)
}

fn answer(refused: &Refusal) -> Response {
    let (status, _) = status::of_refusal(refused);
    let mut response = error(status, &refused.to_string());
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}
