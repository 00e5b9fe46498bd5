"""`model_warmup`: each instance runs it before the model is ready, and no statistic counts it."""

from pathlib import Path

import clients
import numpy as np
import pytest
from golden import models
from onnx import TensorProto, helper
from server import Log, launch, running

MODEL = "look_up"
TABLE = [10.0, 11.0, 12.0, 13.0]
CONFIG = """
max_batch_size: 4
input { name: "index" data_type: TYPE_INT64 dims: [ 1 ] reshape { shape: [ ] } }
input { name: "text" data_type: TYPE_STRING dims: [ -1 ] }
output { name: "found" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } }
output { name: "echo" data_type: TYPE_STRING dims: [ -1 ] }
instance_group { count: 3 }
"""
ENSEMBLE = """
platform: "ensemble"
input { name: "IN" data_type: TYPE_FP32 dims: [ 1 ] }
output { name: "OUT" data_type: TYPE_FP32 dims: [ 1 ] }
ensemble_scheduling { step {
  model_name: "look_up" model_version: -1
  input_map { key: "index" value: "IN" } output_map { key: "found" value: "OUT" }
} }
model_warmup { name: "any" batch_size: 1 }
"""


@pytest.fixture
def repository(tmp_path) -> Path:
    """A model that fails where `index` is none of the table's: it runs only what it is given."""
    inputs = [tensor("index", TensorProto.INT64, "batch"), tensor("text", TensorProto.STRING, "batch", "n")]
    outputs = [tensor("found", TensorProto.FLOAT, "batch"), tensor("echo", TensorProto.STRING, "batch", "n")]
    nodes = [
        helper.make_node("Constant", [], ["table"], value_floats=TABLE),
        helper.make_node("Gather", ["table", "index"], ["found"]),
        helper.make_node("Identity", ["text"], ["echo"]),
    ]
    models.save(tmp_path, MODEL, nodes, inputs, outputs)
    files = tmp_path / MODEL / "warmup"
    files.mkdir()
    (files / "last").write_bytes(np.array([len(TABLE) - 1], np.int64).tobytes())
    (files / "beyond").write_bytes(np.array([len(TABLE)], np.int64).tobytes())
    (files / "texts").write_bytes(b"\x03\0\0\0one\0\0\0\0")
    return tmp_path


def tensor(name: str, data_type: int, *dims: str):
    return helper.make_tensor_value_info(name, data_type, dims)


def sample(name: str, index: str, text: str, batch_size: int = 1, count: int = 0) -> str:
    """A sample of the two inputs, each filled as it says."""
    return (
        f'model_warmup {{ name: "{name}" batch_size: {batch_size} count: {count}\n'
        f'inputs {{ key: "index" value {{ data_type: TYPE_INT64 dims: [ 1 ] {index} }} }}\n'
        f'inputs {{ key: "text" value {{ data_type: TYPE_STRING dims: [ 2 ] {text} }} }} }}\n'
    )


GOOD = (
    sample("zeros", "zero_data: true", "zero_data: true", batch_size=4)
    + sample("file", 'input_data_file: "last"', 'input_data_file: "texts"', batch_size=3, count=2)
    + sample("skipped", 'input_data_file: "beyond"', "random_data: true", batch_size=0)
)
BAD = sample("too far", 'input_data_file: "beyond"', "random_data: true")


def write(repository: Path, warmup: str) -> None:
    (repository / MODEL / "config.pbtxt").write_text(CONFIG + warmup)


def refusal(repository: Path) -> str:
    """What a server says that must not start."""
    process = launch("--model-repository", str(repository))
    text = Log(process.stderr).wait_for_end()
    assert process.wait() == 1, text
    return text


def look_up(server) -> list:
    """The request that always works."""
    inputs = [
        {"name": "index", "datatype": "INT64", "shape": [1, 1], "data": [2]},
        {"name": "text", "datatype": "BYTES", "shape": [1, 1], "data": ["a"]},
    ]
    answer = clients.post(server, f"/v2/models/{MODEL}/infer", {"inputs": inputs})
    assert answer.status == 200, answer.body
    return answer.json()["outputs"][0]["data"]


def test_a_warm_up_is_told_and_not_counted(repository):
    write(repository, GOOD)
    with running(repository) as server:
        assert len(server.log.wait_for(r"warmed up: (.*) in \d+ ms").groups()) == 1
        assert server.log.text().count(f"warmed up: {MODEL}, 3 instances in ") == 1
        now = clients.statistics(server, MODEL)
        counts = ("inference_count", "execution_count", "last_inference")
        assert [now.get(count, 0) for count in counts] == [0, 0, 0]
        assert now["inference_stats"]["success"]["count"] == 0 and now.get("batch_stats", []) == []
        for name in ("nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count"):
            assert clients.metric(server, name, model=MODEL) == 0
        assert clients.metric(server, "nereid_copy_bytes_total", model=MODEL) == 0
        shown = clients.get(server, f"/v2/models/{MODEL}/config").json()["model_warmup"]
        assert [(it["name"], it["batch_size"], it["count"]) for it in shown] == [
            ("zeros", 4, 0), ("file", 3, 2), ("skipped", 0, 0),
        ]
        assert shown[1]["inputs"]["text"]["input_data_file"] == "texts"
        assert look_up(server) == [12.0]
        assert clients.statistics(server, MODEL)["inference_count"] == 1


def test_a_warm_up_that_fails_refuses_the_model(repository):
    write(repository, GOOD + BAD)
    text = refusal(repository)
    assert "instance 0 does not start: failed to run warmup sample 'too far': " in text, text
    assert "indices element out of data bounds, idx=4" in text, text


def test_a_reload_whose_warm_up_fails_leaves_what_serves_alone(repository):
    write(repository, GOOD)
    with running(repository, "--model-control-mode=explicit", f"--load-model={MODEL}") as server:
        def load():
            return clients.post(server, f"/v2/repository/models/{MODEL}/load", b"")

        write(repository, BAD)
        answer = load()
        assert answer.status == 400 and "warmup sample 'too far': " in answer.error(), answer.body
        assert look_up(server) == [12.0]
        write(repository, GOOD)
        assert load().status == 200
        assert look_up(server) == [12.0]


def test_what_is_wrong_is_told_with_its_line(repository):
    warmup = sample("w", "zero_data: true", "zero_data: true", batch_size=5)
    warmup += sample("w", 'input_data_file: "../1/model.onnx"', 'input_data_file: "last"')
    write(repository, warmup)
    text = refusal(repository)
    place = f"{repository}/{MODEL}/config.pbtxt"
    assert f"{place}:8:26: batch_size must be at most 4" in text, text
    assert f"{place}:12:65: 'index': input_data_file '../1/model.onnx' must be a path in the model's folder" in text
    assert f"{place}:13:65: 'text': the data do not fit dims: " in text, text


def test_an_ensemble_has_no_warm_up(repository):
    write(repository, "")
    (repository / "ensemble" / "1").mkdir(parents=True)
    (repository / "ensemble" / "config.pbtxt").write_text(ENSEMBLE)
    text = refusal(repository)
    assert "an ensemble has no warm-up: the models of its steps have" in text, text
