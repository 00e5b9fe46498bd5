"""What the tests ask a server, over plain HTTP and with the stock `tritonclient`.

Plain HTTP is `http.client`, where a test needs the very bytes, headers and status. A server is anything with the ports
`http`, `grpc` and `metrics` on this machine.
"""

import functools
import http.client
import json
import re
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tritonclient.grpc
import tritonclient.http

TIMEOUT_S = 60
RAW = {"Inference-Header-Content-Length": "0"}
READ_LINE = "/v2/models/read_line/infer"
DETECTOR = "/v2/models/text_detector/infer"


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        """The body as JSON; of a binary answer, the JSON in front of the tensors."""
        length = self.headers.get("Inference-Header-Content-Length")
        return json.loads(self.body[: int(length)] if length else self.body)

    def tensor(self, name: str) -> bytes:
        """The bytes of a binary output."""
        at = int(self.headers["Inference-Header-Content-Length"])
        for output in self.json()["outputs"]:
            size = output["parameters"]["binary_data_size"]
            if output["name"] == name:
                return self.body[at : at + size]
            at += size
        raise KeyError(name)

    def error(self) -> str:
        """The text of an error."""
        return self.json()["error"]


def ask(port: int, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def get(server, path: str) -> Answer:
    """A GET on the HTTP port."""
    return ask(server.http, "GET", path)


def post(server, path: str, body: bytes | dict, headers: dict | None = None) -> Answer:
    """A POST on the HTTP port, of bytes or of JSON."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    return ask(server.http, "POST", path, content, headers)


def wait_until(condition) -> None:
    """Returns once the condition holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def wait_until_ready(server) -> None:
    """Returns once the server says that it is ready, at the port that never speaks TLS."""
    wait_until(lambda: ask(server.metrics, "GET", "/v2/health/ready").status == 200)


def statistics(server, model: str) -> dict:
    """The statistics of the only version of a model."""
    return get(server, f"/v2/models/{model}/stats").json()["model_stats"][0]


def metrics(server, name: str) -> dict[frozenset, float]:
    """The samples of a metric: labels as pairs -> value (text format 0.0.4)."""
    text = ask(server.metrics, "GET", "/metrics").body.decode()
    samples = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return {frozenset(re.findall(r'(\w+)="([^"]*)"', labels)): float(value) for labels, value in samples}


def metric(server, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels; there must be one."""
    found = [value for pairs, value in metrics(server, name).items() if labels.items() <= pairs]
    assert found, f"no {name} with {labels}"
    return sum(found)


@dataclass(frozen=True)
class Reading:
    """What `read_line` answers: the text, and how sure it is."""

    text: str
    score: float


def read_by_raw_request(server, jpeg: bytes) -> Reading:
    """The request of `curl --data-binary @line.jpg`: the file is the body, no JSON at all."""
    answer = post(server, READ_LINE, jpeg, RAW)
    assert answer.status == 200, answer.body
    text = answer.tensor("TEXT")
    (length,) = struct.unpack_from("<I", text)
    assert len(text) == 4 + length
    return Reading(text[4:].decode(), *struct.unpack("<f", answer.tensor("SCORE")))


def read_by_tritonclient_http(server, jpeg: bytes, binary_data: bool) -> Reading:
    """`tritonclient.http`, with the outputs as binary tensors or as JSON."""
    with tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.http}") as client:
        inputs = [image(tritonclient.http, jpeg)]
        outputs = [tritonclient.http.InferRequestedOutput(name, binary_data) for name in ("TEXT", "SCORE")]
        return reading(client.infer("read_line", inputs, outputs=outputs))


def read_by_tritonclient_grpc(server, jpeg: bytes) -> Reading:
    """`tritonclient.grpc`."""
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        return reading(client.infer("read_line", [image(tritonclient.grpc, jpeg)]))


WAYS = {
    "raw HTTP": read_by_raw_request,
    "tritonclient HTTP, binary": functools.partial(read_by_tritonclient_http, binary_data=True),
    "tritonclient HTTP, JSON": functools.partial(read_by_tritonclient_http, binary_data=False),
    "tritonclient gRPC": read_by_tritonclient_grpc,
}


def image(protocol, jpeg: bytes, shape: tuple[int, ...] = (1, 1)):
    """The input of `read_line` for `tritonclient.http` or `.grpc`."""
    tensor = protocol.InferInput("IMAGE", list(shape), "BYTES")
    tensor.set_data_from_numpy(np.full(shape, jpeg, dtype=object))
    return tensor


def reading(result) -> Reading:
    """The first row of a `tritonclient` result."""
    text, score = result.as_numpy("TEXT"), result.as_numpy("SCORE")
    assert text.shape == score.shape == (1, 1)
    text = text[0, 0]
    return Reading(text if isinstance(text, str) else text.decode(), float(score[0, 0]))


def detector_request(side: int, **members) -> tuple[bytes, dict]:
    """A binary request for the text detector: a grey picture. At 960x960 it takes a good part of a second."""
    pixels = np.zeros((1, 3, side, side), np.float32).tobytes()
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 3, side, side]}
    tensor["parameters"] = {"binary_data_size": len(pixels)}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}, **members}).encode()
    return header + pixels, {"Inference-Header-Content-Length": str(len(header))}


def at_once(calls: list) -> list:
    """The results of all calls, made at the same time by a thread each."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
