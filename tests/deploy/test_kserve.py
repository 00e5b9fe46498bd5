"""KServe: its manifests against its own Python API, and its container contract by a server that is run so and asked by
KServe's own clients."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import clients
import pytest
import yaml
from golden import models
from server import HOST, REPOSITORY, Log, binary

FOLDER = REPOSITORY / "deploy" / "kserve"
MANIFESTS = [FOLDER / f"{name}.yaml" for name in ("servingruntimes", "clusterservingruntimes", "inferenceservices")]
KSERVE = REPOSITORY / "tests" / "python" / "kserve_clients"
# The name of the port tells Knative what is spoken there.
PORTS = {"nereid-http": ("http1", 8080), "nereid-grpc": ("h2c", 9000)}
# What the container is run as, unless its manifest says otherwise.
USER = 65532


def documents(path: Path) -> list[dict]:
    return list(yaml.safe_load_all(path.read_text()))


def container(runtime: dict) -> dict:
    (found,) = runtime["spec"]["containers"]
    return found


@pytest.fixture(scope="module")
def kserve_python() -> str:
    """The Python that has KServe's package."""
    maker = [os.environ.get("PYTHON", "python3"), REPOSITORY / "tools" / "python_env.py", "tests/python/kserve_clients"]
    return subprocess.run(maker, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def check(python: str, *paths: Path) -> subprocess.CompletedProcess:
    script = Path(__file__).with_name("kserve_manifest.py")
    return subprocess.run([python, script, *paths], check=False, capture_output=True, encoding="utf-8")


def test_manifests_are_what_kserves_api_knows(kserve_python):
    ended = check(kserve_python, *MANIFESTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_field_that_it_does_not_know_is_found(kserve_python, tmp_path):
    text = MANIFESTS[0].read_text().replace("containerPort: 9000", "containerPrt: 9000")
    (tmp_path / "wrong.yaml").write_text(text)
    ended = check(kserve_python, tmp_path / "wrong.yaml")
    assert ended.returncode == 1 and "unknown field containerPrt" in ended.stdout, ended.stdout + ended.stderr


def test_runtimes_of_a_namespace_and_of_the_cluster_are_the_same():
    own, cluster = documents(MANIFESTS[0]), documents(MANIFESTS[1])
    assert [runtime["kind"] for runtime in own + cluster] == ["ServingRuntime"] * 2 + ["ClusterServingRuntime"] * 2
    assert [runtime | {"kind": ""} for runtime in own] == [runtime | {"kind": ""} for runtime in cluster]


def test_a_runtime_has_one_port_as_knative_wants_it():
    for runtime in documents(MANIFESTS[0]):
        (port,) = container(runtime)["ports"]
        assert (port["name"], port["containerPort"]) == PORTS[runtime["metadata"]["name"]]
        flag = {"http1": "--http-port", "h2c": "--grpc-port"}[port["name"]]
        assert f"{flag}={port['containerPort']}" in container(runtime)["args"]
        security = container(runtime)["securityContext"]
        assert security["runAsNonRoot"] and security["capabilities"] == {"drop": ["ALL"]}


def test_services_name_runtimes_that_there_are():
    for service in documents(MANIFESTS[2]):
        model = service["spec"]["predictor"]["model"]
        (runtime,) = [one for one in documents(MANIFESTS[0]) if one["metadata"]["name"] == model["runtime"]]
        assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
        formats = {one["name"] for one in runtime["spec"]["supportedModelFormats"]}
        assert model["modelFormat"]["name"] in formats


@pytest.fixture(scope="module")
def installed():
    """A folder of a repository and of the binary with its library, where any user may read: pytest's are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        models.write_repository(folder / "models")
        shutil.copy(binary(), folder / "nereid")
        for library in Path(binary()).parent.glob("libonnxruntime.so*"):
            shutil.copy(library, folder / library.name)
        yield folder


@contextlib.contextmanager
def run_by_contract(runtime: dict, installed: Path):
    """The arguments of a runtime, its user, and no capability; only the addresses and the folder are ours."""
    folder, args = "--model-store=/mnt/models", container(runtime)["args"]
    assert folder in args
    flags = [f"--model-store={installed / 'models'}" if flag == folder else flag for flag in args]
    flags += [f"--{service}-{what}" for service in ("http", "grpc", "metrics") for what in (f"address={HOST}", "port=0")]
    user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
            "--no-new-privs"]
    environment = {"PATH": os.environ["PATH"], "ORT_DISABLE_TELEMETRY": "1"}
    process = subprocess.Popen([*user, installed / "nereid", *flags], stderr=subprocess.PIPE, env=environment, cwd="/",
                               encoding="utf-8", errors="replace")
    try:
        log = Log(process.stderr)
        log.wait_for(r"(?m) ready$")
        ports = {name: int(log.wait_for(rf"Started {name} at {re.escape(HOST)}:(\d+)")[1])
                 for name in ("HTTPService", "GRPCInferenceService")}
        status = Path(f"/proc/{process.pid}/status").read_text()
        yield ports, status
        process.terminate()
        assert process.wait(clients.TIMEOUT_S) == 0, log.text()
    finally:
        process.kill()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="to become another user needs root and setpriv")
def test_kserves_clients_get_answers_from_both_runtimes(kserve_python, installed):
    http, grpc = documents(MANIFESTS[0])
    with run_by_contract(http, installed) as (over_http, status), run_by_contract(grpc, installed) as (over_grpc, _):
        assert re.search(rf"^Uid:\s+{USER}\s+{USER}\s", status, re.MULTILINE)
        assert all(int(mask, 16) == 0 for mask in re.findall(r"^Cap(?:Prm|Eff|Bnd):\s+(\w+)$", status, re.MULTILINE))
        command = [kserve_python, KSERVE / "calls.py", str(over_http["HTTPService"]), str(over_grpc["GRPCInferenceService"])]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    told = json.loads(printed)
    for protocol in ("HTTP", "gRPC"):
        assert told[protocol]["ready"] and told[protocol]["model ready"]
        assert told[protocol]["simple, binary"]["outputs"]["OUTPUT0"] == [list(range(1, 17))]
