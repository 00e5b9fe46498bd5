"""What Prometheus scrapes: the text format, the names that Triton has, and the flags that choose among them."""

import math
import re
from collections import defaultdict
from dataclasses import dataclass, field

import clients
import pytest
from server import EXAMPLES, launch, running

MODELS = sorted(model.name for model in EXAMPLES.iterdir())
STAGES = ["request", "queue", "compute_input", "compute_infer", "compute_output"]
QUANTILES = ["0.5", "0.9", "0.95", "0.99", "0.999"]
# Of Triton's metrics those that need neither a GPU nor a response cache.
COUNTERS = ["nv_inference_request_success", "nv_inference_request_failure", "nv_inference_count"]
COUNTERS += ["nv_inference_exec_count", *(f"nv_inference_{stage}_duration_us" for stage in STAGES)]
GAUGES = ["nv_inference_pending_request_count", "nv_model_load_duration_secs"]
HOST = ["nv_cpu_utilization", "nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes"]
PINNED = ["nv_pinned_memory_pool_total_bytes", "nv_pinned_memory_pool_used_bytes"]
SUMMARIES = [f"nv_inference_{stage}_summary_us" for stage in STAGES]
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')
SUFFIXES = {"histogram": {"_bucket", "_sum", "_count"}, "summary": {"", "_sum", "_count"}}


@dataclass
class Family:
    """The metrics of one name: suffix and labels -> value."""

    kind: str
    samples: dict[tuple[str, frozenset], float] = field(default_factory=dict)

    def value(self, suffix: str = "", **labels: str) -> float:
        """The sample with exactly these labels."""
        return self.samples[suffix, frozenset(labels.items())]


def scrape(server) -> dict[str, Family]:
    """All families by name, read as strictly as Prometheus does (text format 0.0.4)."""
    answer = clients.ask(server.metrics, "GET", "/metrics")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.body.decode()
    assert text.endswith("\n")
    families: dict[str, Family] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert len(line.split(" ", 3)) == 4, line
        elif line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert name not in families, f"{name} twice"
            families[name] = Family(kind)
        else:
            add(families[name], name, line)
    for name, family in families.items():
        assert family.samples, f"{name} is empty"
        if family.kind == "histogram":
            check_histogram(name, family)
    return families


