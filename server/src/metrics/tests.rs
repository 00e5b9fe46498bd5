use std::time::Duration;

use nereid_backend::error::InferError;
use nereid_backend::observer::Observer;

use super::*;
use crate::fakes;
use crate::lifecycle::UNLOADED;
use crate::metrics::settings::Setting;
use crate::registry::{Registry, Served, Status};
use crate::statistics::Statistics;

const COUNTERS: [&str; 8] = [
    "nv_inference_request_success",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_compute_input_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",
];

/// What a scrape says of the model `m` that has answered two requests of 10 µs, in batches of 3 and
/// 300 rows, and failed once, with these settings.
fn scrape(settings: &[&str]) -> String {
    let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    let statistics = Arc::new(Statistics::with_summaries());
    let times = fakes::times();
    for rows in [3, 300] {
        statistics.executed(rows, &times);
        statistics.answered(rows, &times, None);
    }
    statistics.answered(1, &times, Some(&InferError::Abandoned));
    statistics.loaded_in(Duration::from_millis(1_500));
    let (mut registry, models) = Registry::new();
    let definition = fakes::definition("m");
    let echo = fakes::echo();
    let (route, model) = (fakes::plain_queue(), Some(Arc::downgrade(&echo)));
    let served = Served { definition, route, statistics, model };
    registry.set("m", 1, Status::Ready(Arc::new(served)));
    registry.set("broken", 0, Status::Unavailable("its file is empty".into()));
    registry.set("gone", 1, Status::Unavailable(UNLOADED.into()));
    let server = Arc::new(fakes::server(models));
    let source = Source { server, settings: Settings::new(&settings), host: None, gpus: None };
    String::from_utf8(source.scrape().unwrap()).unwrap()
}

/// The lines of one metric, without its description.
fn lines<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let rest = |line: &'t str| line.strip_prefix(name);
    let is_its = |rest: &&str| rest.starts_with(['{', ' ', '_']);
    text.lines().filter_map(rest).filter(is_its).collect()
}

#[test]
fn counters_are_those_of_triton() {
    let text = scrape(&[]);
    let values = COUNTERS.map(|name| {
        assert!(text.contains(&format!("# TYPE {name} counter\n")), "{name}");
        let [line] = lines(&text, name)[..] else { panic!("{name} once, please") };
        line.strip_prefix(r#"{model="m",version="1"} "#).unwrap()
    });
    assert_eq!(values, ["2", "303", "2", "20", "2", "4", "6", "8"]);
    let failures = lines(&text, "nv_inference_request_failure");
    let expected = [("REJECTED", 0), ("CANCELED", 0), ("BACKEND", 1), ("OTHER", 0)];
    let line = |(reason, count)| format!(r#"{{model="m",version="1",reason="{reason}"}} {count}"#);
    assert_eq!(failures, expected.map(line));
}

#[test]
fn the_memory_of_a_model_is_told_by_device() {
    let found = scrape(&[]);
    let expected = [r#"{model="m",version="1",device="cpu"} 7"#];
    assert_eq!(lines(&found, "nereid_model_memory_bytes"), expected);
}

#[test]
fn it_is_told_which_models_are_ready() {
    let found = scrape(&[]);
    let expected = [r#"{model="broken",version="0"} 0"#, r#"{model="m",version="1"} 1"#];
    assert_eq!(lines(&found, "nereid_model_ready"), expected);
    assert_eq!(lines(&found, "nereid_server_ready"), [" 1"]);
}

#[test]
fn gauges_are_those_of_triton() {
    #[track_caller]
    fn check(text: &str, name: &str, expected: &str) {
        assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{text}");
        assert_eq!(lines(text, name), [expected]);
    }
    let text = scrape(&[]);
    check(&text, "nv_model_load_duration_secs", r#"{model="m",version="1"} 1.5"#);
    check(&text, "nv_inference_pending_request_count", r#"{model="m",version="1"} 0"#);
    check(&text, "nv_pinned_memory_pool_total_bytes", " 0");
    check(&text, "nv_pinned_memory_pool_used_bytes", " 0");
}

#[test]
fn histograms_are_cumulative() {
    #[track_caller]
    fn check(text: &str, name: &str, bounds: &[(&str, u64)], sum: &str, count: u64) {
        let mut expected: Vec<_> = bounds
            .iter()
            .map(|(le, count)| format!(r#"_bucket{{model="m",version="1",le="{le}"}} {count}"#))
            .collect();
        expected.push(format!(r#"_sum{{model="m",version="1"}} {sum}"#));
        expected.push(format!(r#"_count{{model="m",version="1"}} {count}"#));
        assert_eq!(lines(text, name), expected);
    }
    let text = scrape(&[]);
    let bounds =
        [1, 2, 4, 8, 16, 32, 64, 128, 256].map(|rows| (rows.to_string(), u64::from(rows > 2)));
    let bounds = bounds.iter().map(|(rows, count)| (rows.as_str(), *count)).chain([("+Inf", 2)]);
    check(&text, "nereid_batch_size", &bounds.collect::<Vec<_>>(), "303", 2);
    let seconds = "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 10 +Inf";
    let bounds: Vec<_> = seconds.split(' ').map(|bound| (bound, 2)).collect();
    check(&text, "nereid_request_duration_seconds", &bounds, "0.00002", 2);
}

#[test]
fn summaries_are_for_those_who_ask() {
    assert!(!scrape(&[]).contains("summary"));
    let text = scrape(&["summary_latencies=true", "summary_quantiles=0.5:0.05,0.999:0.001"]);
    let medians = [("request", 10), ("queue", 1), ("compute_input", 2), ("compute_infer", 3)];
    for (stage, us) in medians.into_iter().chain([("compute_output", 4)]) {
        let name = format!("nv_inference_{stage}_summary_us");
        assert!(text.contains(&format!("# TYPE {name} summary\n")), "{name}");
        let labels = r#"{model="m",version="1""#;
        let expected = [
            format!(r#"{labels},quantile="0.5"}} {us}"#),
            format!(r#"{labels},quantile="0.999"}} {us}"#),
            format!("_sum{labels}}} {}", 2 * us),
            format!("_count{labels}}} 2"),
        ];
        assert_eq!(lines(&text, &name), expected);
    }
}

#[test]
fn latencies_can_be_turned_off() {
    let text = scrape(&["counter_latencies=false", "histogram_latencies=false"]);
    assert!(!text.contains("duration_us") && !text.contains("duration_seconds"), "{text}");
    assert!(
        text.contains("\nnv_inference_count{") && text.contains("\nnereid_batch_size_"),
        "{text}"
    );
}
