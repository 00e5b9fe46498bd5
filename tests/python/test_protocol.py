"""The protocol's other calls, over HTTP and gRPC alike: health, metadata, configuration, statistics, index, metrics.

What Triton answers was recorded from it; where both protocols carry the same facts, they are compared.
"""

import struct

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton
from server import EXAMPLES
from tritonclient.utils import InferenceServerException

MODELS = ["line_image", "line_recogniser", "line_text", "page_boxes", "page_image", "page_lines", "page_pixels",
          "read_line", "read_page", "text_detector"]
CLASSES = 6625
DURATIONS = ["request", "queue", "compute_input", "compute_infer", "compute_output"]
COUNTERS = ["nv_inference_request_success", "nv_inference_count", "nv_inference_exec_count"]
COUNTERS += [f"nv_inference_{part}_duration_us" for part in DURATIONS]


@pytest.fixture
def grpc(server):
    """A stock gRPC client of the server."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/read_line/ready", {"name": "read_line", "ready": True}),
    ],
)
def test_health_over_http_is_a_status_and_says_so_in_json(server, path, body):
    """Triton sends no body; the Open Inference Protocol has one (docs/differences.md)."""
    answer = clients.get(server, path)
    assert (answer.status, answer.json()) == (200, body)


def test_health_over_grpc(grpc):
    assert grpc.is_server_live() and grpc.is_server_ready()
    assert all(grpc.is_model_ready(model) and grpc.is_model_ready(model, "1") for model in MODELS)
    assert not grpc.is_model_ready("nope") and not grpc.is_model_ready("read_line", "9")


def test_readiness_of_an_unknown_model_over_http(server):
    answer = clients.get(server, "/v2/models/nope/ready")
    assert (answer.status, answer.json()) == (400, {"error": "Model version not ready"})


def test_server_metadata(server, grpc):
    answer = clients.get(server, "/v2").json()
    assert list(answer) == ["name", "version", "extensions"]
    # perf_analyzer asks for "statistics".
    assert {"binary_tensor_data", "model_configuration", "model_repository", "statistics"} <= set(answer["extensions"])
    other = grpc.get_server_metadata()
    assert answer == {"name": other.name, "version": other.version, "extensions": list(other.extensions)}


@pytest.mark.parametrize("path", ["/v2/models/read_line", "/v2/models/read_line/versions/1"])
def test_metadata_of_the_ensemble(server, path):
    assert clients.get(server, path).json() == {
        "name": "read_line",
        "versions": ["1"],
        "platform": "ensemble",
        "inputs": [{"name": "IMAGE", "datatype": "BYTES", "shape": [-1, 1]}],
        "outputs": [
            {"name": "TEXT", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "SCORE", "datatype": "FP32", "shape": [-1, 1]},
        ],
    }


@pytest.mark.parametrize("model", MODELS)
def test_metadata_is_the_same_over_grpc(server, grpc, model):
    answer = clients.get(server, f"/v2/models/{model}").json()
    other = grpc.get_model_metadata(model)
    tensors = {
        kind: [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in getattr(other, kind)]
        for kind in ("inputs", "outputs")
    }
    assert answer == {"name": other.name, "versions": list(other.versions), "platform": other.platform} | tensors


def test_configuration_is_the_same_over_grpc(server, grpc):
    answer = clients.get(server, "/v2/models/line_recogniser/config").json()
    assert answer["name"] == "line_recogniser" and answer["max_batch_size"] == 8
    assert answer["input"][0] | {"name": "x", "data_type": "TYPE_FP32", "dims": [3, 48, -1]} == answer["input"][0]
    assert answer["output"][0]["dims"] == [-1, CLASSES]
    assert answer["dynamic_batching"]["max_queue_delay_microseconds"] == 2000
    assert answer["instance_group"][0] | {"kind": "KIND_CPU", "count": 1} == answer["instance_group"][0]
    other = grpc.get_model_config("line_recogniser").config
    assert (other.name, other.max_batch_size, list(other.input[0].dims)) == ("line_recogniser", 8, [3, 48, -1])
    assert other.dynamic_batching.max_queue_delay_microseconds == 2000


def test_configuration_of_the_ensemble_has_its_steps(server):
    answer = clients.get(server, "/v2/models/read_line/config").json()
    assert answer["platform"] == "ensemble"
    steps = [step["model_name"] for step in answer["ensemble_scheduling"]["step"]]
    assert steps == ["line_image", "line_recogniser", "line_text"]


def test_unknown_model(server, grpc):
    for path in ("/v2/models/nope", "/v2/models/nope/config"):
        answer = clients.get(server, path)
        assert (answer.status, answer.error()) == (404, "Request for unknown model: 'nope' is not found")
    answer = clients.get(server, "/v2/models/nope/stats")
    assert (answer.status, answer.error()) == (400, "requested model 'nope' is not available")
    calls = {grpc.get_model_metadata: "NOT_FOUND", grpc.get_inference_statistics: "INVALID_ARGUMENT"}
    for call, status in calls.items():
        with pytest.raises(InferenceServerException) as caught:
            call("nope")
        assert caught.value.status() == f"StatusCode.{status}"


def test_paths_and_methods(server):
    for path in ("/nope", "/v2/", "/v2/models//ready", "/v2/models/read_line/", "/v2/models/read_line/versions/abc"):
        answer = clients.get(server, path)
        assert (answer.status, answer.json()) == (404, {"error": "Not Found"}), path
    for method, path, allowed in [
        ("GET", clients.READ_LINE, "POST"),
        ("OPTIONS", "/v2/models/read_line", "GET"),
        ("POST", "/v2/health/live", "GET"),
        ("HEAD", "/v2/health/live", "GET"),
    ]:
        answer = clients.ask(server.http, method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed), path
        assert answer.headers["Content-Length"] == "30"
        assert answer.body == (b"" if method == "HEAD" else b'{"error":"Method Not Allowed"}')


def test_every_error_is_json(server):
    answer = clients.get(server, "/v2/models/%FF")
    assert (answer.status, answer.error()) == (400, "Invalid UTF-8 in `model`")
    answer = clients.post(server, "/v2/repository/index", b" " * (3 << 20) + b"[")
    text = f"failed to parse the request JSON buffer: Invalid value. at {(3 << 20) + 1}"
    assert (answer.status, answer.error()) == (400, text)
    answer = clients.post(server, "/v2/repository/index", b" " * (64 << 20) + b"{")
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/json")


def test_index_lists_the_models_by_name(server, grpc):
    expected = [{"name": name, "version": "1", "state": "READY"} for name in MODELS]
    for body in (b"", {}, {"ready": True}):
        assert clients.post(server, "/v2/repository/index", body).json() == expected
    found = [(model.name, model.version, model.state) for model in grpc.get_model_repository_index().models]
    assert found == [(name, "1", "READY") for name in MODELS]


def test_statistics_and_metrics_count_a_request(fresh_server, twenty_lines):
    clients.read_by_raw_request(fresh_server, twenty_lines[0].jpeg)
    for model in ("line_image", "line_recogniser", "line_text", "read_line"):
        found = clients.statistics(fresh_server, model)
        assert (found["name"], found["version"], found["inference_count"]) == (model, "1", 1)
        counts = {part: duration["count"] for part, duration in found["inference_stats"].items()}
        assert counts["success"] == 1 and counts["fail"] == counts["cache_hit"] == counts["cache_miss"] == 0
        assert found["inference_stats"]["success"]["ns"] > 0
        assert clients.metric(fresh_server, "nv_inference_request_success", model=model, version="1") == 1
        assert clients.metric(fresh_server, "nv_inference_count", model=model) == 1
        assert clients.metric(fresh_server, "nv_inference_request_duration_us", model=model) > 0
    (batch,) = clients.statistics(fresh_server, "line_recogniser")["batch_stats"]
    assert (batch["batch_size"], batch["compute_infer"]["count"]) == (1, 1)
    assert clients.metric(fresh_server, "nv_inference_exec_count", model="line_recogniser") == 1


def test_statistics_are_the_same_over_grpc(server, grpc, twenty_lines):
    clients.read_by_raw_request(server, twenty_lines[0].jpeg)
    answer = clients.get(server, "/v2/models/stats").json()["model_stats"]
    assert sorted(entry["name"] for entry in answer) == MODELS
    others = {entry.name: entry for entry in grpc.get_inference_statistics().model_stats}
    for entry in answer:
        other = others[entry["name"]]
        assert entry["inference_count"] == other.inference_count
        assert entry["execution_count"] == other.execution_count
        for part in ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output"):
            duration = getattr(other.inference_stats, part)
            assert entry["inference_stats"][part] == {"count": duration.count, "ns": duration.ns}


def test_metrics_have_the_names_that_dashboards_ask_for(server):
    answer = clients.ask(server.metrics, "GET", "/metrics")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    text = answer.body.decode()
    for name in [*COUNTERS, "nv_inference_request_failure"]:
        assert f"# TYPE {name} counter\n" in text and f"# HELP {name} " in text, name
        clients.metric(server, name, model="read_line", version="1")
    for reason in ("REJECTED", "CANCELED", "BACKEND", "OTHER"):
        clients.metric(server, "nv_inference_request_failure", model="read_line", version="1", reason=reason)


def probabilities(text: str) -> np.ndarray:
    """What the recogniser would give for a text: each letter over two steps, a blank after it, all of it certain."""
    labels = (EXAMPLES / "line_text" / "characters.txt").read_bytes().decode().split("\n")[:-1]
    assert len(labels) == CLASSES
    steps = [step for letter in text for step in (labels.index(letter), labels.index(letter), 0)]
    return np.eye(CLASSES, dtype=np.float32)[np.newaxis, steps]


def test_json_tensors_in_and_out(server):
    given = probabilities("hello  you")
    tensor = {"name": "PROBABILITIES", "datatype": "FP32", "shape": list(given.shape), "data": given.ravel().tolist()}
    answer = clients.post(server, "/v2/models/line_text/infer", {"id": "seven", "inputs": [tensor]})
    assert answer.status == 200, answer.body
    assert answer.json() == {
        "id": "seven",
        "model_name": "line_text",
        "model_version": "1",
        "outputs": [
            {"name": "TEXT", "datatype": "BYTES", "shape": [1, 1], "data": ["hello  you"]},
            {"name": "SCORE", "datatype": "FP32", "shape": [1, 1], "data": [1.0]},
        ],
    }


def test_only_the_outputs_that_were_asked_for_come_back(server, grpc, twenty_lines):
    inputs = [clients.image(triton, twenty_lines[0].jpeg)]
    outputs = [triton.InferRequestedOutput("SCORE")]
    answer = grpc.infer("read_line", inputs, outputs=outputs, request_id="eight").get_response()
    assert (answer.id, [output.name for output in answer.outputs]) == ("eight", ["SCORE"])
    (score,) = struct.unpack("<f", answer.raw_output_contents[0])
    assert 0.5 < score <= 1


def test_the_raw_answer_is_json_and_tensors(server, twenty_lines):
    answer = clients.post(server, clients.READ_LINE, twenty_lines[0].jpeg, clients.RAW)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    described = answer.json()
    assert (described["model_name"], described["model_version"]) == ("read_line", "1")
    sizes = [output["parameters"]["binary_data_size"] for output in described["outputs"]]
    assert int(answer.headers["Inference-Header-Content-Length"]) + sum(sizes) == len(answer.body)


def test_the_detector_gives_a_probability_for_each_pixel(server, grpc):
    pixels = triton.InferInput("x", [2, 3, 64, 96], "FP32")
    pixels.set_data_from_numpy(np.zeros((2, 3, 64, 96), np.float32))
    found = grpc.infer("text_detector", [pixels]).as_numpy("sigmoid_0.tmp_0")
    assert found.shape == (2, 1, 64, 96)
    assert 0 <= found.min() and found.max() < 0.5
