"""The image for the CPU: what is in it, and that the server runs in it as it may in a cluster. By a Docker engine and by
chroot; what a machine cannot do is skipped with the reason."""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clients
import containers
import gpu_libraries
import load
import numpy as np
import pytest
import tritonclient.grpc
import yaml
from containers import IMAGE, USER, Container, Jail, docker
from golden import models
from server import REPOSITORY, binary

# With ONNX Runtime, which is 24 MB of it.
IMAGE_MB_MAX = 80
# What a change of code ships.
LAYER_MB_MAX = 20
IS_RELEASE = "release" in Path(binary()).parts
IN_FLIGHT = 7  # One less than a batch, so that they wait for company.
RUNTIMES = REPOSITORY / "deploy" / "kserve" / "servingruntimes.yaml"
LACKS = {"docker": containers.lacks_engine(), "chroot": containers.lacks_namespaces()}


@pytest.fixture(scope="session")
def layers(tmp_path_factory):
    """The folder that images are made of."""
    folder = tmp_path_factory.mktemp("image") / "cpu"
    assemble(folder)
    return folder


def assemble(folder: Path) -> None:
    """Puts the file system of the binary under test together, as `make image` does."""
    command = [sys.executable, REPOSITORY / "tools" / "image.py", "cpu", binary(), folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def image(layers):
    """The image; whoever lacks an engine skips."""
    if LACKS["docker"]:
        pytest.skip(LACKS["docker"])
    docker("build", "--quiet", f"--tag={IMAGE}", f"--file={REPOSITORY / 'deploy' / 'docker' / 'cpu.Dockerfile'}", layers)
    return json.loads(docker("image", "inspect", IMAGE))[0]


@pytest.fixture(scope="session")
def root(layers):
    """Both layers over each other, as an engine would lay them."""
    if LACKS["chroot"]:
        pytest.skip(LACKS["chroot"])
    with public_folder() as folder:
        for layer in ("libraries", "server"):
            subprocess.run(["cp", "--archive", f"{layers / layer}/.", folder], check=True)
        yield folder


@pytest.fixture(scope="session")
def repository():
    """Models that any user may read; `simple` waits for a whole batch."""
    with public_folder() as folder:
        models.write_repository(folder)
        config = folder / load.MODEL / "config.pbtxt"
        batching = f"dynamic_batching {{ preferred_batch_size: {models.ROWS_MAX} max_queue_delay_microseconds: 2000000 }}\n"
        config.write_text(config.read_text() + batching)
        yield folder


class public_folder(tempfile.TemporaryDirectory):
    """A folder where any user may look, unlike pytest's."""

    def __enter__(self) -> Path:
        folder = Path(super().__enter__())
        folder.chmod(0o755)
        return folder


@pytest.fixture(params=LACKS)
def start(request, repository):
    """Starts a server in the image's file system, in one of both ways."""
    if request.param == "docker":
        request.getfixturevalue("image")
        return lambda *flags: Container(repository, ["--model-repository=/models", *flags])
    tree = request.getfixturevalue("root")
    return lambda *flags: Jail(repository, ["--model-repository=/models", *flags], tree)


def ask(client, row: int) -> bool:
    """Whether the answer is right; the request waits for company."""
    values = np.full((1, 16), row, np.int32)
    inputs = []
    for name in ("INPUT0", "INPUT1"):
        inputs.append(tritonclient.grpc.InferInput(name, [1, 16], "INT32"))
        inputs[-1].set_data_from_numpy(values)
    return np.array_equal(client.infer(load.MODEL, inputs).as_numpy("OUTPUT0"), 2 * values)


def test_the_server_runs_as_anybody_who_may_nothing(start):
    with start() as server:
        status = Path(f"/proc/{server.process()}/status").read_text()
        assert re.search(rf"^Uid:\s+{USER}\s+{USER}\s", status, re.MULTILINE), status
        capabilities = re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s+(\w+)$", status, re.MULTILINE)
        assert len(capabilities) == 4 and not any(int(mask, 16) for mask in capabilities), status
        assert "NoNewPrivs:\t1" in status
        # Stock clients over both protocols.
        with load.over_grpc(server) as grpc, load.over_http(server) as http:
            grpc.wait_for_more(8)
            http.wait_for_more(8)
        assert (grpc.failures(), http.failures()) == ({}, {})
        status = Path(f"/proc/{server.process()}/status").read_text()
        memory = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        print(f"ready after {server.ready_s:.2f} s, {int(memory[1]) / 1024:.0f} MiB resident")
        server.terminate()
        assert server.wait() == 0, server.log()


def test_what_is_in_flight_at_sigterm_is_answered(start):
    with start() as server, tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            answers = [pool.submit(ask, client, row) for row in range(IN_FLIGHT)]
            clients.wait_until(lambda: clients.metric(server, "nereid_inflight_requests") == IN_FLIGHT)
            server.terminate()
            assert all(answer.result() for answer in answers)
        assert server.wait() == 0, server.log()


def test_the_health_check_is_the_binary_itself(image, repository):
    assert image["Config"]["Healthcheck"]["Test"] == ["CMD", "/usr/bin/nereid", "probe", "ready"]
    with Container(repository, ["--model-repository=/models"]) as server:
        clients.wait_until(lambda: server.health() == "healthy")


@pytest.mark.parametrize("command", [["tritonserver"], ["/opt/tritonserver/bin/tritonserver"]])
def test_commands_of_tritons_image_work(image, repository, command):
    with Container(repository, [*command, "--model-store=/models", "--strict-model-config=false"]) as server:
        assert clients.get(server, f"/v2/models/{load.MODEL}/ready").status == 200
    version = docker("run", "--rm", f"--entrypoint={command[0]}", IMAGE, "--version")
    assert version.startswith("nereid ")


def test_there_is_no_shell(image):
    for shell in ("sh", "/bin/sh", "/bin/bash", "/bin/busybox"):
        command = ["docker", "run", "--rm", f"--entrypoint={shell}", IMAGE]
        ended = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
        assert ended.returncode == 127, ended.stderr
        assert "no such file" in ended.stderr or "not found" in ended.stderr, ended.stderr


def test_the_image_runs_as_no_root_and_says_its_ports(image):
    config = image["Config"]
    assert config["User"] == "65532:65532" and config["StopSignal"] == "SIGTERM"
    assert set(config["ExposedPorts"]) == {f"{port}/tcp" for port in containers.PORTS.values()}


def test_the_image_is_small(image, layers):
    size = image["Size"] / 1e6
    layer = (layers / "server/usr/bin/nereid").stat().st_size / 1e6
    print(f"image {size:.1f} MB, of which a change of code ships {layer:.1f} MB")
    if not IS_RELEASE:
        pytest.skip(f"a debug build is large: {size:.1f} MB say nothing")
    assert size <= IMAGE_MB_MAX and layer <= LAYER_MB_MAX


def test_the_same_files_are_the_same_image(image, layers):
    again = layers.with_name("again")
    assemble(again)
    command = ["diff", "--recursive", "--no-dereference", layers, again]
    differ = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    assert differ.returncode == 0, differ.stdout


def test_it_is_said_what_is_in_it(layers):
    bom = json.loads((layers / "server/usr/share/sbom/nereid.cdx.json").read_text())
    kinds = {component["purl"].split("/")[0] for component in bom["components"]}
    assert kinds == {"pkg:cargo", "pkg:deb", "pkg:pypi"}
    names = {component["name"] for component in bom["components"]}
    assert {"tokio", "clap", "libc6", "onnxruntime"} <= names
    assert not names & {"shuttle", "libfuzzer-sys"}  # Of tests only.
    assert all(component.get("licenses") for component in bom["components"] if component["purl"].startswith("pkg:cargo"))
    documents = layers / "libraries/usr/share/doc"
    assert {path.name for path in documents.iterdir()} == {"gcc-12-base", "libc6", "libgcc-s1", "libstdc++6", "onnxruntime"}


def test_kserves_clients_get_answers_from_its_runtimes(image, repository):
    """The ports, the mount and the arguments are those of the manifests."""
    ports = {"http": 8080, "grpc": 9000, "metrics": 8002}
    maker = [os.environ.get("PYTHON", "python3"), REPOSITORY / "tools" / "python_env.py", "tests/python/kserve_clients"]
    python = subprocess.run(maker, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    runtime = next(yaml.safe_load_all(RUNTIMES.read_text()))
    (container,) = runtime["spec"]["containers"]
    with Container(repository, container["args"], folder="/mnt/models", ports=ports) as server:
        calls = REPOSITORY / "tests" / "python" / "kserve_clients" / "calls.py"
        command = [python, calls, str(server.http), str(server.grpc)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    for protocol in ("HTTP", "gRPC"):
        assert told[protocol]["ready"]
        assert told[protocol]["simple, binary"]["outputs"]["OUTPUT0"] == [list(range(1, 17))]


def test_nvidias_libraries_and_licences_get_their_places(tmp_path):
    """By folders as pip installs the wheels: the wheels themselves are 1.2 GB."""
    installed, layer = tmp_path / "installed", tmp_path / "layer"
    for name in ("nvidia/cu13/lib/libcublas.so.13", "nvidia/cudnn/lib/libcudnn.so.9",
                 "nvidia_cublas-13.1.dist-info/licenses/License.txt",
                 "onnxruntime/capi/libonnxruntime.so.1.28.0", "onnxruntime/capi/libonnxruntime_providers_cuda.so",
                 "onnxruntime/capi/onnxruntime_pybind11_state.so", "onnxruntime/LICENSE", "numpy/core/umath.so",
                 "onnxruntime_gpu-1.28.0.dist-info/METADATA", "numpy-2.4.dist-info/LICENSE.txt"):
        (installed / name).parent.mkdir(parents=True, exist_ok=True)
        (installed / name).write_text(name)
    assert gpu_libraries.versions(installed) == [("nvidia-cublas", "13.1"), ("onnxruntime-gpu", "1.28.0")]
    gpu_libraries.place(installed, layer)
    placed = {path.relative_to(layer).as_posix() for path in layer.rglob("*") if path.is_file()}
    assert placed == {
        "usr/lib/nvidia/libcublas.so.13", "usr/lib/nvidia/libcudnn.so.9", "usr/bin/libonnxruntime.so.1.28.0",
        "usr/bin/libonnxruntime_providers_cuda.so", "usr/share/doc/nvidia-cublas/License.txt",
        "usr/share/doc/onnxruntime-gpu/LICENSE",
    }
