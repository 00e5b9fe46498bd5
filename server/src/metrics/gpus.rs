//! The metrics of GPUs, by Triton's names and in its units. They are read when somebody scrapes, as
//! those of the host.

use nereid_kernels::nvml::Reading;
use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::metrics::family::{family, float, gauge, label};

/// Those that the devices can tell.
pub(super) fn families(readings: &[Reading]) -> Vec<MetricFamily> {
    let energy = family(
        "nv_energy_consumption",
        "GPU energy consumption in joules since the Triton Server started",
        MetricType::COUNTER,
        readings.iter().filter_map(energy).collect(),
    );
    let gauges = GAUGES.iter().map(|it| {
        let metric = |reading: &Reading| {
            let labels = vec![label("gpu_uuid", &reading.uuid)];
            (it.of)(reading).map(|value| gauge(labels, value))
        };
        let metrics = readings.iter().filter_map(metric).collect();
        family(it.name, it.help, MetricType::GAUGE, metrics)
    });
    gauges.chain([energy]).flatten().collect()
}

/// One number of each device.
struct Gauge {
    name: &'static str,
    help: &'static str,
    of: fn(&Reading) -> Option<f64>,
}

const GAUGES: [Gauge; 5] = [
    Gauge {
        name: "nv_gpu_utilization",
        help: "GPU utilization rate [0.0 - 1.0)",
        of: |reading| reading.utilization,
    },
    Gauge {
        name: "nv_gpu_memory_total_bytes",
        help: "GPU total memory, in bytes",
        of: |reading| reading.memory_total_bytes.map(float),
    },
    Gauge {
        name: "nv_gpu_memory_used_bytes",
        help: "GPU used memory, in bytes",
        of: |reading| reading.memory_used_bytes.map(float),
    },
    Gauge {
        name: "nv_gpu_power_usage",
        help: "GPU power usage in watts",
        of: |reading| reading.power_watts,
    },
    Gauge {
        name: "nv_gpu_power_limit",
        help: "GPU power management limit in watts",
        of: |reading| reading.power_limit_watts,
    },
];

/// The only counter that is no whole number.
fn energy(reading: &Reading) -> Option<Metric> {
    let mut counter = prometheus::proto::Counter::default();
    counter.set_value(reading.energy_joules?);
    let mut metric = Metric::from_label(vec![label("gpu_uuid", &reading.uuid)]);
    metric.set_counter(counter);
    Some(metric)
}

#[cfg(test)]
mod tests {
    use prometheus::{Encoder, TextEncoder};

    use super::*;

    fn text(readings: &[Reading]) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&families(readings), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_gpu_is_told_by_triton_s_names() {
        let reading = Reading {
            uuid: "GPU-7".to_owned(),
            utilization: Some(0.25),
            memory_total_bytes: Some(1024),
            memory_used_bytes: Some(512),
            power_watts: Some(70.5),
            power_limit_watts: Some(300.0),
            energy_joules: Some(1.5),
        };
        let text = text(&[reading]);
        let values: Vec<_> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        let expected = [
            "# TYPE nv_gpu_utilization gauge",
            r#"nv_gpu_utilization{gpu_uuid="GPU-7"} 0.25"#,
            "# TYPE nv_gpu_memory_total_bytes gauge",
            r#"nv_gpu_memory_total_bytes{gpu_uuid="GPU-7"} 1024"#,
            "# TYPE nv_gpu_memory_used_bytes gauge",
            r#"nv_gpu_memory_used_bytes{gpu_uuid="GPU-7"} 512"#,
            "# TYPE nv_gpu_power_usage gauge",
            r#"nv_gpu_power_usage{gpu_uuid="GPU-7"} 70.5"#,
            "# TYPE nv_gpu_power_limit gauge",
            r#"nv_gpu_power_limit{gpu_uuid="GPU-7"} 300"#,
            "# TYPE nv_energy_consumption counter",
            r#"nv_energy_consumption{gpu_uuid="GPU-7"} 1.5"#,
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_a_gpu_cannot_tell_is_left_out() {
        let reading = Reading { uuid: "GPU-7".to_owned(), ..Reading::default() };
        assert_eq!(text(&[reading]), "");
        assert_eq!(text(&[]), "");
    }
}
