"""Models on two software CUDA devices under the real binary: tensors that cross devices, a device that is lost, a model that has
used up its memory. Nothing here ran on a GPU."""

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from cuda_owner import CudaOwner
from server import HOST, running
from softcuda import COPIES, SoftCuda, softcuda  # noqa: F401, a fixture
from test_devices import copied, spent, write
from tritonclient.utils import InferenceServerException

WIDTH = 64
SIZE = 4 * WIDTH
SOFTMAX = f"""
backend: "postprocess"
max_batch_size: 8
input [ {{ name: "INPUT" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
output [ {{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
parameters {{ key: "operation" value {{ string_value: "softmax" }} }}
instance_group [ {{ count: 1 kind: KIND_GPU gpus: [ GPUS ] }} ]
"""
ACROSS = f"""
platform: "ensemble"
max_batch_size: 8
input [ {{ name: "INPUT" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
output [ {{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
ensemble_scheduling {{
  step [
    {{ model_name: "on_0" model_version: -1 input_map {{ key: "INPUT" value: "INPUT" }}
       output_map {{ key: "PROBABILITIES" value: "ONCE" }} }},
    {{ model_name: "on_1" model_version: -1 input_map {{ key: "INPUT" value: "ONCE" }}
       output_map {{ key: "PROBABILITIES" value: "PROBABILITIES" }} }}
  ]
}}
"""
# Room for one row, before and after.
SMALL = f'parameters {{ key: "device_memory_byte_size" value {{ string_value: "{3 * SIZE}" }} }}'


@pytest.fixture
def repository(tmp_path):
    """A softmax on each device, on both, with little memory, urgent, and an ensemble across both."""
    for name, gpus in (("on_0", "0"), ("on_1", "1"), ("on_both", "0, 1")):
        write(tmp_path, name, SOFTMAX.replace("GPUS", gpus))
    write(tmp_path, "small", SOFTMAX.replace("GPUS", "0") + SMALL)
    write(tmp_path, "urgent", SOFTMAX.replace("GPUS", "0") + "optimization { priority: PRIORITY_MAX }")
    write(tmp_path, "across", ACROSS)
    return tmp_path


def rows_of(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, WIDTH), np.float32)


def ask(server, model: str, rows: int, protocol=tritonclient.http) -> np.ndarray:
    x = rows_of(rows)
    given = protocol.InferInput("INPUT", list(x.shape), "FP32")
    given.set_data_from_numpy(x)
    port = server.http if protocol is tritonclient.http else server.grpc
    with protocol.InferenceServerClient(f"{HOST}:{port}") as client:
        return client.infer(model, [given]).as_numpy("PROBABILITIES")


def refused(server, model: str, rows: int) -> tuple[str, str]:
    with pytest.raises(InferenceServerException) as raised:
        ask(server, model, rows)
    return raised.value.status(), raised.value.message()


@pytest.mark.parametrize("peer_access", [1, 0])
def test_an_ensemble_crosses_software_cuda_devices(repository, softcuda: SoftCuda, peer_access):
    with running(repository, environment=softcuda.environment(devices=2, peer_access=peer_access)) as server:
        assert ("cuda:0 has no access to cuda:1: copies go by way of the host" in server.log.text()) == (peer_access == 0)
        for protocol in (tritonclient.http, tritonclient.grpc):
            before = copied(server)
            across = ask(server, "across", 3, protocol)
            assert spent(server, before) == dict.fromkeys(COPIES, 3 * SIZE)
            assert across.shape == (3, WIDTH) and np.allclose(across.sum(axis=1), 1)
        single = {model: ask(server, model, 2).tobytes() for model in ("on_0", "on_1", "on_both", "urgent")}
        assert len(set(single.values())) == 1
        copies = copied(server)
    report = softcuda.report()
    assert report.copied() == copies
    assert report.counters["d2d_bytes"] == 0 and report.counters["peer_bytes"] == 6 * SIZE
    assert report.violations == [] and report.leaks == []


def test_a_region_of_one_software_cuda_device_serves_a_model_on_the_other(repository, softcuda):
    environment = softcuda.environment(devices=2)
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        expected = ask(server, "on_0", 2)
        memory, handle = owner.allocate(rows_of(2).tobytes(), device=1)
        with tritonclient.grpc.InferenceServerClient(f"{HOST}:{server.grpc}") as client:
            client.register_cuda_shared_memory("r", handle, 1, 2 * SIZE)
            given = tritonclient.grpc.InferInput("INPUT", [2, WIDTH], "FP32")
            given.set_shared_memory("r", 2 * SIZE)
            wanted = tritonclient.grpc.InferRequestedOutput("PROBABILITIES")
            wanted.set_shared_memory("r", 2 * SIZE)
            # There and back, or not at all.
            for model, between in (("on_0", 4 * SIZE), ("on_1", 2 * SIZE)):
                owner.write(memory, rows_of(2).tobytes())
                before = copied(server)
                client.infer(model, [given], outputs=[wanted])
                assert owner.read(memory, 2 * SIZE) == expected.tobytes()
                assert list(spent(server, before).values()) == [0, 0, between]
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def test_a_lost_software_cuda_device_leaves_the_other_serving(repository, softcuda):
    with running(repository, environment=softcuda.environment(devices=2, fail_kernel=1)) as server:
        status, text = refused(server, "on_1", 1)
        assert status == "503" and text.startswith("device cuda:1 is lost ("), text
        expected = ask(server, "on_0", 2)
        for _ in range(10):
            assert ask(server, "on_both", 2).tobytes() == expected.tobytes()
        assert refused(server, "on_1", 1)[0] == "503"
        assert "in ensemble 'across', step 1 ('on_1'): device cuda:1 is lost" in refused(server, "across", 1)[1]
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.http}") as client:
            ready = {model: client.is_model_ready(model) for model in ("on_0", "on_1", "on_both", "across")}
            assert ready == {"on_0": True, "on_1": False, "on_both": True, "across": False}


def test_a_model_that_has_used_up_its_memory_fails_alone_on_the_software_cuda_device(repository, softcuda):
    with running(repository, environment=softcuda.environment(devices=2)) as server:
        expected = {rows: ask(server, "on_0", rows) for rows in (1, 2)}
        for _ in range(3):
            assert ask(server, "small", 1).tobytes() == expected[1].tobytes()
            status, text = refused(server, "small", 2)
            share = f"its share of the memory of cuda:0: small asked for {2 * SIZE} bytes, {2 * SIZE} of {3 * SIZE} are in use"
            assert (status, text) == ("503", share)
            assert ask(server, "on_0", 2).tobytes() == expected[2].tobytes()
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []
