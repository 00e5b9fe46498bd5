"""Everything at once, at random, on two software CUDA devices: pictures, plans, ensembles, bad files, callers who give up, and
models that are loaded anew meanwhile. Nobody is told what is not so, the device's sanitizer finds nothing, and nothing leaks.
Nothing here ran on a GPU."""

from random import Random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import clients
import numpy as np
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils
from image_models import ask, write_model
from server import HOST, running
from softcuda import SoftCuda, softcuda  # noqa: F401, a fixture
from test_devices import jpeg, write
from test_tensorrt import PLAN, library

from soak.test_soak import SECONDS, SEED

ROWS_MAX = 8
PICTURES = [(20, 10), (33, 21), (8, 40)]
GROUP = "instance_group { kind: KIND_GPU gpus: [ 0, 1 ] count: 2 }\n"
DEVICE_MODELS = {
    "colours": f'backend: "postprocess"\nmax_batch_size: {ROWS_MAX}\n{GROUP}'
    'dynamic_batching { max_queue_delay_microseconds: 500 }\n'
    'input { name: "INPUT" data_type: TYPE_FP32 dims: [ 12, 16, 3 ] }\n'
    'parameters { key: "operation" value { string_value: "softmax" } }',
    "pipeline": f"""platform: "ensemble"
max_batch_size: {ROWS_MAX}
input {{ name: "IMAGE" data_type: TYPE_STRING dims: [ 1 ] }}
output {{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ 12, 16, 3 ] }}
ensemble_scheduling {{
  step {{ model_name: "prepare" model_version: -1
    input_map {{ key: "IMAGE" value: "IMAGE" }} output_map {{ key: "PIXELS" value: "PIXELS" }} }}
  step {{ model_name: "colours" model_version: -1
    input_map {{ key: "INPUT" value: "PIXELS" }} output_map {{ key: "PROBABILITIES" value: "PROBABILITIES" }} }}
}}""",
    "affine": f'platform: "tensorrt_plan"\nmax_batch_size: {ROWS_MAX}\n{GROUP}dynamic_batching {{ }}',
    "changing": f'platform: "tensorrt_plan"\nmax_batch_size: {ROWS_MAX}\n{GROUP}dynamic_batching {{ }}',
}
# What a caller may be told of a model that comes and goes, or of a time that is up.
MAY = ("is not taking requests", "has no available versions", "Request timeout expired", "Deadline Exceeded", "timed out")


@dataclass
class Caller:
    """Asks one thing after the other, and checks each answer."""

    number: int
    server: object
    expected: dict[tuple[str, int], np.ndarray]
    random: Random = field(init=False)
    answered: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"{SEED}/{self.number}")

    def run(self, until: float) -> None:
        protocol = (tritonclient.http, tritonclient.grpc)[self.number % 2]
        port = self.server.http if protocol is tritonclient.http else self.server.grpc
        while time.monotonic() < until:
            # Anew from time to time: some go away with a request under way.
            with protocol.InferenceServerClient(f"{HOST}:{port}") as client:
                for _ in range(20):
                    self.random.choice([self.ask_picture, self.ask_picture, self.ask_plan, self.ask_bad])(protocol, client)

    def ask_picture(self, protocol, client) -> None:
        model = self.random.choice(["prepare", "pipeline"])
        chosen = [self.random.randrange(len(PICTURES)) for _ in range(self.random.randint(1, 3))]
        answer = self.infer(protocol, client, model, "IMAGE", np.array([[jpeg(*PICTURES[at])] for at in chosen], dtype=object))
        if answer is not None:
            expected = np.stack([self.expected[model, at] for at in chosen])
            np.testing.assert_array_equal(answer.as_numpy("PIXELS" if model == "prepare" else "PROBABILITIES"), expected)

    def ask_plan(self, protocol, client) -> None:
        model = self.random.choice(["affine", "changing"])
        rows = self.random.randint(1, ROWS_MAX)
        x = np.arange(3 * rows, dtype=np.float32).reshape(rows, 3) + self.random.randrange(1000)
        answer = self.infer(protocol, client, model, "x", x)
        if answer is not None:
            np.testing.assert_array_equal(answer.as_numpy("y"), 2 * x + 1)

    def ask_bad(self, protocol, client) -> None:
        cut = jpeg(*PICTURES[0])[: self.random.randint(1, 300)]
        try:
            self.infer(protocol, client, "pipeline", "IMAGE", np.array([[cut]], dtype=object))
        except tritonclient.utils.InferenceServerException as error:
            assert "input 'IMAGE'" in error.message(), error

    def infer(self, protocol, client, model: str, name: str, value: np.ndarray):
        """The answer; `None` where the server may say no."""
        kind = "BYTES" if value.dtype == object else "FP32"
        given = protocol.InferInput(name, list(value.shape), kind)
        given.set_data_from_numpy(value)
        options = {}
        if self.random.random() < 0.1:
            if protocol is tritonclient.grpc:
                options["client_timeout"] = self.random.choice([0.001, 0.01])
            else:
                options["timeout"] = self.random.choice([100, 5_000])
        try:
            answer = client.infer(model, [given], **options)
        except tritonclient.utils.InferenceServerException as error:
            if any(text in str(error) for text in MAY):
                return None
            raise
        self.answered += 1
        return answer


def operate(server, until: float) -> None:
    """Takes one model up and down, and loads others anew under load."""
    choose = Random(SEED)
    with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
        while time.monotonic() < until:
            model = choose.choice(["changing", "changing", "prepare", "affine", "pipeline"])
            if model == "changing" and choose.random() < 0.5:
                client.unload_model(model)
            else:
                client.load_model(model)


def test_device_soak(tmp_path, softcuda: SoftCuda):
    print(f"SEED={SEED} SOAK_SECONDS={SECONDS:g}")
    parameters = {"resize": "letterbox", "width": 16, "height": 12, "layout": "NHWC", "scale": 0.05}
    write_model(tmp_path, "prepare", parameters, outputs=[("PIXELS", "FP32", [12, 16, 3])], kind="KIND_GPU gpus: [ 0, 1 ]")
    for name, text in DEVICE_MODELS.items():
        write(tmp_path, name, text)
        if "plan" in text:
            (tmp_path / name / "1" / "model.plan").write_text(PLAN)
    flags = ["--model-control-mode=explicit", "--load-model=*", library()]
    with running(tmp_path, *flags, environment=softcuda.with_nvjpeg().environment(devices=2, delay_us=200)) as server:
        alone = {(model, at): ask(server, model, {"IMAGE": [jpeg(*size)]})[output][0]
                 for model, output in (("prepare", "PIXELS"), ("pipeline", "PROBABILITIES"))
                 for at, size in enumerate(PICTURES)}
        callers = [Caller(number, server, alone) for number in range(8)]
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(len(callers) + 1) as pool:
            ended = [pool.submit(operate, server, until), *(pool.submit(caller.run, until) for caller in callers)]
        for future in ended:
            future.result()
        print(f"{sum(caller.answered for caller in callers)} answered")
        clients.wait_until(lambda: clients.metric(server, "nereid_inflight_bytes") == 0)
        assert all(caller.answered > 0 for caller in callers)
        assert "panicked" not in server.log.text()
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []
    # Tensors crossed, and were read where they were: models have instances on both devices.
    assert report.counters["peer_bytes"] > 0
