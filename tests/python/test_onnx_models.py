"""How ONNX models are run: by their `parameters`, by --backend-config, and no longer than somebody waits."""

import shutil
from pathlib import Path

import clients
import pytest
from server import EXAMPLES, Log, launch, running

MODEL = "text_detector"


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository of one ONNX model without a configuration."""
    shutil.copytree(EXAMPLES / MODEL / "1", tmp_path / MODEL / "1")
    return tmp_path


def refusal(*flags: str) -> str:
    """What a server that must not start says."""
    process = launch(*flags)
    text = Log(process.stderr).wait_for_end()
    assert process.wait() == 1, text
    return text


def test_backend_config_reaches_the_backend(repository):
    flags = ["--backend-config=onnxruntime,default-max-batch-size=9", "--backend-config=python,x=1"]
    with running(repository, *flags) as server:
        assert clients.get(server, f"/v2/models/{MODEL}/config").json()["max_batch_size"] == 9
        assert "--backend-config python,x has no effect" in server.log.text()
    with running(repository, "--backend-config=default-max-batch-size=0") as server:
        assert clients.get(server, f"/v2/models/{MODEL}/config").json()["max_batch_size"] == 0


def test_a_wrong_setting_of_a_backend_stops_the_server(repository):
    text = refusal("--model-repository", str(repository), "--backend-config=onnxruntime,intra_op_thread_count=two")
    assert "'intra_op_thread_count' must be a whole number" in text, text
    text = refusal("--model-repository", str(repository), "--backend-config=onnxruntime")
    assert "<backend>,<key>=<value>" in text, text


def test_parameters_are_heeded_and_mistakes_are_told(repository):
    config = repository / MODEL / "config.pbtxt"
    config.write_text(
        "parameters { key: 'intra_op_thread_count' value { string_value: '1' } }\n"
        "parameters { key: 'enable_mem_arena' value { string_value: '0' } }\n"
        "parameters { key: 'gpu_mem_limit' value { string_value: '1' } }\n"
        "optimization { graph { level: 1 } }\n"
    )
    with running(repository) as server:
        body, headers = clients.detector_request(32)
        assert clients.post(server, clients.DETECTOR, body, headers).status == 200
        assert "'gpu_mem_limit' has no effect" in server.log.text()
    config.write_text("parameters { key: 'execution_mode' value { string_value: 'fast' } }")
    text = refusal("--model-repository", str(repository))
    assert "'execution_mode' must be 0 or 1, not \"fast\"" in text, text
    config.write_text("model_operations { op_library_filename: 'operators.so' }")
    (repository / MODEL / "operators.so").write_bytes(b"no library")
    text = refusal("--model-repository", str(repository))
    assert "operators.so is no library of custom operators that fits" in text, text


def test_a_run_that_nobody_waits_for_is_ended(fresh_server):
    large, headers = clients.detector_request(1600, parameters={"timeout": 20_000})
    assert clients.post(fresh_server, clients.DETECTOR, large, headers).status == 503
    small, headers = clients.detector_request(32)
    assert clients.post(fresh_server, clients.DETECTOR, small, headers).status == 200
    # The model has one instance, so that the large one is over; had it gone on to its end, it would count.
    assert clients.statistics(fresh_server, MODEL)["execution_count"] == 1
