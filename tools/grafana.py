"""Writes Grafana's dashboard: deploy/grafana/nereid.json, from the panels that are listed here.

    python3 tools/grafana.py

The tests run every expression against a real Prometheus, and tests/deploy/pictures.py draws panels for the README.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

DASHBOARD = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "nereid.json"
# Three panels fill a row of Grafana's grid of 24 columns.
COLUMNS, WIDTH, HEIGHT = 24, 8, 8
# Whatever Grafana substitutes in an expression, for those that ask Prometheus themselves.
VARIABLES = {"$job": ".*", "$model": ".*", "$__rate_interval": "1m"}


@dataclass(frozen=True)
class Panel:
    """A graph of some expressions: legend -> PromQL."""

    title: str
    unit: str
    expressions: dict[str, str]
    description: str = ""
    is_stacked: bool = False
    # Only servers with a GPU have the metrics.
    needs_gpu: bool = field(default=False)

    def queries(self) -> dict[str, str]:
        """The expressions for Prometheus itself, of all models."""
        queries = {}
        for legend, expression in self.expressions.items():
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            queries[legend] = expression
        return queries


def rate(metric: str, by: str = "model", more: str = "") -> str:
    """How fast a counter grows, by some labels."""
    return f'sum by ({by}) (rate({metric}{{job=~"$job",model=~"$model"{more}}}[$__rate_interval]))'


def gauge(metric: str, by: str = "model") -> str:
    """A gauge, by some labels."""
    return f'sum by ({by}) ({metric}{{job=~"$job",model=~"$model"}})'


def quantile(q: float) -> str:
    """A quantile of the latency of each model."""
    return f"histogram_quantile({q}, {rate('nereid_request_duration_seconds_bucket', 'le, model')})"


def stage(name: str) -> str:
    """Seconds that a request of the mean spends in a stage, over all models."""
    labels = 'job=~"$job",model=~"$model"'
    spent, requests = f"nv_inference_{name}_duration_us{{{labels}}}", f"nv_inference_request_success{{{labels}}}"
    return f"sum(rate({spent}[$__rate_interval])) / sum(rate({requests}[$__rate_interval])) / 1e6"


ROWS = {
    "Traffic": [
        Panel("Requests answered", "reqps", {"{{model}}": rate("nv_inference_request_success")}),
        Panel("Requests failed", "reqps", {"{{model}}: {{reason}}": rate("nv_inference_request_failure", "model, reason")}),
        Panel("Models ready", "short", {"{{model}}": f'min by (model) (nereid_model_ready{{job=~"$job",model=~"$model"}})'}),
    ],
    "Latency": [
        Panel("Latency, median", "s", {"{{model}}": quantile(0.5)}),
        Panel("Latency, 95 of 100", "s", {"{{model}}": quantile(0.95)}),
        Panel("Latency, 99 of 100", "s", {"{{model}}": quantile(0.99)}),
    ],
    "Where the time goes": [
        Panel("Queue against compute", "s",
              {"queue": stage("queue"), "input": stage("compute_input"), "infer": stage("compute_infer"),
               "output": stage("compute_output")},
              "Of a request of the mean. An ensemble's own requests count beside those of its steps.", is_stacked=True),
        Panel("Share of the time in the queue", "percentunit",
              {"{{model}}": f"{rate('nv_inference_queue_duration_us')} / {rate('nv_inference_request_duration_us')}"}),
        Panel("Requests waiting", "short", {"{{model}}": gauge("nv_inference_pending_request_count")}),
    ],
    "Batches": [
        Panel("Rows in a batch, mean", "short",
              {"{{model}}": f"{rate('nereid_batch_size_sum')} / {rate('nereid_batch_size_count')}"}),
        Panel("Batches by their rows", "ops", {"up to {{le}}": rate("nereid_batch_size_bucket", "le")},
              "Each line has the batches of the lines below it, too."),
        Panel("Inferences", "ops", {"{{model}}": rate("nv_inference_count")}),
    ],
    "Memory and copies": [
        Panel("Copies", "Bps", {"{{model}}: {{direction}}": rate("nereid_copy_bytes_total", "model, direction")}),
        Panel("Memory of models", "bytes", {"{{model}}: {{device}}": gauge("nereid_model_memory_bytes", "model, device")}),
        Panel("Bytes in flight", "bytes", {"{{instance}}": 'sum by (instance) (nereid_inflight_bytes{job=~"$job"})'}),
    ],
    "Host and GPU": [
        Panel("Processors", "percentunit", {"{{instance}}": 'max by (instance) (nv_cpu_utilization{job=~"$job"})'}),
        Panel("GPU", "percentunit", {"{{gpu_uuid}}": 'max by (gpu_uuid) (nv_gpu_utilization{job=~"$job"})'}, needs_gpu=True),
        Panel("GPU memory", "percentunit",
              {"{{gpu_uuid}}": 'max by (gpu_uuid) (nv_gpu_memory_used_bytes{job=~"$job"} / nv_gpu_memory_total_bytes{job=~"$job"})'},
              needs_gpu=True),
    ],
}
PANELS = [panel for row in ROWS.values() for panel in row]


def dashboard() -> dict:
    """What Grafana imports."""
    panels: list[dict] = []
    y = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
        panels += [plotted(panel, WIDTH * column, y + 1) for column, panel in enumerate(row)]
        y += 1 + HEIGHT
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    variables = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        variable("job", "label_values(nereid_server_ready, job)"),
        variable("model", 'label_values(nereid_model_ready{job=~"$job"}, model)'),
    ]
    return {"uid": "nereid", "title": "Nereid", "tags": ["nereid"], "schemaVersion": 39, "editable": True,
            "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
            "templating": {"list": variables}, "panels": panels}


def plotted(panel: Panel, x: int, y: int) -> dict:
    """A panel as Grafana has it."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [{"refId": chr(ord("A") + index), "datasource": source, "expr": expression, "legendFormat": legend}
               for index, (legend, expression) in enumerate(panel.expressions.items())]
    custom = {"fillOpacity": 30, "stacking": {"mode": "normal"}} if panel.is_stacked else {"fillOpacity": 0}
    return {"type": "timeseries", "title": panel.title, "description": panel.description, "datasource": source,
            "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT}, "targets": targets,
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": custom}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}}


def variable(name: str, query: str) -> dict:
    """A choice among the values of a label, of which all are chosen at first."""
    return {"name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": query,
            "refresh": 2, "includeAll": True, "multi": True, "allValue": ".*",
            "current": {"text": "All", "value": "$__all"}}


def text() -> str:
    """The dashboard's file."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DASHBOARD.write_text(text(), encoding="utf-8")
