"""A plan of the double of TensorRT (`tests/softnvinfer`) on the software CUDA device, under the real binary, asked by stock
clients over HTTP and gRPC. Nothing here ran on a GPU, and no TensorRT did."""

from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from server import HOST, running
from softcuda import SoftCuda, built, softcuda  # noqa: F401, a fixture

PTX = Path(__file__).resolve().parent.parent.parent / "backends/tensorrt/src/tests/affine.ptx"
PLAN = f"""softnvinfer plan
input x FP32 -1,3
output y FP32 -1,3
profile
range x 1,3 4,3 8,3
ptx
{PTX.read_text()}"""


@pytest.fixture
def repository(tmp_path):
    """A plan without a configuration, one that is broken, and one of another file name's platform."""
    plans = {"affine": PLAN, "broken": "junk"}
    for name, plan in plans.items():
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "model.plan").write_text(plan)
        (tmp_path / name / "config.pbtxt").write_text('platform: "tensorrt_plan"')
    return tmp_path


def library() -> str:
    return f"--backend-config=tensorrt,library={built('libsoftnvinfer.so')}"


def infer(module, url, rows):
    """What a stock client is answered."""
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    tensor = module.InferInput("x", x.shape, "FP32")
    tensor.set_data_from_numpy(x)
    with module.InferenceServerClient(url) as client:
        return x, client.infer("affine", [tensor]).as_numpy("y")


def test_a_plan_is_completed_and_answers_on_the_software_cuda_device(repository, softcuda: SoftCuda):
    flags = [library(), "--exit-on-error=false", "--strict-readiness=false"]
    with running(repository, *flags, environment=softcuda.environment()) as server:
        http, grpc = f"{HOST}:{server.http}", f"{HOST}:{server.grpc}"
        with tritonclient.http.InferenceServerClient(http) as client:
            config = client.get_model_config("affine")
            assert (config["backend"], config["platform"], config["max_batch_size"]) == ("tensorrt", "tensorrt_plan", 8)
            assert config["input"][0]["dims"] == [3] and config["instance_group"][0]["kind"] == "KIND_GPU"
            reason = next(model["reason"] for model in client.get_model_repository_index() if model["name"] == "broken")
            assert "IRuntime::deserializeCudaEngine failed: the magic tag is not that of a plan" in reason
        for module, url in ((tritonclient.http, http), (tritonclient.grpc, grpc)):
            for rows in (1, 3, 8):
                x, y = infer(module, url, rows)
                np.testing.assert_array_equal(y, 2 * x + 1)
    report = softcuda.report()
    assert (report.violations, report.leaks) == ([], [])
    # Rows of twelve bytes went up once and came down once.
    assert (report.counters["h2d_bytes"], report.counters["d2h_bytes"], report.counters["d2d_bytes"]) == (288, 288, 0)


def test_without_a_device_a_plan_says_why(repository):
    with running(repository, library(), "--exit-on-error=false", "--strict-readiness=false") as server:
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
            reasons = {model["name"]: model["reason"] for model in client.get_model_repository_index()}
    assert "TensorRT runs on GPUs alone: device cuda:0 is not there: no CUDA" in reasons["affine"]
