"""`reshape`: clients see other axes than the model, over both protocols and in ensembles."""

from pathlib import Path

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from golden import models
from onnx import TensorProto, helper
from server import Server, running

CONFIG = """
max_batch_size: 4
input { name: "x" data_type: TYPE_FP32 dims: [ 6 ] reshape { shape: [ 2, 3 ] } }
output { name: "sum" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } }
output { name: "y" data_type: TYPE_FP32 dims: [ 3, 2 ] reshape { shape: [ 2, 3 ] } }
dynamic_batching { max_queue_delay_microseconds: 1000 }
"""
ENSEMBLE = """
platform: "ensemble"
max_batch_size: 4
input { name: "IN" data_type: TYPE_FP32 dims: [ 6 ] }
output { name: "OUT" data_type: TYPE_FP32 dims: [ 1 ] }
ensemble_scheduling { step {
  model_name: "stated" model_version: -1
  input_map { key: "x" value: "IN" } output_map { key: "sum" value: "OUT" }
} }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`stated` and `completed` from x [batch, 2, 3] to its sum by row [batch] and itself; `scalar` from [] to []."""
    folder = tmp_path_factory.mktemp("reshape")
    nodes = [
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0),
        helper.make_node("Identity", ["x"], ["y"]),
    ]
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[1, 2])
    sum_, y = tensor("sum", "batch"), tensor("y", "batch", 2, 3)
    for name in ("stated", "completed"):
        models.save(folder, name, [axes, *nodes], [tensor("x", "batch", 2, 3)], [sum_, y])
    (folder / "stated" / "config.pbtxt").write_text(CONFIG)
    double = helper.make_node("Add", ["x", "x"], ["y"])
    models.save(folder, "scalar", [double], [tensor("x")], [tensor("y")])
    (folder / "ensemble" / "1").mkdir(parents=True)
    (folder / "ensemble" / "config.pbtxt").write_text(ENSEMBLE)
    with running(folder) as started:
        yield started


def tensor(name: str, *dims: int | str):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


def infer(server: Server, protocol, port: int, model: str, name: str, values: np.ndarray):
    """The answer to one input."""
    with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
        given = protocol.InferInput(name, list(values.shape), "FP32")
        given.set_data_from_numpy(values)
        return client.infer(model, [given])


@pytest.mark.parametrize("protocol", [triton_http, triton_grpc])
def test_clients_see_their_own_axes(server, protocol):
    port = server.http if protocol is triton_http else server.grpc
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    answer = infer(server, protocol, port, "stated", "x", values)
    np.testing.assert_array_equal(answer.as_numpy("sum"), [[15], [51]])
    np.testing.assert_array_equal(answer.as_numpy("y"), values.reshape(2, 3, 2))
    answer = infer(server, protocol, port, "ensemble", "IN", values)
    np.testing.assert_array_equal(answer.as_numpy("OUT"), [[15], [51]])
    answer = infer(server, protocol, port, "scalar", "x", np.array([2.5], np.float32))
    np.testing.assert_array_equal(answer.as_numpy("y"), [5])


def test_each_client_gets_its_own_rows(server):
    def ask(index: int) -> list:
        values = np.full((1, 6), index, np.float32)
        return infer(server, triton_http, server.http, "stated", "x", values).as_numpy("sum").tolist()

    answers = clients.at_once([lambda index=index: ask(index) for index in range(8)])
    assert answers == [[[6.0 * index]] for index in range(8)]


def test_what_clients_are_shown(server):
    shown = clients.get(server, "/v2/models/stated").json()
    assert [(it["name"], it["shape"]) for it in shown["inputs"]] == [("x", [-1, 6])]
    assert [(it["name"], it["shape"]) for it in shown["outputs"]] == [("sum", [-1, 1]), ("y", [-1, 3, 2])]
    config = clients.get(server, "/v2/models/stated/config").json()
    assert (config["input"][0]["dims"], config["input"][0]["reshape"]) == ([6], {"shape": [2, 3]})
    # What has no axes beside the batch, or none at all, gets one, as in Triton.
    config = clients.get(server, "/v2/models/completed/config").json()
    assert (config["output"][0]["dims"], config["output"][0]["reshape"]) == ([1], {"shape": []})
    assert config["input"][0].get("reshape") is None
    config = clients.get(server, "/v2/models/scalar/config").json()
    assert (config["input"][0]["dims"], config["input"][0]["reshape"]) == ([1], {"shape": []})


def test_a_wrong_shape_is_told_in_the_clients_axes(server):
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2, 3], "data": [0] * 6}]}
    answer = clients.post(server, "/v2/models/stated/infer", body)
    assert answer.status == 400
    assert "Expected [-1,6], got [1,2,3]" in answer.error()
