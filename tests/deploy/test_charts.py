"""The chart of deploy/helm, rendered by the real helm and validated strictly, by Kubernetes' own schemas and, for custom
resources, by those of schemas.yaml."""

import json
import re
import subprocess
from pathlib import Path

import clients
import helm
import jsonschema
import kubernetes_validate
import pytest
import yaml
from golden import models
from server import REPOSITORY, Server, binary

CHART = REPOSITORY / "deploy" / "helm" / "nereid"
SCHEMAS = yaml.safe_load(Path(__file__).with_name("schemas.yaml").read_text())
KUBERNETES = ["1.30", "1.37"]
# Files of values, and what is set on top.
VALUES = {
    "default": [],
    "production": ["production"],
    "gpu": ["production", "gpu"],
    "istio": ["production", "istio"],
    "everything": ["production", "gpu", "istio"],
}
SET = {
    "everything": ["ingress.enabled=true", "ingress.httpHost=a.test", "ingress.grpcHost=b.test", "ingress.className=nginx",
                   "ingress.annotations.a=b", "ingress.tls[0].hosts[0]=a.test", "ingress.tls[0].secretName=s",
                   "istio.gateways[0]=ns/gateway", "istio.hosts[0]=a.test", "autoscaling.queueShare=300m",
                   "autoscaling.cpuPercent=70", "networkPolicy.clients[0].podSelector.matchLabels.role=client",
                   "serviceMonitor.labels.release=prometheus", "prometheusRule.labels.release=prometheus",
                   "imagePullSecrets[0].name=s", "nodeSelector.disk=fast", "priorityClassName=high", "podLabels.a=b",
                   "podAnnotations.a=b", "env[0].name=A", "env[0].value=b", "service.annotations.a=b", "tls.secretName=certificate", "tls.mutual=true",
                   "apiKeys.secretName=keys"],
}
PRODUCTION = {"Deployment", "Service", "ServiceAccount", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceMonitor",
              "PrometheusRule", "ConfigMap", "NetworkPolicy"}
ISTIO = {"DestinationRule", "VirtualService"}


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([helm.program(), *arguments], check=False, capture_output=True, encoding="utf-8")


def arguments(files: list[str], settings: list[str] = ()) -> list[str]:
    paths = [f"--values={CHART / f'values-{name}.yaml'}" for name in files]
    return [str(CHART), "--namespace=ml", *paths, *(f"--set={setting}" for setting in settings)]


def render(files: list[str], settings: list[str] = ()) -> list[dict]:
    """The objects that the chart makes."""
    ended = run("template", "nereid", *arguments(files, settings))
    assert ended.returncode == 0, ended.stderr
    return [found for found in yaml.safe_load_all(ended.stdout) if found]


def of_kind(objects: list[dict], kind: str) -> dict:
    """The first of a kind."""
    return next(found for found in objects if found["kind"] == kind)


@pytest.fixture(scope="module", params=VALUES)
def rendered(request):
    """The objects of each of the values' files."""
    return render(VALUES[request.param], SET.get(request.param, ()))


@pytest.mark.parametrize("name", VALUES)
def test_helm_finds_nothing_wrong(name):
    ended = run("lint", "--strict", *arguments(VALUES[name], SET.get(name, ())))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_object_is_valid(rendered, version):
    for found in rendered:
        if found["kind"] in SCHEMAS:
            schema = SCHEMAS[found["kind"]] | {"definitions": SCHEMAS["definitions"]}
            jsonschema.validate(found, schema)
        else:
            kubernetes_validate.validate(found, version, strict=True)


def test_validation_can_fail():
    """Strictly: a property too much is enough."""
    deployment = of_kind(render([]), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["ports"][0]["prot"] = "TCP"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[-1], strict=True)


def test_each_file_of_values_brings_its_kinds():
    kinds = {name: {found["kind"] for found in render(files, SET.get(name, ()))} for name, files in VALUES.items()}
    assert kinds["default"] == {"Deployment", "Service", "ServiceAccount"}
    assert kinds["production"] == kinds["gpu"] == PRODUCTION
    assert kinds["istio"] == PRODUCTION | ISTIO
    assert kinds["everything"] == PRODUCTION | ISTIO | {"Ingress"}


def pod(objects: list[dict]) -> tuple[dict, dict]:
    """The deployment's pod, and its container."""
    spec = of_kind(objects, "Deployment")["spec"]["template"]["spec"]
    return spec, spec["containers"][0]


