//! Families of metrics, as the `prometheus` crate prints them.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType, Quantile,
    Summary,
};

use crate::registry::Served;
use crate::statistics::Total;

/// Metrics of one name; Prometheus wants no family without a metric.
pub(super) fn family(
    name: &str,
    help: &str,
    kind: MetricType,
    metrics: Vec<Metric>,
) -> Option<MetricFamily> {
    if metrics.is_empty() {
        return None;
    }
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    Some(family)
}

/// Labels that name `model`, and `more`.
pub(super) fn labels(model: &Served, more: &[(&str, &str)]) -> Vec<LabelPair> {
    let spec = &model.definition.spec;
    named(&spec.name, spec.version, more)
}

/// Labels that name a model, which need not be served, and `more`.
pub(super) fn named(model: &str, version: u64, more: &[(&str, &str)]) -> Vec<LabelPair> {
    let version = version.to_string();
    let own = [("model", model), ("version", version.as_str())];
    own.iter().chain(more).map(|(name, value)| label(name, value)).collect()
}

pub(super) fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

pub(super) fn counter(labels: Vec<LabelPair>, count: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(float(count));
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: Vec<LabelPair>, value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

/// A histogram of classes, each with its upper bound and what is in it and in no other; what is
/// above all bounds has an infinite one.
pub(super) fn histogram(
    labels: Vec<LabelPair>,
    classes: impl IntoIterator<Item = (f64, u64)>,
    sum: f64,
) -> Metric {
    let mut count = 0;
    let bucket = |(bound, more)| {
        count += more;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    };
    let buckets: Vec<_> = classes.into_iter().map(bucket).collect();
    let mut histogram = Histogram::default();
    // The crate adds the infinite bound, spelled as Prometheus wants it.
    histogram.set_bucket(buckets.into_iter().filter(|one| one.upper_bound().is_finite()).collect());
    histogram.set_sample_count(count);
    histogram.set_sample_sum(sum);
    let mut metric = Metric::from_label(labels);
    metric.set_histogram(histogram);
    metric
}

/// A summary in microseconds: all durations so far, and quantiles with their values.
pub(super) fn summary(
    labels: Vec<LabelPair>,
    total: Total,
    quantiles: impl IntoIterator<Item = (f64, f64)>,
) -> Metric {
    let quantile = |(quantile, value)| {
        let mut one = Quantile::default();
        one.set_quantile(quantile);
        one.set_value(value);
        one
    };
    let mut summary = Summary::default();
    summary.set_sample_count(total.count);
    summary.set_sample_sum(float(total.ns / 1_000));
    summary.set_quantile(quantiles.into_iter().map(quantile).collect());
    let mut metric = Metric::from_label(labels);
    metric.set_summary(summary);
    metric
}

/// Prometheus knows floats only; counts stay exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "as the line above says")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
