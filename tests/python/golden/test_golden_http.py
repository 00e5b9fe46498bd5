"""What a real Triton answered over HTTP, asked again of this server, in the same order."""

import base64
import gzip
import http.client
import json
import re
import zlib

import clients
import models
import pytest
import recordings
from recordings import Difference
from server import running


def difference(row: str, status: int, body: dict) -> Difference:
    """A difference on purpose: plain JSON instead of what was recorded."""
    return Difference(row, (status, JSON, None, body, b""))


JSON = "application/json"
EXCHANGES = recordings.load("http")
# Triton's own name, as the recording has it, and model control.
FLAGS = ("--id=triton", "--model-control-mode=explicit", "--load-model=*")

# Answered with 400 instead of 500, and with Triton's text.
BAD_JSON = [
    "param neg priority", "param str timeout", "bad json", "no inputs", "inputs not array", "data too short",
    "data too long", "data string", "data float", "data bool", "data null", "data scalar", "neg shape", "shape string",
    "shape missing", "datatype missing", "name missing", "id not string", "bytes with number",
    "index {bad", "load config not string",
]
# What Nereid answers where it differs from Triton on purpose. Nothing else may differ.
DIFFERENCES = {
    "GET /v2": difference("Extensions", 200, {"name": "triton", "extensions": recordings.EXTENSIONS}),
    "GET /v2/health/live": difference("Health over HTTP", 200, {"live": True}),
    "GET /v2/health/ready": difference("Health over HTTP", 200, {"ready": True}),
    "GET /v2/models/simple/ready": difference("Health over HTTP", 200, {"name": "simple", "ready": True}),
    "GET /v2/models/simple/versions/1/ready": difference("Health over HTTP", 200, {"name": "simple", "ready": True}),
    # The recording caught the model while it was unloading; a model that is unloaded does not make a server unready.
    "server ready after unload": difference("Health over HTTP", 200, {"ready": True}),
    **{label: difference("Broken or mistyped JSON", 400, json.loads(EXCHANGES[label]["body"])) for label in BAD_JSON},
    "int32 overflow": difference(
        "A number in JSON that does not fit its type", 400,
        {"error": "Unable to parse 'data': 3000000000 does not fit INT32"},
    ),
    "bytes non-utf8 json out": difference(
        "BYTES output that is not UTF-8, asked for as JSON", 400,
        {"error": "output 'OUTPUT0' holds bytes that are not UTF-8, which JSON cannot carry: ask for it with the "
                  "parameter 'binary_data'"},
    ),
    "extra input": difference(
        "Which inputs came, when there are too many", 400,
        {"error": "[request id: <id_unknown>] expected 2 inputs but got 3 inputs for model 'simple'. Got input(s) "
                  "['INPUT0','INPUT1','INPUT2'], but missing required input(s) []. Please provide all required "
                  "input(s)."},
    ),
    "infer corrupt gzip": difference(
        "A compressed body that is corrupt", 400,
        {"error": "failed to decompress the request's body: unexpected end of file"},
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple]:
    """All requests sent once, in order: label -> status and comparable body. So the order does not depend on which
    tests run."""
    repository = tmp_path_factory.mktemp("golden_http")
    models.write_repository(repository)
    with running(repository, *FLAGS) as server:
        return {label: replay(server, exchange) for label, exchange in EXCHANGES.items()}


@pytest.mark.parametrize("label", EXCHANGES)
def test_the_answer_is_that_of_triton(answers, label):
    assert answers[label] == recordings.expected(DIFFERENCES.get(label), recorded(EXCHANGES[label]))


@pytest.mark.parametrize("label", DIFFERENCES)
def test_what_differs_on_purpose_is_documented_and_does_differ(label):
    assert recordings.is_in_the_documentation(DIFFERENCES[label].row)
    assert DIFFERENCES[label].answer != recorded(EXCHANGES[label])


def test_the_type_of_errors_is_documented():
    assert recordings.is_in_the_documentation("Content-Type of errors over HTTP")


def test_the_tables_name_recorded_exchanges():
    assert DIFFERENCES.keys() <= EXCHANGES.keys()


def replay(server, exchange: dict) -> tuple:
    """Sends a recorded request; the comparable answer."""
    port = server.metrics if exchange["label"].startswith("metrics") else server.http
    body = exchange["req_body"].encode("latin-1") or None
    answer = clients.ask(port, exchange["method"], exchange["path"], body, exchange["req_headers"])
    if exchange["path"].endswith("/unload"):
        wait_until_unloaded(server, exchange["path"].split("/")[-2])
    return comparable(answer.status, answer.headers, answer.body)


def wait_until_unloaded(server, model: str) -> None:
    """Unloading is asked for, not waited for."""
    clients.wait_until(lambda: clients.get(server, f"/v2/models/{model}/ready").status != 200)
    clients.wait_until(lambda: b"UNLOADING" not in clients.post(server, "/v2/repository/index", b"").body)


def recorded(exchange: dict) -> tuple:
    """The comparable part of what Triton answered."""
    headers = http.client.HTTPMessage()
    for name, value in exchange["headers"].items():
        # A few of Triton's errors, JSON like all of them, are text/plain.
        headers[name] = JSON if name == "Content-Type" and exchange["status"] >= 400 else value
    body = exchange["body"]
    body = base64.b64decode(exchange["body_b64"]) if body is None else body.encode()
    return comparable(exchange["status"], headers, body)


def comparable(status: int, headers: http.client.HTTPMessage, body: bytes) -> tuple:
    """Status, type (of nothing: none), encoding, JSON (or text that is none), and the tensors behind the JSON."""
    encoding = headers.get("Content-Encoding")
    kind = headers.get("Content-Type") if body else None
    body = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[encoding](body)
    if body.startswith(b"# HELP"):
        return (status, kind, encoding, metric_families(body.decode()))
    length = headers.get("Inference-Header-Content-Length")
    at = len(body) if length is None else int(length)
    try:
        described = recordings.comparable(json.loads(body[:at]))
    except ValueError:
        described = body[:at]
    return (status, kind, encoding, described, body[at:])


def metric_families(text: str) -> dict[str, tuple]:
    """Metric -> help, type and the labels of its samples, without values; those that Triton does not have left out."""
    found = {}
    for name, text_of_help in re.findall(r"^# HELP (nv_\w+) (.*)$", text, re.MULTILINE):
        kind = re.search(rf"^# TYPE {name} (\w+)$", text, re.MULTILINE)[1]
        labels = re.findall(rf"^{name}(?:{{(.*)}})? \S+$", text, re.MULTILINE)
        samples = {frozenset(re.findall(r'(\w+)="([^"]*)"', sample)) for sample in labels}
        served = {sample for sample in samples if dict(sample).get("model") not in recordings.NOT_SERVED}
        found[name] = (text_of_help, kind, served)
    # Triton has it in later releases than the recorded one.
    found.pop("nv_model_load_duration_secs", None)
    return found
