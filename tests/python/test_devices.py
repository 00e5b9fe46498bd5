"""Models on the software CUDA device under the real binary, asked by stock clients: their answers are those of the CPU to
the byte, and what the server says that it copied is what the device counted. Nothing here ran on a GPU."""

import io
import random
import re

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils
from image_models import ask, write_model
from PIL import Image
from server import HOST, running
from softcuda import COPIES, SoftCuda, softcuda  # noqa: F401, a fixture
from test_metrics import scrape

PREPARE = {"resize": "letterbox", "width": 16, "height": 12, "antialias": "true", "layout": "NHWC", "scale": 0.05}
CROP = {"operation": "crop", "width": 8, "height": 6}
ENSEMBLE = """
platform: "ensemble"
max_batch_size: 8
input [ { name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] } ]
output [
  { name: "PIXELS" data_type: TYPE_FP32 dims: [ 12, 16, 3 ] },
  { name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ 12, 16, 3 ] }
]
ensemble_scheduling {
  step [
    { model_name: "prepare_KIND" model_version: -1
      input_map { key: "IMAGE" value: "IMAGE" } output_map { key: "PIXELS" value: "PIXELS" } },
    { model_name: "colours" model_version: -1
      input_map { key: "INPUT" value: "PIXELS" } output_map { key: "PROBABILITIES" value: "PROBABILITIES" } }
  ]
}
"""
COLOURS = """
backend: "postprocess"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ 12, 16, 3 ] } ]
parameters { key: "operation" value { string_value: "softmax" } }
"""


@pytest.fixture
def repository(tmp_path):
    """Each image model on the GPU and on the CPU, and an ensemble of each."""
    for kind in ("GPU", "CPU"):
        group = f"KIND_{kind}"
        outputs = [("PIXELS", "FP32", [12, 16, 3]), ("TRANSFORM", "FP32", [4])]
        write_model(tmp_path, f"prepare_{kind}", PREPARE, outputs=outputs, kind=group)
        write_model(tmp_path, f"crop_{kind}", CROP, rows_max=0, kind=group)
        write(tmp_path, f"pipeline_{kind}", ENSEMBLE.replace("KIND", kind))
    write(tmp_path, "colours", COLOURS)
    return tmp_path


def write(repository, name, text):
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(text)


