//! Which metrics there are: their names, and which numbers they tell. The texts of those that begin
//! with `nv_` are Triton's, like the names: they are part of the answer.

use std::iter;
use std::sync::Arc;

use nereid_backend::backend::MemoryUsage;
use nereid_backend::observer::{Copy, Observer};
use nereid_kernels::device::Limit;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use crate::metrics::family::{counter, family, float, gauge, histogram, labels, summary};
use crate::metrics::host::Usage;
use crate::metrics::readiness;
use crate::metrics::settings::Settings;
use crate::registry::Served;
use crate::server::Server;
use crate::statistics::latency::BOUNDS_US;
use crate::statistics::{Reason, Snapshot};

/// Everything that a scrape tells.
pub(super) fn all(server: &Server, settings: &Settings, usage: &Usage) -> Vec<MetricFamily> {
    let catalog = server.models.snapshot();
    let models: Vec<_> = catalog
        .served()
        .map(|served| Model { served: served.clone(), now: served.statistics.snapshot() })
        .collect();
    let mut families: Vec<_> = COUNTS.iter().map(|count| count.family(&models)).collect();
    families.push(failures(&models));
    if settings.has_counters {
        families.extend(DURATIONS.iter().map(|count| count.family(&models)));
    }
    families.extend([pending(&models), load_durations(&models), memory(&models)]);
    if settings.has_histograms {
        families.push(request_durations(&models));
    }
    families.extend([batch_sizes(&models), copies(&models)]);
    if settings.has_summaries {
        families.extend(summaries(&models, &settings.quantiles));
    }
    families.extend([readiness::of_models(&catalog), readiness::of_the_server(server.is_ready())]);
    families.extend(of_the_process(server, usage));
    families.into_iter().flatten().collect()
}

/// A model version, and its numbers at the scrape.
struct Model {
    served: Arc<Served>,
    now: Snapshot,
}

impl Model {
    fn labels(&self, more: &[(&str, &str)]) -> Vec<LabelPair> {
        labels(&self.served, more)
    }
}

/// One number of a model version's statistics.
struct Count {
    name: &'static str,
    help: &'static str,
    of: fn(&Snapshot) -> u64,
}

impl Count {
    fn family(&self, models: &[Model]) -> Option<MetricFamily> {
        let metric = |model: &Model| counter(model.labels(&[]), (self.of)(&model.now));
        let metrics = models.iter().map(metric).collect();
        family(self.name, self.help, MetricType::COUNTER, metrics)
    }
}

const COUNTS: [Count; 3] = [
    Count {
        name: "nv_inference_request_success",
        help: "Number of successful inference requests, all batch sizes",
        of: |now| now.success.count,
    },
    Count {
        name: "nv_inference_count",
        help: "Number of inferences performed (does not include cached requests)",
        of: |now| now.inferences,
    },
    Count {
        name: "nv_inference_exec_count",
        help: "Number of model executions performed (does not include cached requests)",
        of: |now| now.executions,
    },
];

/// Off by `counter_latencies=false`.
const DURATIONS: [Count; 5] = [
    Count {
        name: "nv_inference_request_duration_us",
        help: "Cumulative inference request duration in microseconds (includes cached requests)",
        of: |now| now.success.ns / 1_000,
    },
    Count {
        name: "nv_inference_queue_duration_us",
        help: "Cumulative inference queuing duration in microseconds (includes cached requests)",
        of: |now| now.queue.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_input_duration_us",
        help: "Cumulative compute input duration in microseconds (does not include cached requests)",
        of: |now| now.compute_input.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_infer_duration_us",
        help: "Cumulative compute inference duration in microseconds (does not include cached requests)",
        of: |now| now.compute_infer.ns / 1_000,
    },
    Count {
        name: "nv_inference_compute_output_duration_us",
        help: "Cumulative inference compute output duration in microseconds (does not include cached requests)",
        of: |now| now.compute_output.ns / 1_000,
    },
];