def add(family: Family, name: str, line: str) -> None:
    """Adds a line, which must be one of this family's and the first of its series."""
    found = SAMPLE.fullmatch(line)
    assert found and found[1].startswith(name), line
    suffix = found[1].removeprefix(name)
    assert suffix in SUFFIXES.get(family.kind, {""}), line
    labels = frozenset(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
    assert (suffix, labels) not in family.samples, f"twice: {line}"
    family.samples[suffix, labels] = float(found[3])


def check_histogram(name: str, family: Family) -> None:
    """Buckets rise with their bounds, and the infinite one has all."""
    buckets = defaultdict(dict)
    for (suffix, labels), value in family.samples.items():
        if suffix == "_bucket":
            bound = dict(labels)["le"]
            buckets[labels - {("le", bound)}][float(bound)] = value
    assert buckets, name
    for labels, by_bound in buckets.items():
        counts = [by_bound[bound] for bound in sorted(by_bound)]
        assert counts == sorted(counts), (name, by_bound)
        assert by_bound[math.inf] == family.samples["_count", labels]


def test_every_metric_is_there_before_the_first_request(fresh_server):
    families = scrape(fresh_server)
    for kind, names in {"counter": COUNTERS, "gauge": [*GAUGES, *HOST, *PINNED]}.items():
        for name in names:
            assert families[name].kind == kind, name
    for name in [*COUNTERS, *GAUGES]:
        models = {dict(labels)["model"] for _, labels in families[name].samples}
        assert sorted(models) == MODELS, name
    assert not families.keys() & set(SUMMARIES)
    ready = families["nereid_model_ready"].samples
    assert sorted(dict(labels)["model"] for _, labels in ready) == MODELS and set(ready.values()) == {1}
    assert families["nereid_server_ready"].value() == 1
    durations = families["nv_model_load_duration_secs"].samples.values()
    assert all(0 < seconds < 60 for seconds in durations), durations
    assert families["nereid_request_duration_seconds"].value("_count", model="read_line", version="1") == 0


def test_histograms_count_each_request_and_each_batch(fresh_server, twenty_lines):
    for line in twenty_lines[:3]:
        clients.read_by_raw_request(fresh_server, line.jpeg)
    families = scrape(fresh_server)
    for model in ("line_image", "line_recogniser", "line_text", "read_line"):
        labels = {"model": model, "version": "1"}
        durations = families["nereid_request_duration_seconds"]
        assert durations.value("_count", **labels) == 3
        microseconds = families["nv_inference_request_duration_us"].value(**labels)
        assert durations.value("_sum", **labels) == pytest.approx(microseconds / 1e6, abs=1e-6)
        batches = families["nereid_batch_size"]
        assert (batches.value("_count", **labels), batches.value("_sum", **labels)) == (3, 3)
        assert batches.value("_bucket", le="1", **labels) == 3


def test_an_ensemble_has_spent_what_its_steps_have(fresh_server, twenty_lines):
    for line in twenty_lines[:3]:
        clients.read_by_raw_request(fresh_server, line.jpeg)
    stages = STAGES[2:]
    spent = {}
    for model in ("line_image", "line_recogniser", "line_text", "read_line"):
        durations = clients.statistics(fresh_server, model)["inference_stats"]
        spent[model] = [durations[stage]["ns"] for stage in stages]
    whole = spent.pop("read_line")
    assert whole == [sum(parts) for parts in zip(*spent.values(), strict=True)]


def test_summaries_are_for_those_who_ask(twenty_lines):
    with running(EXAMPLES, "--metrics-config", "summary_latencies=true") as server:
        for line in twenty_lines[:3]:
            clients.read_by_raw_request(server, line.jpeg)
        families = scrape(server)
        for stage, name in zip(STAGES, SUMMARIES, strict=True):
            assert families[name].kind == "summary"
            labels = {"model": "line_recogniser", "version": "1"}
            assert families[name].value("_count", **labels) == 3
            total = families[f"nv_inference_{stage}_duration_us"].value(**labels)
            assert families[name].value("_sum", **labels) == total
            values = [families[name].value(quantile=quantile, **labels) for quantile in QUANTILES]
            assert values == sorted(values) and 0 <= values[0] and values[-1] <= total * 1.01 + 1, name
            unused = families[name].value(quantile="0.5", model="text_detector", version="1")
            assert math.isnan(unused), name


def test_flags_choose_what_is_told(twenty_lines):
    flags = ["--metrics-config=counter_latencies=false", "--metrics-config=histogram_latencies=false"]
    flags += ["--metrics-config=summary_latencies=true", "--metrics-config=summary_quantiles=0.25:0.05,0.75:0.05"]
    flags += ["--allow-cpu-metrics=false", "--allow-gpu-metrics=false", "--metrics-interval-ms=100"]
    with running(EXAMPLES, *flags) as server:
        families = scrape(server)
        assert not [name for name in families if "duration_us" in name or "duration_seconds" in name]
        assert not families.keys() & set(HOST)
        assert families.keys() >= {*COUNTERS[:4], *GAUGES, *PINNED, *SUMMARIES}
        samples = families["nv_inference_queue_summary_us"].samples
        quantiles = {dict(labels).get("quantile") for _, labels in samples}
        assert quantiles == {None, "0.25", "0.75"}


def test_the_host_is_told(server):
    families = scrape(server)
    (used, total) = (families[f"nv_cpu_memory_{what}_bytes"].value() for what in ("used", "total"))
    assert 0 < used < total
    assert 0 <= families["nv_cpu_utilization"].value() <= 1
    assert [families[name].value() for name in PINNED] == [0, 0]


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/x", 200, b""),
        ("GET", "/", 200, b""),
        ("GET", "/metrics/more", 200, b""),
        ("POST", "/metrics", 405, b'{"error":"Method Not Allowed"}'),
        ("DELETE", "/x", 405, b'{"error":"Method Not Allowed"}'),
        ("OPTIONS", "/metrics", 405, b'{"error":"Method Not Allowed"}'),
        ("HEAD", "/metrics", 405, b""),
    ],
)
def test_other_paths_are_empty_and_other_methods_refused(server, method, path, status, body):
    answer = clients.ask(server.metrics, method, path)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("Allow") == ("GET" if status == 405 else None)
    assert answer.headers["Content-Type"] == ("application/json" if status == 405 else "text/plain; charset=utf-8")


def test_a_slash_at_the_end_is_no_other_path(server):
    text = clients.ask(server.metrics, "GET", "/metrics/").body.decode()
    assert "# TYPE nv_inference_count counter\n" in text


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--metrics-config=sumary_latencies=true", "there is no setting 'sumary_latencies'"),
        ("--metrics-config=summary_quantiles=2:0.1", "expected QUANTILE:ERROR"),
        ("--metrics-interval-ms=0", "expected milliseconds above 0"),
    ],
)
def test_a_wrong_setting_is_named_at_start(flag, expected):
    process = launch("--model-repository", str(EXAMPLES), flag)
    _, text = process.communicate(timeout=clients.TIMEOUT_S)
    assert process.returncode == 1 and expected in text, text
