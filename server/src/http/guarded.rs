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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;
    use crate::fakes;
    use crate::registry::Registry;
    use crate::security::guard::Surface;
    use crate::security::restriction::Restrictions;

    /// The status of each path, asked without any header, of a server that restricts every group.
    #[tokio::test]
    async fn no_route_is_left_out() {
        let every = "health,metadata,inference,shared-memory,model-config,model-repository,\
                     statistics,trace,logging:secret=x";
        let restrictions = Restrictions::of_http(&[every.parse().unwrap()]).unwrap();
        let guard = Arc::new(Guard { surface: Surface::All, restrictions, keys: None });
        let (_, models) = Registry::new();
        let router = crate::http::router(Arc::new(fakes::server(models)), &guard);
        let service = TowerToHyperService::new(router);
        let status = async |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            service.call(request).await.unwrap().status()
        };
        for path in [
            "/v2",
            "/v2/health/live",
            "/v2/health/ready",
            "/v2/models/stats",
            "/v2/models/m",
            "/v2/models/m/ready",
            "/v2/models/m/config",
            "/v2/models/m/stats",
            "/v2/models/m/versions/1",
            "/v2/models/m/versions/1/ready",
            "/v2/trace/setting",
            "/v2/models/m/trace/setting",
            "/v2/logging",
            "/v2/systemsharedmemory/status",
            "/v2/cudasharedmemory/status",
            "/v2/cudasharedmemory/region/r/status",
        ] {
            assert_eq!(status("GET", path).await, StatusCode::FORBIDDEN, "{path}");
        }
        for path in [
            "/v2/models/m/infer",
            "/v2/models/m/versions/1/infer",
            "/v2/repository/index",
            "/v2/repository/r/index",
            "/v2/repository/models/m/load",
            "/v2/repository/models/m/unload",
            "/v2/repository/r/models/m/load",
            "/v2/repository/r/models/m/unload",
            "/v2/cudasharedmemory/register",
            "/v2/cudasharedmemory/region/r/register",
            "/v2/cudasharedmemory/unregister",
            "/v2/cudasharedmemory/region/r/unregister",
        ] {
            assert_eq!(status("POST", path).await, StatusCode::FORBIDDEN, "{path}");
        }
        // Other spellings are no route.
        for path in ["/v2/models/m/%69nfer", "/v2//repository/index", "/v2/repository/index/"] {
            assert_eq!(status("POST", path).await, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
