"""The command line: what launchers pass, `nereid check` and `nereid init`."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import clients
import pytest
from server import EXAMPLES, Server, binary, running

MODEL = "text_detector"
ONNX = Path("1") / "model.onnx"

# One bad model of each kind: its files, and what it is told for.
BAD = {
    "broken_file": ({"config.pbtxt": "", ONNX: "no protobuf"}, "as an ONNX model"),
    "wrong_name": (
        {"config.pbtxt": "max_batch_size: 0\nname: 'other'", ONNX: ""},
        "wrong_name/config.pbtxt:2:1: name 'other' is not the folder's, 'wrong_name': rename one",
    ),
    "no_backend": (
        {"config.pbtxt": "backend: 'fil'", ONNX: ""},
        "no_backend/config.pbtxt:1:1: this server has no backend 'fil'; it has onnxruntime",
    ),
    "bad_config": (
        {"config.pbtxt": "max_batch_sise: 4", ONNX: ""},
        "bad_config/config.pbtxt:1:1: unknown field 'max_batch_sise' of ModelConfig; did you mean 'max_batch_size'?",
    ),
    "no_version": ({"config.pbtxt": "backend: 'onnxruntime'"}, "needs a folder named by a number"),
    "lost_step": (
        {
            "config.pbtxt": "platform: 'ensemble' input { name: 'x' data_type: TYPE_FP32 dims: 1 }\n"
            "output { name: 'y' data_type: TYPE_FP32 dims: 1 }\n"
            "ensemble_scheduling { step { model_name: 'gone' } }",
            Path("1") / ".keep": "",
        },
        "lost_step/config.pbtxt:3:",
    ),
}


def nereid(*arguments: str | Path) -> subprocess.CompletedProcess:
    """The binary, without ONNX Runtime's library in reach."""
    environment = os.environ | {"NEREID_ONNXRUNTIME_LIBRARY": "/nonexistent"}
    return subprocess.run(
        [binary(), *map(str, arguments)], capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False
    )


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository of one good model."""
    models = tmp_path / "models"
    shutil.copytree(EXAMPLES / MODEL, models / MODEL)
    return models


def add_bad_models(repository: Path) -> None:
    for name, (files, _) in BAD.items():
        for path, text in files.items():
            path = repository / name / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.mark.parametrize(
    "flags",
    [
        # KServe's ClusterServingRuntime.
        ["--allow-grpc=true", "--allow-http=true"],
        # ModelMesh and charts.
        ["--model-control-mode=explicit", "--strict-model-config=false", "--strict-readiness=false",
         "--allow-sagemaker=false", "--load-model=*", "--exit-on-error=false"],
        ["--backend-directory", "/opt/tritonserver/backends", "--cache-config", "local,size=1048576", "--log-verbose=0",
         "--grpc-infer-allocation-pool-size=16", "--http-thread-count", "4", "--pinned-memory-pool-byte-size=268435456",
         "--cuda-memory-pool-byte-size=0:67108864", "--grpc-keepalive-time", "10000", "--log-info=1",
         "--trace-config", "level=OFF", "--rate-limit=off", "--min-supported-compute-capability=6.0"],
    ],
    ids=["kserve", "modelmesh", "charts"],
)
def test_launchers_flags_are_accepted(repository, flags):
    with running(repository, *flags) as server:
        assert clients.get(server, f"/v2/models/{MODEL}/ready").status == 200
        log = server.log.text()
    assert log.count("--cache-config has no effect: ") == ("--cache-config" in flags)
    assert "--rate-limit has no effect" not in log and "--allow-sagemaker has no effect" not in log


@pytest.mark.parametrize(
    "flag",
    ["--grpc-use-ssl=true", "--http-use-ssl-mutual=true", "--model-config-name=fast",
     "--model-namespacing=true", "--no-such-flag"],
)
def test_flags_that_must_not_be_ignored_stop_the_server(repository, flag):
    ended = nereid("--model-repository", repository, flag)
    assert ended.returncode == 1
    assert flag.split("=")[0] in ended.stderr, ended.stderr


@pytest.mark.parametrize("flag", ["--disable-auto-complete-config", "--strict-model-config=true"])
def test_without_completion_a_model_needs_its_configuration(repository, flag):
    (repository / MODEL / "config.pbtxt").unlink()
    ended = nereid("--model-repository", repository, "--http-port=0", "--grpc-port=0", "--metrics-port=0", flag)
    assert ended.returncode == 1
    assert f"failed to open text file for read {repository / MODEL / 'config.pbtxt'}" in ended.stderr, ended.stderr


def test_check_passes_what_is_sound(repository):
    ended = nereid("check", repository)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "1 model: 0 errors, 0 warnings\n"
    ended = nereid("check", EXAMPLES)
    assert ended.returncode == 0, ended.stdout


def test_check_tells_every_bad_model_and_no_other(repository):
    add_bad_models(repository)
    ended = nereid("check", repository)
    assert ended.returncode == 1
    *lines, summary = ended.stdout.splitlines()
    for name, (_, text) in BAD.items():
        own = [line for line in lines if f"{repository / name}" in line]
        assert len(own) == 1 and own[0].startswith("error: ") and text in own[0], (name, ended.stdout)
    assert len(lines) == len(BAD) and summary == "7 models: 6 errors, 0 warnings", ended.stdout
    assert nereid("check", repository / "nowhere").returncode == 1


def test_a_bad_model_keeps_no_other_from_being_served(repository):
    add_bad_models(repository)
    # Not `running`: a server with bad models never says that all are ready.
    with Server(repository, "--exit-on-error=false", "--strict-readiness=false") as server:
        body, headers = clients.detector_request(32)
        assert clients.post(server, clients.DETECTOR, body, headers).status == 200
        for name, (_, text) in BAD.items():
            assert clients.get(server, f"/v2/models/{name}/ready").status != 200
            if name != "lost_step":  # What its step lacks has no line while models come and go.
                assert text in server.log.text(), server.log.text()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_init_writes_what_the_server_completes_by_itself(repository):
    model = repository / MODEL
    (model / "config.pbtxt").unlink()
    with running(repository) as server:
        expected = clients.get(server, f"/v2/models/{MODEL}/config").json()
    to_stdout = nereid("init", model / ONNX)
    assert to_stdout.returncode == 0 and f'name: "{MODEL}"' in to_stdout.stdout
    written = nereid("init", model / ONNX, "--output", model / "config.pbtxt")
    assert (written.returncode, written.stdout) == (0, "")
    assert (model / "config.pbtxt").read_text() == to_stdout.stdout
    assert nereid("check", repository).stdout == "1 model: 0 errors, 0 warnings\n"
    with running(repository, "--disable-auto-complete-config") as server:
        assert clients.get(server, f"/v2/models/{MODEL}/config").json() == expected
    again = nereid("init", model / ONNX, "--output", model / "config.pbtxt")
    assert again.returncode == 1 and "File exists" in again.stderr, again.stderr


def test_init_of_what_is_no_model(tmp_path):
    (tmp_path / "model.onnx").write_text("no protobuf")
    ended = nereid("init", tmp_path / "model.onnx")
    assert ended.returncode == 1 and ended.stderr.startswith("error: cannot read ") and not ended.stdout
    assert "expected a model's file such as model.onnx" in nereid("init", tmp_path / "model.pt").stderr


def test_the_help_names_the_commands_and_what_is_refused():
    ended = nereid("--help")
    assert ended.returncode == 0
    assert "check" in ended.stdout and "init" in ended.stdout
    assert "--grpc-use-ssl-mutual" in ended.stdout and "--api-keys-file" in ended.stdout
    assert "--model-namespacing" in ended.stdout.strip().rsplit("\n\n")[-1], ended.stdout


def test_models_are_named_only_where_clients_decide(repository):
    ended = nereid("--model-repository", repository, "--load-model", MODEL)
    assert (ended.returncode, "--model-control-mode=explicit" in ended.stderr) == (1, True), ended.stderr
    assert "Started" not in ended.stderr


def test_a_repository_without_models_is_told(tmp_path):
    with running(tmp_path) as server:
        server.log.wait_for(r"(?m)^W.*no model found")
