"""Compression and classification as the stock client asks for them."""

import gzip
import json

import clients
import numpy as np
import pytest
import tritonclient.http as triton
from golden import models
from server import running
from tritonclient.utils import InferenceServerException

CODINGS = [None, "gzip", "deflate"]
MODEL = "simple"
LIMIT_BYTES = 1 << 20


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The golden models, `simple` with labels; requests may have 1 MiB."""
    repository = tmp_path_factory.mktemp("http_bodies")
    models.write_repository(repository)
    config = repository / MODEL / "config.pbtxt"
    text = config.read_text()
    assert text.count('name: "OUTPUT0"') == 1
    config.write_text(text.replace('name: "OUTPUT0"', 'name: "OUTPUT0" label_filename: "labels.txt"'))
    (repository / MODEL / "labels.txt").write_text("".join(f"class {index}\n" for index in range(15)))
    with running(repository, f"--http-max-input-size={LIMIT_BYTES}") as server:
        yield server


@pytest.fixture
def client(served):
    with triton.InferenceServerClient(f"127.0.0.1:{served.http}") as client:
        yield client


def inputs(rows: int = 1) -> list[triton.InferInput]:
    """0 to 15 and ones, in every row."""
    values = [np.tile(np.arange(16, dtype=np.int32), (rows, 1)), np.ones((rows, 16), np.int32)]
    made = [triton.InferInput(f"INPUT{index}", [rows, 16], "INT32") for index in range(2)]
    for one, value in zip(made, values, strict=True):
        one.set_data_from_numpy(value)
    return made


@pytest.mark.parametrize("request_coding", CODINGS)
@pytest.mark.parametrize("response_coding", CODINGS)
def test_the_answer_is_the_same_in_every_coding(client, request_coding, response_coding):
    answer = client.infer(
        MODEL, inputs(), request_compression_algorithm=request_coding, response_compression_algorithm=response_coding
    )
    assert answer.as_numpy("OUTPUT0").tolist() == [list(range(1, 17))]
    assert answer.as_numpy("OUTPUT1").tolist() == [list(range(-1, 15))]


def test_limits_hold_for_what_is_decompressed(served):
    body = json.dumps({"inputs": [], "padding": " " * LIMIT_BYTES}).encode()
    answer = clients.ask(
        served.http, "POST", f"/v2/models/{MODEL}/infer", gzip.compress(body), {"Content-Encoding": "gzip"}
    )
    assert (answer.status, "--http-max-input-size" in answer.error()) == (413, True)


@pytest.mark.parametrize("is_binary", [True, False])
def test_classes_have_labels_as_long_as_there_are_some(client, is_binary):
    outputs = [
        triton.InferRequestedOutput("OUTPUT0", binary_data=is_binary, class_count=2),
        triton.InferRequestedOutput("OUTPUT1", binary_data=is_binary),
    ]
    answer = client.infer(MODEL, inputs(rows=2), outputs=outputs)
    assert answer.as_numpy("OUTPUT0").astype(str).tolist() == [["16:15", "15:14:class 14"]] * 2
    assert answer.as_numpy("OUTPUT1").tolist() == [list(range(-1, 15))] * 2


def test_bytes_have_no_classes(client):
    text = triton.InferInput("INPUT0", [1, 16], "BYTES")
    text.set_data_from_numpy(np.array([[b"1"] * 16], np.object_))
    other = triton.InferInput("INPUT1", [1, 16], "BYTES")
    other.set_data_from_numpy(np.array([[b"1"] * 16], np.object_))
    with pytest.raises(InferenceServerException) as caught:
        outputs = [triton.InferRequestedOutput("OUTPUT0", class_count=2)]
        client.infer("simple_string", [text, other], outputs=outputs)
    assert "class result not available for output due to unsupported type 'BYTES'" in str(caught.value)
