"""KServe's own clients, over HTTP and gRPC: every call they have. They have none for metadata."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from golden import models
from server import REPOSITORY, running

SUMS = {"OUTPUT0": [list(range(1, 17))], "OUTPUT1": [list(range(-1, 15))]}
NOT_FOUND = "Request for unknown model: 'nope' is not found"


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, dict]:
    """What each client was told, by what it asked."""
    # The Python that made the environment of this test, so that the other is found by the same key.
    maker = [os.environ.get("PYTHON", "python3"), str(REPOSITORY / "tools" / "python_env.py"), "tests/python/kserve_clients"]
    python = subprocess.run(maker, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    repository = tmp_path_factory.mktemp("kserve_clients")
    models.write_repository(repository)
    with running(repository) as server:
        calls = Path(__file__).with_name("calls.py")
        command = [python, str(calls), str(server.http), str(server.grpc)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed)


@pytest.mark.parametrize("protocol", ["HTTP", "gRPC"])
def test_health(results, protocol):
    told = results[protocol]
    names = ("live", "ready", "model ready", "no model ready")
    assert [told[name] for name in names] == [True, True, True, False]


@pytest.mark.parametrize(
    ("protocol", "form"), [("HTTP", "JSON"), ("HTTP", "binary"), ("gRPC", "contents"), ("gRPC", "binary")]
)
@pytest.mark.parametrize("model", ["simple", "simple_string"])
def test_inference(results, protocol, form, model):
    assert results[protocol][f"{model}, {form}"] == {"id": "seven", "model": model, "outputs": SUMS}


def test_inference_of_a_dictionary(results):
    assert results["HTTP"]["as a dictionary"]["outputs"] == {"OUTPUT0": [[2] * 16], "OUTPUT1": [[0] * 16]}


def test_errors_are_understood(results):
    assert results["gRPC"]["error"] == ["NOT_FOUND", NOT_FOUND]
    status, text = results["HTTP"]["error"]
    assert (status, NOT_FOUND in text) == (404, True)
