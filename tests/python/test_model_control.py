"""Loading and unloading as clients ask (--model-control-mode=explicit): nothing that serves is disturbed."""

import base64
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import clients
import pytest
import tritonclient.grpc as triton
from server import EXAMPLES, running
from tritonclient.utils import InferenceServerException

EXPLICIT = "--model-control-mode=explicit"
STEPS = ["line_image", "line_recogniser", "line_text"]


@pytest.fixture
def repository(tmp_path):
    """A copy of the examples that a test may change."""
    shutil.copytree(EXAMPLES, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def load(server, model: str):
    return clients.post(server, f"/v2/repository/models/{model}/load", b"")


def unload(server, model: str, body: bytes | dict = b""):
    return clients.post(server, f"/v2/repository/models/{model}/unload", body)


def states(server) -> dict[str, str]:
    """State and reason by model."""
    index = clients.post(server, "/v2/repository/index", b"").json()
    return {entry["name"]: " ".join([entry["state"], entry.get("reason", "")]).strip() for entry in index}


def test_an_ensemble_brings_its_steps_and_takes_them_away(twenty_lines):
    jpeg = twenty_lines[0].jpeg
    with running(EXAMPLES, EXPLICIT) as server:
        assert states(server) == {}
        assert clients.post(server, clients.READ_LINE, jpeg, clients.RAW).status == 404
        assert load(server, "read_line").status == 200
        assert states(server) == {model: "READY" for model in ["read_line", *STEPS]}
        assert clients.read_by_raw_request(server, jpeg).text

        assert unload(server, "read_line").status == 200
        clients.wait_until(lambda: states(server)["read_line"] == "UNAVAILABLE unloaded")
        assert {states(server)[step] for step in STEPS} == {"READY"}
        assert clients.get(server, "/v2/health/ready").status == 200
        answer = clients.post(server, clients.READ_LINE, jpeg, clients.RAW)
        text = "Request for unknown model: 'read_line' has no available versions"
        assert (answer.status, answer.error()) == (404, text)

        assert load(server, "read_line").status == 200
        assert unload(server, "read_line", {"parameters": {"unload_dependents": True}}).status == 200
        clients.wait_until(lambda: set(states(server).values()) == {"UNAVAILABLE unloaded"})


def test_a_reload_under_load_loses_no_request(repository, twenty_lines):
    jpegs = [line.jpeg for line in twenty_lines[:4]]
    with running(repository, EXPLICIT, "--load-model=*") as server:
        expected = [clients.read_by_raw_request(server, jpeg).text for jpeg in jpegs]
        is_over = threading.Event()

        def ask(index: int) -> int:
            asked = 0
            while not is_over.is_set():
                assert clients.read_by_raw_request(server, jpegs[index]).text == expected[index]
                asked += 1
            return asked

        with ThreadPoolExecutor(len(jpegs)) as pool:
            asked = [pool.submit(ask, index) for index in range(len(jpegs))]
            for _ in range(5):
                assert [load(server, step).status for step in STEPS] == [200] * 3
            is_over.set()
            assert all(future.result() > 0 for future in asked)


def test_a_reload_that_fails_leaves_what_serves_alone(repository, twenty_lines):
    config = repository / "line_text" / "config.pbtxt"
    good = config.read_text()
    with running(repository, EXPLICIT, "--load-model=*") as server:
        config.write_text(good.replace("ctc_greedy_decode", "no_such_operation"))
        answer = load(server, "line_text")
        assert answer.status == 400 and answer.error().startswith("load failed for model 'line_text': "), answer.body
        assert "no_such_operation" in answer.error()
        assert states(server)["line_text"] == "READY"
        assert clients.read_by_raw_request(server, twenty_lines[0].jpeg).text
        config.write_text(good)
        assert load(server, "line_text").status == 200


def test_a_version_that_is_gone_is_taken_down(repository):
    text = repository / "line_text"
    (text / "2").mkdir()
    with running(repository, EXPLICIT, "--load-model=line_text") as server:
        assert clients.get(server, "/v2/models/line_text").json()["versions"] == ["2"]
        (text / "2").rmdir()
        assert load(server, "line_text").status == 200
        clients.wait_until(lambda: clients.get(server, "/v2/models/line_text/versions/2").status == 404)
        assert clients.get(server, "/v2/models/line_text").json()["versions"] == ["1"]


def test_a_load_may_bring_its_configuration_and_its_files(repository, twenty_lines):
    jpeg = twenty_lines[0].jpeg
    shown = "/v2/models/line_recogniser/config"
    with running(repository, EXPLICIT, "--load-model=*") as server:
        config = clients.get(server, shown).json()
        config["max_batch_size"] = 3
        body = {"parameters": {"config": json.dumps(config)}}
        assert clients.post(server, "/v2/repository/models/line_recogniser/load", body).status == 200
        assert clients.get(server, shown).json()["max_batch_size"] == 3
        assert clients.read_by_raw_request(server, jpeg).text

        # A model that the repository does not have; its files are gone when it is.
        model = (EXAMPLES / "line_recogniser" / "1" / "model.onnx").read_bytes()
        config["name"] = "sent"
        parameters = {"config": json.dumps(config), "file:7/model.onnx": base64.b64encode(model).decode()}
        answer = clients.post(server, "/v2/repository/models/sent/load", {"parameters": parameters})
        assert answer.status == 200, answer.body
        assert clients.get(server, "/v2/models/sent").json()["versions"] == ["7"]
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
            client.load_model("sent", config=json.dumps(config), files={"file:8/model.onnx": model})
        clients.wait_until(lambda: clients.get(server, "/v2/models/sent").json()["versions"] == ["8"])

        # The next plain load is the repository's again.
        assert load(server, "line_recogniser").status == 200
        assert clients.get(server, shown).json()["max_batch_size"] == 8


def test_what_cannot_be_done_is_told(server):
    """In the mode `none`, and of models that are not there."""
    answer = load(server, "read_line")
    text = "explicit model load / unload is not allowed if polling is enabled"
    assert (answer.status, answer.error()) == (503, text)
    with running(EXAMPLES, EXPLICIT) as other:
        answer = load(other, "nope")
        assert (answer.status, answer.error()) == (500, "failed to load 'nope', failed to poll from model repository")
        assert unload(other, "nope").status == 200
        answer = clients.post(other, "/v2/repository/foo/models/read_line/load", b"")
        assert (answer.status, answer.error()) == (501, "'repository_name' specification is not supported")


def test_the_same_over_grpc():
    with running(EXAMPLES, EXPLICIT) as server, triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        client.load_model("line_text")
        assert client.is_model_ready("line_text")
        with pytest.raises(InferenceServerException) as caught:
            client.load_model("nope")
        assert caught.value.status() == "StatusCode.INTERNAL"
        client.unload_model("line_text", unload_dependents=True)
        clients.wait_until(lambda: not client.is_model_ready("line_text"))
        client.unload_model("nope")


def test_an_ensemble_that_would_be_within_itself_is_refused(repository, twenty_lines):
    with running(repository, EXPLICIT) as server:
        assert load(server, "read_line").status == 200
        config = repository / "read_line" / "config.pbtxt"
        step = """input { name: "IMAGE" data_type: TYPE_STRING dims: 1 }
            output { name: "TEXT" data_type: TYPE_STRING dims: 1 }
            output { name: "SCORE" data_type: TYPE_FP32 dims: 1 } max_batch_size: 8
            ensemble_scheduling { step { model_name: "%s" input_map { key: "IMAGE" value: "IMAGE" }
              output_map { key: "TEXT" value: "TEXT" } output_map { key: "SCORE" value: "SCORE" } } }"""
        config.write_text(step % "read_line")
        answer = load(server, "read_line")
        assert (answer.status, "lead back to it" in answer.error()) == (400, True), answer.error()

        (repository / "outer" / "1").mkdir(parents=True)
        (repository / "outer" / "config.pbtxt").write_text(step % "read_line")
        assert load(server, "outer").status == 200
        config.write_text(step % "outer")
        answer = load(server, "read_line")
        assert (answer.status, "lead back to it" in answer.error()) == (400, True), answer.error()

        assert clients.get(server, "/v2/health/ready").status == 200
        assert clients.read_by_raw_request(server, twenty_lines[0].jpeg).text


@pytest.mark.parametrize("name", ["nope%0AE1124%2000:00:00.000000%201%20forged.rs:1]%20x", "nope%0D%0Ax%00%1B[31m"])
def test_a_client_writes_no_lines_of_its_own_into_the_log(name):
    with running(EXAMPLES, EXPLICIT) as server:
        assert load(server, name).status == 500
        line = server.log.wait_for(r"(?m)^.*failed to load 'nope.*\n").group()
        assert line.removesuffix("\n").isprintable(), line
        assert "there is no model" in line, line