def jpeg(width: int, height: int) -> bytes:
    """A picture whose levels rise to the right and downwards."""
    y, x = np.mgrid[:height, :width]
    levels = np.stack([4 * x, 4 * y, 255 - 2 * (x + y)], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG")
    return file.getvalue()


def pictures(count: int) -> list[bytes]:
    sizes = random.Random(7)
    return [jpeg(sizes.randint(8, 40), sizes.randint(8, 40)) for _ in range(count)]


def copied(server) -> dict[str, float]:
    """What the server says that all models together copied, by direction."""
    samples = scrape(server)["nereid_copy_bytes_total"].samples
    return {way: sum(value for (_, labels), value in samples.items() if ("direction", way) in labels) for way in COPIES}


def spent(server, before: dict[str, float]) -> dict[str, float]:
    """What was copied since then, by direction."""
    after = copied(server)
    return {way: after[way] - before[way] for way in COPIES}


def test_answers_and_counts_are_right_on_the_software_cuda_device(repository, softcuda):
    files = pictures(5)
    boxes = np.array([[1, 1, 9, 7], [0, 0, 5, 5], [3, 2, 4, 8]], np.float32)
    with running(repository, environment=softcuda.environment()) as server:
        for protocol in (tritonclient.http, tritonclient.grpc):
            for count in (1, 3):
                for model in ("prepare", "pipeline"):
                    on = {kind: ask(server, f"{model}_{kind}", {"IMAGE": files[:count]}, protocol) for kind in ("GPU", "CPU")}
                    assert_same(on)
            inputs = {"IMAGE": files[4], "BOXES": boxes}
            assert_same({kind: ask(server, f"crop_{kind}", inputs, protocol) for kind in ("GPU", "CPU")})
        families = scrape(server)
        assert families["nv_pinned_memory_pool_total_bytes"].value() == 256 << 20
        assert 0 < families["nv_pinned_memory_pool_used_bytes"].value() <= 256 << 20
        before = copied(server)
        # Pixels are uploaded once, and come home once, though the client and the next step read them.
        ask(server, "pipeline_GPU", {"IMAGE": [jpeg(20, 10)]})
        since = spent(server, before)
        made = 4 * 12 * 16 * 3
        assert since["host_to_device"] in (3 * 20 * 10, 3 * 20 * 10 + made), since
        assert since["device_to_device"] == 0 and since["device_to_host"] <= 2 * made, since
        copies = copied(server)
    report = softcuda.report()
    assert report.copied() == copies
    assert report.counters["launches"] > 0 and copies["device_to_device"] == 0
    assert report.violations == [] and report.leaks == []


def test_jpegs_are_decoded_by_nvjpeg_on_the_software_cuda_device(repository, softcuda):
    """Its levels differ a little from the CPU's, as decoders do. Of a JPEG nothing but itself goes up; a PNG is decoded
    on the CPU, to the same bits."""
    files = pictures(4)
    png = io.BytesIO()
    Image.new("RGB", (20, 10), (200, 100, 50)).save(png, "PNG")
    with running(repository, environment=softcuda.with_nvjpeg().environment()) as server:
        assert "JPEGs are decoded by nvJPEG 12.4 on cuda:0" in server.log.text()
        for protocol in (tritonclient.http, tritonclient.grpc):
            on = {kind: ask(server, f"prepare_{kind}", {"IMAGE": files}, protocol) for kind in ("GPU", "CPU")}
            np.testing.assert_allclose(on["GPU"]["PIXELS"], on["CPU"]["PIXELS"], rtol=0, atol=8 * PREPARE["scale"])
            with pytest.raises(tritonclient.utils.InferenceServerException) as raised:
                ask(server, "prepare_GPU", {"IMAGE": [files[0], files[1][:200]]}, protocol)
            assert "input 'IMAGE'[1]: the JPEG is truncated: its 200 bytes" in raised.value.message()
        uploaded = copied(server)["host_to_device"]
        assert 0 < uploaded < 3 * sum(map(len, files))
        mixed = {"IMAGE": [files[0], png.getvalue()]}
        on = {kind: ask(server, f"prepare_{kind}", mixed)["PIXELS"] for kind in ("GPU", "CPU")}
        np.testing.assert_array_equal(on["GPU"][1], on["CPU"][1])
        assert copied(server)["host_to_device"] >= uploaded + 3 * 20 * 10
        copies = copied(server)
    report = softcuda.report()
    assert report.copied() == copies
    assert report.violations == [] and report.leaks == []


def assert_same(on: dict[str, dict[str, np.ndarray]]) -> None:
    assert on["GPU"].keys() == on["CPU"].keys()
    for name, expected in on["CPU"].items():
        got = on["GPU"][name]
        assert got.dtype == expected.dtype and got.shape == expected.shape and got.tobytes() == expected.tobytes(), name


def test_a_lost_device_is_not_ready_and_the_cpu_serves_on_the_software_cuda_device(repository, softcuda):
    environment = softcuda.environment(fail_kernel=1)
    files = pictures(1)
    with running(repository, environment=environment) as server:
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
            assert client.is_model_ready("prepare_GPU") and client.is_server_live()
            for _ in range(2):
                with pytest.raises(tritonclient.http.InferenceServerException) as raised:
                    ask(server, "prepare_GPU", {"IMAGE": files}, tritonclient.http)
                assert raised.value.status() == "503"
                assert re.search(r"device cuda:0 is lost \(.*restart the server", raised.value.message())
            with pytest.raises(tritonclient.grpc.InferenceServerException) as raised:
                ask(server, "pipeline_GPU", {"IMAGE": files})
            assert raised.value.status() == "StatusCode.UNAVAILABLE"
            for model, is_ready in {"prepare_GPU": False, "pipeline_GPU": False, "prepare_CPU": True}.items():
                assert client.is_model_ready(model) == is_ready, model
            assert not client.is_server_live()
        with tritonclient.grpc.InferenceServerClient(f"{HOST}:{server.grpc}") as client:
            assert not client.is_server_live() and not client.is_model_ready("prepare_GPU")
        assert ask(server, "prepare_CPU", {"IMAGE": files})["PIXELS"].shape == (1, 12, 16, 3)


def test_a_gpu_that_is_not_there_fails_its_models_alone(repository, softcuda):
    text = (repository / "prepare_GPU" / "config.pbtxt").read_text()
    (repository / "prepare_GPU" / "config.pbtxt").write_text(text.replace("kind: KIND_GPU", "kind: KIND_GPU gpus: [ 5 ]"))
    with running(repository, "--exit-on-error=false", "--strict-readiness=false", environment=softcuda.environment(devices=2)) as server:
        log = server.log.text()
        assert "device cuda:5 is not there: there is cuda:0 (Software CUDA device (tests)), cuda:1 (" in log
        assert ask(server, "crop_GPU", {"IMAGE": pictures(1)[0], "BOXES": np.array([[0, 0, 4, 4]], np.float32)})
    assert softcuda.report().leaks == []


def test_limits_of_memory_are_told_on_the_software_cuda_device(repository, softcuda):
    flags = ["--cuda-memory-pool-byte-size=0:4096", "--pinned-memory-pool-byte-size=131072"]
    with running(repository, *flags, environment=softcuda.environment()) as server:
        with pytest.raises(tritonclient.http.InferenceServerException) as raised:
            ask(server, "prepare_GPU", {"IMAGE": [jpeg(64, 64)]}, tritonclient.http)
        assert raised.value.status() == "503"
        assert "device memory of cuda:0: prepare_GPU asked for 12288 bytes, 0 of 4096 are in use" in raised.value.message()
        assert scrape(server)["nv_pinned_memory_pool_total_bytes"].value() == 131072
        assert ask(server, "prepare_CPU", {"IMAGE": [jpeg(64, 64)]})["PIXELS"].shape == (1, 12, 16, 3)
    assert softcuda.report().leaks == []


def test_without_cuda_gpu_models_are_refused_and_others_served(repository, tmp_path_factory):
    # The loader gives up at what is found first and is no library: so there is no driver even where there is one.
    folder = tmp_path_factory.mktemp("no-driver")
    for name in ("libcuda.so", "libcuda.so.1"):
        (folder / name).write_text("no library")
    environment = {"LD_LIBRARY_PATH": str(folder)}
    with running(repository, "--exit-on-error=false", "--strict-readiness=false", environment=environment) as server:
        log = server.log.text()
        assert len(re.findall(r"no CUDA: libcuda.so.1 was not found; install", log.split("loading:")[0])) == 1, log
        assert "instance 0 does not start: device cuda:0 is not there: no CUDA: libcuda.so.1 was not found" in log
        assert ask(server, "prepare_CPU", {"IMAGE": pictures(1)})["PIXELS"].shape == (1, 12, 16, 3)
        assert ask(server, "pipeline_CPU", {"IMAGE": pictures(1)})["PROBABILITIES"].shape == (1, 12, 16, 3)
