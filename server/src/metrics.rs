//! `/metrics` for Prometheus: Triton's names for what Triton counts, `nereid_` for the rest.
//!
//! Nothing is counted here: each scrape prints the statistics of the models that are served.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use nereid_backend::observer::{Copy, Observer};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TextEncoder};

use crate::registry::{Catalog, Served};
use crate::server::Server;
use crate::statistics::{Reason, Snapshot};

/// Answers scrapes of `server`'s models.
pub fn router(server: Arc<Server>) -> Router {
    Router::new().route("/metrics", get(scrape)).route("/metrics/", get(scrape)).with_state(server)
}

async fn scrape(State(server): State<Arc<Server>>) -> Response {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    match encoder.encode(&families(&server), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// One number of a model version's statistics.
struct Count {
    name: &'static str,
    help: &'static str,
    of: fn(&Snapshot) -> u64,
}

const COUNTS: [Count; 8] = [
    Count {
        name: "nv_inference_request_success",
        help: "Requests that were answered with outputs",
        of: |now| now.success.count,
    },
    Count {
        name: "nv_inference_count",
        help: "Inferences performed: the rows of all successful requests",
        of: |now| now.inferences,
    },
    Count {
        name: "nv_inference_exec_count",
        help: "Model executions: batches",
        of: |now| now.executions,
    },
    Count {
        name: "nv_inference_request_duration_us",
        help: "Total time of successful requests, in microseconds",
        of: |now| now.success.ns / 1_000,
    },
    Count {
        name: "nv_inference_queue_duration_us",
        help: "Total time of requests in the queue, in microseconds",
        of: |now| now.queue.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_input_duration_us",
        help: "Total time of preparing inputs, in microseconds",
        of: |now| now.compute_input.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_infer_duration_us",
        help: "Total time in the engine, in microseconds",
        of: |now| now.compute_infer.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_output_duration_us",
        help: "Total time of preparing outputs, in microseconds",
        of: |now| now.compute_output.ns / 1_000,
    },
];

fn families(server: &Server) -> Vec<MetricFamily> {
    let catalog = server.models.snapshot();
    let served: Vec<(&Arc<Served>, Snapshot)> =
        catalog.served().map(|served| (served, served.statistics.snapshot())).collect();
    let mut families: Vec<_> = COUNTS
        .iter()
        .map(|count| {
            let metrics = served.iter().map(|(model, now)| counter(model, &[], (count.of)(now)));
            family(count.name, count.help, MetricType::COUNTER, metrics.collect())
        })
        .collect();
    families.push(failures(&served));
    families.push(pending(&catalog));
    families.push(copies(&catalog));
    families.push(bytes_in_flight(server));
    // Prometheus wants no family without a metric.
    families.retain(|family| !family.get_metric().is_empty());
    families
}

fn failures(served: &[(&Arc<Served>, Snapshot)]) -> MetricFamily {
    let each = |(model, now): &(&Arc<Served>, Snapshot)| {
        let reasons = Reason::ALL.iter().zip(now.failures);
        let metrics =
            reasons.map(|(reason, count)| counter(model, &[("reason", reason.label())], count));
        metrics.collect::<Vec<_>>()
    };
    family(
        "nv_inference_request_failure",
        "Requests that were answered with an error, by reason",
        MetricType::COUNTER,
        served.iter().flat_map(each).collect(),
    )
}

fn pending(catalog: &Catalog) -> MetricFamily {
    let metrics = catalog.served().map(|model| {
        let mut metric = Metric::from_label(labels(model, &[]));
        metric.set_gauge(gauge(model.route.waiting()));
        metric
    });
    family(
        "nv_inference_pending_request_count",
        "Requests that wait for an instance",
        MetricType::GAUGE,
        metrics.collect(),
    )
}

fn copies(catalog: &Catalog) -> MetricFamily {
    let each = |model: &Arc<Served>| {
        let copies = Copy::ALL.iter();
        let metric = |copy: &Copy| {
            counter(model, &[("direction", copy.label())], model.statistics.copies().get(*copy))
        };
        copies.map(metric).collect::<Vec<_>>()
    };
    family(
        "nereid_copy_bytes_total",
        "Bytes of tensors that were copied between or within memories",
        MetricType::COUNTER,
        catalog.served().flat_map(each).collect(),
    )
}

fn bytes_in_flight(server: &Server) -> MetricFamily {
    let mut metric = Metric::default();
    metric.set_gauge(gauge(server.budget.used_bytes()));
    family(
        "nereid_inflight_bytes",
        "Bytes of all requests and responses in flight",
        MetricType::GAUGE,
        vec![metric],
    )
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn counter(model: &Served, more: &[(&str, &str)], count: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(float(count));
    let mut metric = Metric::from_label(labels(model, more));
    metric.set_counter(counter);
    metric
}

fn gauge(value: usize) -> Gauge {
    let mut gauge = Gauge::default();
    gauge.set_value(float(value as u64));
    gauge
}

fn labels(model: &Served, more: &[(&str, &str)]) -> Vec<LabelPair> {
    let spec = &model.definition.spec;
    let version = spec.version.to_string();
    let own = [("model", &*spec.name), ("version", version.as_str())];
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    own.iter().chain(more).map(pair).collect()
}

/// Prometheus knows floats only; counts stay exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "as the line above says")]
fn float(count: u64) -> f64 {
    count as f64
}
