"""Each kind of bad request gets its status and a text that says what is wrong, and harms no request beside it.

The texts are Triton's where it has one. One status differs on purpose: JSON that cannot be parsed is the client's
fault, 400, where Triton says 500.
"""

import json
from functools import partial

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

LINE_RECOGNISER = "/v2/models/line_recogniser/infer"


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """The JPEG with another size in its frame header (SOF0 or SOF2: marker, length, precision, height, width)."""
    at = max(jpeg.find(marker) for marker in (b"\xff\xc0", b"\xff\xc2")) + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


# What is sent, made of a good JPEG, and what the answer says about it.
BAD_FILES = {
    "truncated": (lambda jpeg: jpeg[: len(jpeg) * 2 // 3], "the JPEG is truncated"),
    "text": (lambda _: b"This is a text file and no picture at all.\n" * 20, "not a JPEG"),
    "gif": (lambda _: b"GIF89a" + b"x" * 1000, "it is a GIF"),
    "png": (lambda _: b"\x89PNG\r\n\x1a\n" + b"x" * 1000, "the PNG cannot be decoded"),
    "empty": (lambda _: b"", "not a JPEG"),
    "bomb": (lambda jpeg: with_size(jpeg, 65500, 65500), "65500 x 65500 pixels"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_over_http(server, twenty_lines, kind):
    spoil, text = BAD_FILES[kind]
    body, headers = binary_request(spoil(twenty_lines[0].jpeg))
    answer = clients.post(server, clients.READ_LINE, body, headers)
    assert (answer.status, text in answer.error()) == (400, True), answer.body
    assert "in ensemble 'read_line', " in answer.error()


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_over_grpc(server, twenty_lines, kind):
    spoil, text = BAD_FILES[kind]
    bad = clients.image(triton, spoil(twenty_lines[0].jpeg))
    check_grpc(server, "read_line", [bad], "INVALID_ARGUMENT", text)


def test_bad_files_do_not_disturb_the_requests_beside_them(server, twenty_lines):
    line = twenty_lines[0]
    expected = clients.read_by_raw_request(server, line.jpeg).text
    files = [BAD_FILES[kind][0](line.jpeg) for kind in ("truncated", "text", "bomb")]
    bad = [partial(clients.post, server, clients.READ_LINE, file, clients.RAW) for file in files]
    good = partial(clients.read_by_raw_request, server, line.jpeg)
    # Three bad ones and five good ones are a full batch of the first step.
    answers = clients.at_once([*bad, good, good, good, good, good] * 4)
    for i, answer in enumerate(answers):
        if i % 8 < len(bad):
            assert answer.status == 400, answer.body
        else:
            assert answer.text == expected


def tensor(name: str = "IMAGE", datatype: str = "BYTES", shape: tuple = (1, 1), **rest) -> dict:
    """An input in JSON."""
    return {"name": name, "datatype": datatype, "shape": list(shape)} | rest


def infer(*inputs: dict, **rest) -> dict:
    """An inference request in JSON."""
    return {"inputs": list(inputs)} | rest


GOOD = tensor(data=["x"])
BAD_JSON_REQUESTS = {
    "unknown model": ("/v2/models/nope/infer", infer(GOOD), 404, "Request for unknown model: 'nope' is not found"),
    "unknown version": (
        "/v2/models/read_line/versions/7/infer",
        infer(GOOD),
        404,
        "Request for unknown model: 'read_line' version 7 is not found",
    ),
    "wrong type": (
        clients.READ_LINE,
        infer(tensor(datatype="INT32", data=[1])),
        400,
        "inference input 'IMAGE' data-type is 'INT32', but model 'read_line' expects 'BYTES'",
    ),
    "unknown type": (clients.READ_LINE, infer(tensor(datatype="INT33", data=[1])), 400, "invalid datatype for input IMAGE"),
    "wrong shape": (
        clients.READ_LINE,
        infer(tensor(shape=(1, 2), data=["x", "y"])),
        400,
        "unexpected shape for input 'IMAGE' for model 'read_line'. Expected [-1,1], got [1,2].",
    ),
    "wrong shape of a tensor": (
        LINE_RECOGNISER,
        infer(tensor("x", "FP32", (1, 3, 2, 2), data=[0.0] * 12)),
        400,
        "unexpected shape for input 'x' for model 'line_recogniser'. Expected [-1,3,48,-1], got [1,3,2,2].",
    ),
    "too many rows": (
        clients.READ_LINE,
        infer(tensor(shape=(9, 1), data=["x"] * 9)),
        400,
        "inference request batch-size must be <= 8 for 'read_line'",
    ),
    "missing input": (
        clients.READ_LINE,
        infer(),
        400,
        "expected 1 inputs but got 0 inputs for model 'read_line'. Got input(s) [], but missing required input(s) "
        "['IMAGE']. Please provide all required input(s).",
    ),
    "unknown input": (
        clients.READ_LINE,
        infer(tensor("X", data=["x"])),
        400,
        "unexpected inference input 'X' for model 'read_line'",
    ),
    "input twice": (clients.READ_LINE, infer(GOOD, GOOD), 400, "input 'IMAGE' already exists in request"),
    "unknown output": (
        clients.READ_LINE,
        infer(GOOD, outputs=[{"name": "NOPE"}]),
        400,
        "unexpected inference output 'NOPE' for model 'read_line'",
    ),
    "no data": (clients.READ_LINE, infer(tensor()), 400, "But no field is set"),
    "wrong count": (clients.READ_LINE, infer(tensor(data=["x", "y"])), 400, "Unable to parse 'data'"),
    "wrong element": (clients.READ_LINE, infer(tensor(data=[1])), 400, "Unable to parse JSON bytes array"),
    "no inputs member": (clients.READ_LINE, {}, 400, "Unable to parse 'inputs'"),
    "broken JSON": (clients.READ_LINE, b'{"inputs": [', 400, "failed to parse the request JSON buffer"),
    "not JSON": (clients.READ_LINE, b"hello", 400, "failed to parse the request JSON buffer"),
    "deep JSON": (clients.READ_LINE, b"[" * 100_000, 400, "failed to parse the request JSON buffer"),
}


@pytest.mark.parametrize("kind", BAD_JSON_REQUESTS)
def test_bad_json_request(server, kind):
    path, body, status, text = BAD_JSON_REQUESTS[kind]
    answer = clients.post(server, path, body)
    assert (answer.status, text in answer.error()) == (status, True), answer.body


def binary_request(file: bytes) -> tuple[bytes, dict]:
    """Body and headers of a request whose input is one element of BYTES behind the JSON."""
    element = len(file).to_bytes(4, "little") + file
    described = tensor(parameters={"binary_data_size": len(element)})
    header = json.dumps(infer(described)).encode()
    return header + element, {"Inference-Header-Content-Length": str(len(header))}


def test_bad_binary_requests(server):
    def check(body: bytes, headers: dict, text: str) -> None:
        answer = clients.post(server, clients.READ_LINE, body, headers)
        assert (answer.status, text in answer.error()) == (400, True), answer.body

    body, headers = binary_request(b"abc")
    check(body[:-2], headers, "unexpected size for input 'IMAGE', expecting 2 additional bytes for model 'read_line'")
    check(body + b"more", headers, "unexpected additional input data for model 'read_line'")
    beyond = {"Inference-Header-Content-Length": "99999"}
    check(body, beyond, f"inference header size should be in range (0, {len(body)}), got: 99999")
    lying = body.replace(b"\x03\0\0\0abc", b"\x63\0\0\0abc")
    text = "incomplete string data for inference input 'IMAGE', expecting string of length 99 but only 3 bytes available"
    check(lying, headers, text)


def check_grpc(server, model: str, inputs: list, status: str, text: str, **rest) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        with pytest.raises(InferenceServerException) as caught:
            client.infer(model, inputs, client_timeout=clients.TIMEOUT_S, **rest)
    assert (caught.value.status(), text in caught.value.message()) == (f"StatusCode.{status}", True), caught.value


def numbers(name: str, shape: tuple[int, ...], dtype: type, datatype: str) -> triton.InferInput:
    """A gRPC input of zeros."""
    zeros = triton.InferInput(name, list(shape), datatype)
    zeros.set_data_from_numpy(np.zeros(shape, dtype))
    return zeros


def test_bad_requests_over_grpc(server):
    good = clients.image(triton, b"x")
    check_grpc(server, "nope", [good], "NOT_FOUND", "Request for unknown model: 'nope' is not found")
    text = "Request for unknown model: 'read_line' version 7 is not found"
    check_grpc(server, "read_line", [good], "NOT_FOUND", text, model_version="7")
    wrong_type = numbers("IMAGE", (1, 1), np.int32, "INT32")
    text = "inference input 'IMAGE' data-type is 'INT32', but model 'read_line' expects 'BYTES'"
    check_grpc(server, "read_line", [wrong_type], "INVALID_ARGUMENT", text)
    text = "unexpected shape for input 'IMAGE' for model 'read_line'. Expected [-1,1], got [1,2]."
    check_grpc(server, "read_line", [clients.image(triton, b"x", (1, 2))], "INVALID_ARGUMENT", text)
    wrong_shape = numbers("x", (1, 3, 32, 320), np.float32, "FP32")
    text = "unexpected shape for input 'x' for model 'line_recogniser'. Expected [-1,3,48,-1], got [1,3,32,320]."
    check_grpc(server, "line_recogniser", [wrong_shape], "INVALID_ARGUMENT", text)
    text = "expected 1 inputs but got 0 inputs for model 'read_line'"
    check_grpc(server, "read_line", [], "INVALID_ARGUMENT", text)
    outputs = [triton.InferRequestedOutput("NOPE")]
    text = "unexpected inference output 'NOPE' for model 'read_line'"
    check_grpc(server, "read_line", [good], "INVALID_ARGUMENT", text, outputs=outputs)


def test_failures_are_counted_and_the_server_stays_healthy(fresh_server, twenty_lines):
    for kind in ("truncated", "bomb"):
        spoil, _ = BAD_FILES[kind]
        bad = spoil(twenty_lines[0].jpeg)
        assert clients.post(fresh_server, clients.READ_LINE, bad, clients.RAW).status == 400
    for model in ("read_line", "line_image"):
        assert clients.metric(fresh_server, "nv_inference_request_failure", model=model) == 2
        assert clients.statistics(fresh_server, model)["inference_stats"]["fail"]["count"] == 2
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/read_line/ready"):
        assert clients.get(fresh_server, path).status == 200
    assert clients.read_by_raw_request(fresh_server, twenty_lines[1].jpeg).text
