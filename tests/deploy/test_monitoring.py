"""Prometheus' configuration, rules and Grafana's dashboard: checked by promtool, and run by a real Prometheus against a
server under load."""

import json
import subprocess

import clients
import grafana
import load
import prometheus
import pytest
import yaml
from golden import models
from scraping import FOLDER, Prometheus
from server import running

# What a server without a GPU cannot have.
NO_DATA = {panel.title for panel in grafana.PANELS if panel.needs_gpu}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """A Prometheus that has seen a server under load long enough for every rate."""
    repository = tmp_path_factory.mktemp("models")
    models.write_repository(repository)
    home = tmp_path_factory.mktemp("prometheus")
    with running(repository) as server, Prometheus(home, f"127.0.0.1:{server.metrics}") as seen:
        with load.over_grpc(server) as callers:
            # Failures, too.
            assert clients.post(server, f"/v2/models/{load.MODEL}/infer", {"inputs": []}).status == 400
            clients.wait_until(lambda: seen.vector("count_over_time(up[1m]) >= 5"))
            clients.wait_until(lambda: seen.vector(f'model:nereid_requests_answered:rate5m{{model="{load.MODEL}"}} > 0'))
        assert callers.failures() == {}
        yield seen


def promtool(*arguments: str) -> None:
    command = [prometheus.folder() / "promtool", *arguments]
    ended = subprocess.run(command, cwd=FOLDER, check=False, capture_output=True, encoding="utf-8")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_configuration_is_valid():
    promtool("check", "config", "prometheus.yml")


def test_the_rules_do_what_they_say():
    promtool("test", "rules", "nereid.rules.test.yml")


def test_every_alert_has_a_test():
    tests = (FOLDER / "nereid.rules.test.yml").read_text()
    rules = (FOLDER / "nereid.rules.yml").read_text()
    alerts = [line.split(": ")[1] for line in rules.splitlines() if line.strip().startswith("- alert: ")]
    assert len(alerts) == 11
    assert [alert for alert in alerts if f"alertname: {alert}" not in tests] == []


def test_prometheus_evaluates_every_rule(scraped):
    rules = scraped.rules()
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}, rules
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert [name for name in recorded if not scraped.vector(name)] == []
    firing = [rule["name"] for rule in rules if rule["type"] == "alerting" and rule["state"] != "inactive"]
    assert firing == []


@pytest.mark.parametrize("panel", grafana.PANELS, ids=lambda panel: panel.title)
def test_every_panel_has_data(scraped, panel):
    if panel.title in NO_DATA:
        pytest.skip("there is no GPU: the expression is only parsed")
    for legend, query in panel.queries().items():
        found = scraped.vector(query)
        assert found, query
        names = set(found[0][0])
        assert all(f"{{{{{name}}}}}" in legend for name in names), (legend, names)


def adapted(rule: dict, group: str) -> str:
    """What the adapter asks Prometheus by a rule, of all that has labels; `group` is how it is told apart."""
    series = rule["seriesQuery"].split("{")[0]
    parts = {"<<.Series>>": series, "<<.LabelMatchers>>": "", "<<.GroupBy>>": group}
    query = rule["metricsQuery"]
    for name, part in parts.items():
        query = query.replace(name, part)
    return query


@pytest.mark.parametrize("kind", ["rules", "externalRules"])
def test_what_the_autoscaler_goes_by_has_data(scraped, kind):
    """Namespace and pod are labels that Kubernetes adds: here the server's instance stands for them."""
    rules = yaml.safe_load((FOLDER / "adapter.yml").read_text())[kind]
    assert rules
    for rule in rules:
        query = adapted(rule, "instance" if kind == "rules" else "job")
        assert "<<" not in query
        assert len(scraped.vector(query)) == 1, query


def test_panels_of_gpus_are_expressions(scraped):
    for panel in grafana.PANELS:
        if panel.needs_gpu:
            assert all(scraped.vector(query) == [] for query in panel.queries().values())


def test_the_dashboard_is_what_its_tool_writes():
    assert grafana.DASHBOARD.read_text() == grafana.text(), "run tools/grafana.py"
    panels = json.loads(grafana.text())["panels"]
    assert len(panels) == len(grafana.PANELS) + len(grafana.ROWS)