def test_production_has_three_servers_that_are_never_fewer():
    objects = render(["production"])
    assert of_kind(objects, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 3
    assert "replicas" not in of_kind(objects, "Deployment")["spec"]  # Whom the autoscaler would argue with.
    without = of_kind(render(["production"], ["autoscaling.enabled=false"]), "Deployment")["spec"]
    assert without["replicas"] == 3
    assert without["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(("sleep", "delay", "timeout"), [(5, 5, 30), (0, 60, 600), (1, 0, 0)])
def test_the_grace_period_is_enough(sleep, delay, timeout):
    names = ("preStopSeconds", "delaySeconds", "exitTimeoutSeconds")
    settings = [f"shutdown.{name}={value}" for name, value in zip(names, (sleep, delay, timeout), strict=True)]
    spec, container = pod(render([], settings))
    assert spec["terminationGracePeriodSeconds"] >= sleep + delay + timeout + 5
    assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": sleep}}
    assert {f"--shutdown-delay-secs={delay}", f"--exit-timeout-secs={timeout}"} <= set(container["args"])


def test_the_container_may_do_no_more_than_it_must(rendered):
    spec, container = pod(rendered)
    assert spec["securityContext"]["runAsNonRoot"] and spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert all(mount.get("readOnly") for mount in container["volumeMounts"] if mount["name"] == "models")


def test_tls_and_keys_come_from_secrets():
    spec, container = pod(render([], ["tls.secretName=certificate", "tls.mutual=true", "apiKeys.secretName=keys"]))
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume}
    assert secrets == {"tls": "certificate", "api-keys": "keys"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for protocol in ("http", "grpc"):
        assert {f"--{protocol}-use-ssl-mutual=true", f"--{protocol}-server-cert={mounts['tls']}/tls.crt",
                f"--{protocol}-server-key={mounts['tls']}/tls.key", f"--{protocol}-root-cert={mounts['tls']}/ca.crt",
                f"--api-keys-file={mounts['api-keys']}/keys"} <= set(container["args"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "http-metrics"
    spec, container = pod(render([]))
    assert not any("ssl" in flag or "keys" in flag for flag in container["args"])
    assert container["livenessProbe"]["httpGet"]["port"] == "http"


def test_a_gpu_is_asked_for():
    spec, container = pod(render(["gpu"]))
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1" and spec["runtimeClassName"] == "nvidia"
    assert container["image"] == "nereid:0.1.0-cuda"


def test_autoscaling_needs_something_to_go_by():
    ended = run("template", "nereid", *arguments(["production"], ["autoscaling.pendingRequests=0"]))
    assert ended.returncode != 0 and "autoscaling needs one of" in ended.stderr


def test_autoscaling_asks_for_what_the_adapter_offers():
    adapter = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "adapter.yml").read_text())
    offered = [rule["name"]["as"] for kind in ("rules", "externalRules") for rule in adapter[kind]]
    metrics = of_kind(render(["production"], SET["everything"]), "HorizontalPodAutoscaler")["spec"]["metrics"]
    asked = {metric["type"]: metric[metric["type"].lower()].get("metric", {}) for metric in metrics}
    assert [asked["Pods"]["name"], asked["External"]["name"]] == offered
    assert asked["External"]["selector"] == {"matchLabels": {"namespace": "ml"}}


def test_rules_and_dashboard_are_those_that_are_tested():
    objects = render(["production"])
    rules = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "nereid.rules.yml").read_text())
    assert of_kind(objects, "PrometheusRule")["spec"] == rules
    dashboard = json.loads((REPOSITORY / "deploy" / "grafana" / "nereid.json").read_text())
    assert json.loads(of_kind(objects, "ConfigMap")["data"]["nereid.json"]) == dashboard


def test_selectors_find_what_they_should():
    objects = render(["production"])
    labels = of_kind(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    services = [found for found in objects if found["kind"] == "Service"]
    assert all(service["spec"]["selector"].items() <= labels for service in services)
    for kind, field in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        assert of_kind(objects, kind)["spec"][field]["matchLabels"].items() <= labels
    monitored = of_kind(objects, "ServiceMonitor")["spec"]["selector"]
    (absent,) = monitored["matchExpressions"]
    found = [service for service in services if monitored["matchLabels"].items() <= service["metadata"]["labels"].items()
             and absent["key"] not in service["metadata"]["labels"]]
    assert [service["metadata"]["name"] for service in found] == ["nereid"]  # Each server is scraped once.


def test_ports_and_probes_are_those_of_the_server(tmp_path):
    """The arguments of the container, given to the real server; the ports are its defaults."""
    _, container = pod(render([]))
    help_text = subprocess.run([binary(), "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    defaults = {name: int(re.search(rf"--{name}-port .*?\[default: (\d+)\]", help_text, re.DOTALL)[1])
                for name in ("http", "grpc", "metrics")}
    assert [port["containerPort"] for port in container["ports"]] == list(defaults.values())
    models.write_repository(tmp_path)
    flags = [flag for flag in container["args"] if not flag.startswith("--model-repository=")]
    assert len(flags) == len(container["args"]) - 1
    with Server(tmp_path, *flags) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            assert asked["port"] == "http" and clients.get(server, asked["path"]).status == 200
