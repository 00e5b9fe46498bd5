//! What is ready, for alerts: a model that failed has no statistics that could tell it.

use prometheus::proto::{MetricFamily, MetricType};

use crate::lifecycle::UNLOADED;
use crate::metrics::family::{family, gauge, named};
use crate::registry::{Catalog, Status};

/// Whether each model version takes requests; one that was unloaded has no metric.
pub(super) fn of_models(catalog: &Catalog) -> Option<MetricFamily> {
    let metric = |(model, version, status): (&str, u64, &Status)| {
        let is_ready = match status {
            Status::Ready(served) => served.route.is_able(catalog),
            Status::Unavailable(reason) if **reason == *UNLOADED => return None,
            Status::Loading | Status::Unloading | Status::Unavailable(_) => false,
        };
        Some(gauge(named(model, version, &[]), f64::from(u8::from(is_ready))))
    };
    family(
        "nereid_model_ready",
        "Whether the model version takes requests: 1, or 0",
        MetricType::GAUGE,
        catalog.entries().filter_map(metric).collect(),
    )
}

/// Whether the server says that it is ready.
pub(super) fn of_the_server(is_ready: bool) -> Option<MetricFamily> {
    family(
        "nereid_server_ready",
        "Whether the server is ready: 1, or 0",
        MetricType::GAUGE,
        vec![gauge(vec![], f64::from(u8::from(is_ready)))],
    )
}
