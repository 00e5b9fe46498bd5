//! `/metrics` for Prometheus: Triton's names for what Triton counts, `nereid_` for the rest.
//!
//! Nothing is counted here: each scrape prints the statistics of the models that are served, and
//! what the operating system tells of the host.

mod families;
mod family;
mod gpus;
pub mod host;
mod readiness;
pub mod settings;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use nereid_kernels::nvml::Nvml;
use prometheus::{Encoder, TextEncoder};

use crate::http;
use crate::metrics::host::{Host, Usage};
use crate::metrics::settings::Settings;
use crate::options::MetricsOptions;
use crate::server::Server;

/// Answers scrapes of `server`'s models, and of the GPUs that are watched, if any are; and probes, which
/// need neither TLS nor a key here.
pub fn router(server: Arc<Server>, options: &MetricsOptions, gpus: Option<Nvml>) -> Router {
    let settings = Settings::new(&options.metrics_config);
    let host = options.allow_cpu_metrics.then(|| Mutex::new(Host::new(options.metrics_interval)));
    let health = http::health_router(server.clone());
    let source = Source { server, settings, host, gpus };
    health.fallback_service(Router::new().fallback(answer).with_state(Arc::new(source)))
}

/// Where the numbers come from, and which of them are wanted.
struct Source {
    server: Arc<Server>,
    settings: Settings,
    host: Option<Mutex<Host>>,
    gpus: Option<Nvml>,
}

/// As Triton does: whatever is no GET is refused, HEAD included, and other paths have nothing.
async fn answer(State(source): State<Arc<Source>>, method: Method, uri: Uri) -> Response {
    if method != Method::GET {
        let headers = [(header::ALLOW, "GET"), (header::CONTENT_TYPE, "application/json")];
        let error = r#"{"error":"Method Not Allowed"}"#;
        return (StatusCode::METHOD_NOT_ALLOWED, headers, error).into_response();
    }
    if !matches!(uri.path(), "/metrics" | "/metrics/") {
        return text(Vec::new());
    }
    // Many models make many lines, and the host's numbers are files.
    match tokio::task::spawn_blocking(move || source.scrape()).await {
        Ok(Ok(lines)) => text(lines),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(ended) => (StatusCode::INTERNAL_SERVER_ERROR, ended.to_string()).into_response(),
    }
}

impl Source {
    fn scrape(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut families = families::all(&self.server, &self.settings, &self.usage());
        families.extend(gpus::families(&self.gpus.as_ref().map(Nvml::read).unwrap_or_default()));
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }

    fn usage(&self) -> Usage {
        let Some(host) = &self.host else { return Usage::default() };
        host.lock().unwrap_or_else(PoisonError::into_inner).usage()
    }
}

fn text(lines: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response()
}

#[cfg(test)]
mod tests;