/// On by `summary_latencies=true`, in the order of [`Snapshot::stages`].
const SUMMARIES: [(&str, &str); 5] = [
    (
        "nv_inference_request_summary_us",
        "Summary of inference request duration in microseconds (includes cached requests)",
    ),
    (
        "nv_inference_queue_summary_us",
        "Summary of inference queuing duration in microseconds (includes cached requests)",
    ),
    (
        "nv_inference_compute_input_summary_us",
        "Cumulative compute input duration in microseconds (does not include cached requests)",
    ),
    (
        "nv_inference_compute_infer_summary_us",
        "Cumulative compute inference duration in microseconds (does not include cached requests)",
    ),
    (
        "nv_inference_compute_output_summary_us",
        "Cumulative inference compute output duration in microseconds (does not include cached requests)",
    ),
];

/// Upper bounds of the classes of batches.
const BATCH_ROWS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

fn failures(models: &[Model]) -> Option<MetricFamily> {
    let each = |model: &Model| {
        let reasons = Reason::ALL.iter().zip(model.now.failures);
        let metric = |(reason, count): (&Reason, u64)| {
            counter(model.labels(&[("reason", reason.label())]), count)
        };
        reasons.map(metric).collect::<Vec<_>>()
    };
    family(
        "nv_inference_request_failure",
        "Number of failed inference requests, all batch sizes",
        MetricType::COUNTER,
        models.iter().flat_map(each).collect(),
    )
}

fn pending(models: &[Model]) -> Option<MetricFamily> {
    let metric =
        |model: &Model| gauge(model.labels(&[]), float(model.served.route.waiting() as u64));
    family(
        "nv_inference_pending_request_count",
        "Instantaneous number of pending requests awaiting execution per-model.",
        MetricType::GAUGE,
        models.iter().map(metric).collect(),
    )
}

fn load_durations(models: &[Model]) -> Option<MetricFamily> {
    let loaded = models.iter().filter(|model| !model.now.load.is_zero());
    let metric = |model: &Model| gauge(model.labels(&[]), model.now.load.as_secs_f64());
    family(
        "nv_model_load_duration_secs",
        "Model load time in seconds",
        MetricType::GAUGE,
        loaded.map(metric).collect(),
    )
}

fn memory(models: &[Model]) -> Option<MetricFamily> {
    let each = |model: &Model| {
        let metric = |usage: MemoryUsage| {
            let device = usage.device.to_string();
            gauge(model.labels(&[("device", &device)]), float(usage.size_bytes))
        };
        model.served.memory().into_iter().map(metric).collect::<Vec<_>>()
    };
    family(
        "nereid_model_memory_bytes",
        "Memory that the model's engine holds, in use or kept for the next run",
        MetricType::GAUGE,
        models.iter().flat_map(each).collect(),
    )
}

/// On unless `histogram_latencies=false`.
fn request_durations(models: &[Model]) -> Option<MetricFamily> {
    let metric = |model: &Model| {
        let bounds = BOUNDS_US.map(|us| float(us) / 1e6).into_iter().chain([f64::INFINITY]);
        let classes = bounds.zip(model.now.latencies);
        histogram(model.labels(&[]), classes, float(model.now.success.ns) / 1e9)
    };
    family(
        "nereid_request_duration_seconds",
        "Time of successful requests, in seconds",
        MetricType::HISTOGRAM,
        models.iter().map(metric).collect(),
    )
}

