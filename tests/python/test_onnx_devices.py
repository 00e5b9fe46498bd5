"""ONNX models on the software CUDA device, by a provider of the tests (`tests/softprovider`), and once by NVIDIA's own, in the real
ONNX Runtime, under the real binary, asked by stock clients. Nothing here ran on a GPU."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import tritonclient.grpc
import tritonclient.http
from onnx import TensorProto, helper, numpy_helper
from server import HOST, binary, running
from softcuda import SoftCuda, softcuda  # noqa: F401, a fixture
from test_metrics import scrape
from test_tensorrt import PLAN, library

ON_CPU = "instance_group { kind: KIND_CPU }"
# ONNX Runtime, TensorRT's double, ONNX Runtime: y = 2 x + 1, three times.
CHAIN = """
platform: "ensemble"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 3 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 3 ] } ]
ensemble_scheduling { step [
  { model_name: "affine" model_version: -1 input_map { key: "x" value: "x" } output_map { key: "y" value: "a" } },
  { model_name: "plan" model_version: -1 input_map { key: "x" value: "a" } output_map { key: "y" value: "b" } },
  { model_name: "affine" model_version: -1 input_map { key: "x" value: "b" } output_map { key: "y" value: "y" } }
] }
"""


def affine() -> bytes:
    """y = 2 x + 1, of rows of three."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.array([value], np.float32), name) for value, name in ((2, "two"), (1, "one"))]
    nodes = [helper.make_node("Mul", ["x", "two"], ["twice"]), helper.make_node("Add", ["twice", "one"], ["y"])]
    graph = helper.make_graph(nodes, "affine", tensors[:1], tensors[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def identity() -> bytes:
    """y = x, of rows of three."""
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", tensors[:1], tensors[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def write(repository: Path, name: str, config: str = "", file: str = "model.onnx", content: bytes | None = None) -> None:
    (repository / name / "1").mkdir(parents=True)
    if config:
        (repository / name / "config.pbtxt").write_text(config)
    (repository / name / "1" / file).write_bytes(affine() if content is None else content)


def provider() -> str:
    path = Path(binary()).with_name("libsoftprovider.so")
    assert path.exists(), f"{path} is missing: run `cargo build -p nereid-softprovider`, or `make test-python`"
    return f"--backend-config=onnxruntime,execution-provider-library={path}"


def ask(server, module, model: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """What a stock client sends, and is answered."""
    port = server.http if module is tritonclient.http else server.grpc
    x = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
    tensor = module.InferInput("x", x.shape, "FP32")
    tensor.set_data_from_numpy(x)
    with module.InferenceServerClient(f"{HOST}:{port}") as client:
        return x, client.infer(model, [tensor]).as_numpy("y")


def reasons(server) -> dict[str, str]:
    with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
        return {model["name"]: model.get("reason", "") for model in client.get_model_repository_index()}


LENIENT = ["--exit-on-error=false", "--strict-readiness=false"]


def test_a_model_is_completed_and_answers_on_the_software_cuda_device(tmp_path, softcuda: SoftCuda):
    write(tmp_path, "auto")
    write(tmp_path, "two", "instance_group { kind: KIND_GPU gpus: [ 0 ] count: 2 }\ndynamic_batching {}")
    write(tmp_path, "cpu", ON_CPU)
    with running(tmp_path, provider(), environment=softcuda.environment()) as server:
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
            config = client.get_model_config("auto")
            assert (config["backend"], config["max_batch_size"]) == ("onnxruntime", 4)
            group = config["instance_group"]
            assert [(it["kind"], it["count"], it["gpus"]) for it in group] == [("KIND_GPU", 1, [0])]
        for module in (tritonclient.http, tritonclient.grpc):
            for model in ("auto", "two", "cpu"):
                for rows in (1, 3, 4):
                    x, y = ask(server, module, model, rows)
                    np.testing.assert_array_equal(y, 2 * x + 1)
        assert "model 'auto': 2 of 2 operators run on cuda:0" in server.log.text()
        held = scrape(server)["nereid_model_memory_bytes"].samples
        on_device = {dict(labels)["model"] for (_, labels) in held if ("device", "cuda:0") in labels}
        assert on_device == {"auto", "two"}
        copied = scrape(server)["nereid_copy_bytes_total"]
    report = softcuda.report()
    assert (report.violations, report.leaks) == ([], [])
    # Rows of twelve bytes went up once and came down once; beside them the weights of three sessions, which ONNX Runtime uploads.
    rows = 2 * 2 * (1 + 3 + 4) * 12
    counters = [report.counters[name] for name in ("h2d_bytes", "d2h_bytes", "d2d_bytes")]
    assert counters == [rows + 3 * 8, rows, 0]
    told = {way: sum(value for (_, labels), value in copied.samples.items() if ("direction", way) in labels) for way in
            ("host_to_device", "device_to_host", "device_to_device")}
    assert list(told.values()) == [rows, rows, 0]


def test_engines_hand_on_without_a_copy_on_the_software_cuda_device(tmp_path, softcuda: SoftCuda):
    write(tmp_path, "affine", "max_batch_size: 8")
    write(tmp_path, "plan", 'platform: "tensorrt_plan"', "model.plan", PLAN.encode())
    (tmp_path / "chain" / "1").mkdir(parents=True)
    (tmp_path / "chain" / "config.pbtxt").write_text(CHAIN)
    with running(tmp_path, provider(), library(), environment=softcuda.environment(delay_us=100)) as server:
        for module in (tritonclient.http, tritonclient.grpc):
            for rows in (1, 5):
                x, y = ask(server, module, "chain", rows)
                np.testing.assert_array_equal(y, 8 * x + 7)
    report = softcuda.report()
    assert (report.violations, report.leaks) == ([], [])
    rows, weights = 2 * (1 + 5) * 12, 8
    counters = [report.counters[name] for name in ("h2d_bytes", "d2h_bytes", "d2d_bytes")]
    assert counters == [rows + weights, rows, 0]


def test_without_a_provider_models_stay_on_the_cpu_or_say_why(tmp_path, softcuda: SoftCuda):
    write(tmp_path, "auto")
    write(tmp_path, "gpu", "instance_group { kind: KIND_GPU }")
    write(tmp_path, "tuned", 'optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" } } }')
    with running(tmp_path, *LENIENT, environment=softcuda.environment()) as server:
        x, y = ask(server, tritonclient.http, "auto", 2)
        np.testing.assert_array_equal(y, 2 * x + 1)
        told = reasons(server)
        assert "this library of ONNX Runtime has no provider for CUDA devices: give that of onnxruntime-gpu" in told["gpu"]
        assert "gpu_execution_accelerator 'tensorrt' needs instances on GPUs" in told["tuned"]
    assert softcuda.report().counters["launches"] == 0


def test_a_provider_that_fails_is_told_and_others_serve(tmp_path, softcuda: SoftCuda):
    write(tmp_path, "gpu")
    write(tmp_path, "far", "instance_group { kind: KIND_GPU gpus: [ 3 ] }")
    write(tmp_path, "unknown", 'optimization { execution_accelerators { gpu_execution_accelerator { name: "cuda" } } }')
    write(tmp_path, "cpu", ON_CPU)
    environment = softcuda.environment() | {"SOFTPROVIDER_FAIL": "Compile"}
    with running(tmp_path, provider(), *LENIENT, environment=environment) as server:
        told = reasons(server)
        assert "instance 0 does not start: ONNX Runtime cannot load" in told["gpu"] and "Compile fails, as the test asks" in told["gpu"]
        assert "device cuda:3 is not there: there is cuda:0 (" in told["far"]
        assert "unknown Execution Accelerator 'cuda' is requested: the library offers 'SoftProvider'" in told["unknown"]
        x, y = ask(server, tritonclient.grpc, "cpu", 2)
        np.testing.assert_array_equal(y, 2 * x + 1)
    assert softcuda.report().leaks == []


@pytest.mark.parametrize("path", ["nowhere.so", "libsoftcuda.so"])
def test_a_library_that_is_no_provider_is_told_and_others_serve(tmp_path, softcuda: SoftCuda, path):
    write(tmp_path, "gpu")
    write(tmp_path, "cpu", ON_CPU)
    path = Path(binary()).with_name(path)
    setting = f"--backend-config=onnxruntime,execution-provider-library={path}"
    with running(tmp_path, setting, *LENIENT, environment=softcuda.environment()) as server:
        assert f"cannot use {path} as an execution provider: " in reasons(server)["gpu"]
        x, y = ask(server, tritonclient.http, "cpu", 1)
        np.testing.assert_array_equal(y, 2 * x + 1)


def test_a_lost_device_answers_503_and_the_cpu_serves_on_the_software_cuda_device(tmp_path, softcuda: SoftCuda):
    write(tmp_path, "gpu")
    write(tmp_path, "cpu", ON_CPU)
    with running(tmp_path, provider(), environment=softcuda.environment(fail_kernel=2)) as server:
        for _ in range(2):
            with pytest.raises(tritonclient.http.InferenceServerException) as raised:
                ask(server, tritonclient.http, "gpu", 1)
            assert raised.value.status() == "503" and "device cuda:0 is lost (" in raised.value.message()
        with pytest.raises(tritonclient.grpc.InferenceServerException) as raised:
            ask(server, tritonclient.grpc, "gpu", 1)
        assert raised.value.status() == "StatusCode.UNAVAILABLE"
        x, y = ask(server, tritonclient.grpc, "cpu", 2)
        np.testing.assert_array_equal(y, 2 * x + 1)


def test_nvidias_provider_answers_on_the_software_cuda_device(tmp_path, softcuda: SoftCuda):
    gpu = os.environ.get("NEREID_ONNXRUNTIME_GPU")
    if gpu is None:
        pytest.skip("no onnxruntime-gpu: NEREID_ONNXRUNTIME_GPU=$(python3 tools/onnxruntime_gpu.py fetch)")
    runtime = Path(binary()).with_name("libsoftcudart.so")
    for name in ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10", "libcudnn.so.9"):
        (softcuda.folder / name).symlink_to(runtime)
    write(tmp_path, "auto", content=identity())
    with running(tmp_path, f"--onnxruntime-library={gpu}", environment=softcuda.environment(delay_us=100)) as server:
        for module in (tritonclient.http, tritonclient.grpc):
            for rows in (1, 4):
                x, y = ask(server, module, "auto", rows)
                np.testing.assert_array_equal(y, x)
        assert "model 'auto': 1 of 1 operators run on cuda:0" in server.log.text()
    report = softcuda.report()
    assert (report.violations, report.leaks) == ([], [])
    # Up and down once, and the operator is a copy; nobody waited for a stream.
    rows = 2 * (1 + 4) * 12
    assert [report.counters[name] for name in ("h2d_bytes", "d2h_bytes", "d2d_bytes", "stream_syncs")] == [rows, rows, rows, 0]