/// Made of what is counted for each size, so batches are not counted twice.
fn batch_sizes(models: &[Model]) -> Option<MetricFamily> {
    let metric = |model: &Model| {
        let mut classes = [0; BATCH_ROWS.len() + 1];
        let mut sum = 0;
        for (&rows, totals) in &model.now.batches {
            let batches = totals.compute_infer.count;
            classes[BATCH_ROWS.partition_point(|&bound| bound < rows)] += batches;
            sum += rows as u64 * batches;
        }
        let bounds = BATCH_ROWS.map(|rows| float(rows as u64)).into_iter().chain([f64::INFINITY]);
        histogram(model.labels(&[]), bounds.zip(classes), float(sum))
    };
    family(
        "nereid_batch_size",
        "Rows of a batch",
        MetricType::HISTOGRAM,
        models.iter().map(metric).collect(),
    )
}

fn copies(models: &[Model]) -> Option<MetricFamily> {
    let each = |model: &Model| {
        let metric = |copy: &Copy| {
            let size_bytes = model.served.statistics.copies().get(*copy);
            counter(model.labels(&[("direction", copy.label())]), size_bytes)
        };
        Copy::ALL.iter().map(metric).collect::<Vec<_>>()
    };
    family(
        "nereid_copy_bytes_total",
        "Bytes of tensors that were copied between or within memories",
        MetricType::COUNTER,
        models.iter().flat_map(each).collect(),
    )
}

fn summaries(models: &[Model], quantiles: &[f64]) -> Vec<Option<MetricFamily>> {
    let mut metrics = SUMMARIES.map(|_| Vec::new());
    for model in models {
        let Some(found) = model.served.statistics.quantiles(quantiles) else { continue };
        let stages = model.now.stages().into_iter().zip(found);
        for (metrics, (total, values)) in iter::zip(&mut metrics, stages) {
            let quantiles = quantiles.iter().copied().zip(values);
            metrics.push(summary(model.labels(&[]), total, quantiles));
        }
    }
    let families = iter::zip(SUMMARIES, metrics);
    families
        .map(|((name, help), metrics)| family(name, help, MetricType::SUMMARY, metrics))
        .collect()
}

/// What has no model: the limit of bytes, and the host.
fn of_the_process(server: &Server, usage: &Usage) -> Vec<Option<MetricFamily>> {
    let one = |name, help, value: Option<f64>| {
        let metrics: Vec<Metric> = value.into_iter().map(|value| gauge(vec![], value)).collect();
        family(name, help, MetricType::GAUGE, metrics)
    };
    let in_flight = float(server.budget.used_bytes() as u64);
    let requests = float(server.places.taken() as u64);
    let (regions, shared_bytes) = server.regions.usage();
    let (total, used) = ("nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes");
    let pinned = ["nv_pinned_memory_pool_total_bytes", "nv_pinned_memory_pool_used_bytes"];
    // Memory is pinned for devices only, and each has a pool.
    let of_pools = |of: fn(&Limit) -> usize| {
        let pools = server.devices.all().iter().map(|device| of(device.pinned()) as u64);
        Some(float(pools.sum()))
    };
    let memory = usage.memory;
    vec![
        one(
            "nereid_inflight_bytes",
            "Bytes of all requests and responses in flight",
            Some(in_flight),
        ),
        one(
            "nereid_shared_memory_regions",
            "Regions of shared memory that clients have registered",
            Some(float(regions)),
        ),
        one(
            "nereid_shared_memory_bytes",
            "Bytes of the regions of shared memory that clients have registered",
            Some(float(shared_bytes)),
        ),
        one("nereid_inflight_requests", "Inference requests in flight", Some(requests)),
        one(
            pinned[0],
            "Pinned memory pool total memory size, in bytes",
            of_pools(Limit::bytes_max),
        ),
        one(pinned[1], "Pinned memory pool used memory size, in bytes", of_pools(Limit::in_use)),
        one("nv_cpu_utilization", "CPU utilization rate [0.0 - 1.0]", usage.cpu),
        one(
            total,
            "CPU total memory (RAM), in bytes",
            memory.map(|memory| float(memory.total_bytes)),
        ),
        one(used, "CPU used memory (RAM), in bytes", memory.map(|memory| float(memory.used_bytes))),
    ]
}
