"""Tensors in memory of the software CUDA device that another process owns: registered, read and written by the real binary,
asked by stock clients over HTTP and gRPC. Nothing here ran on a GPU."""

import contextlib
import threading

import clients
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from cuda_owner import CudaOwner
from image_models import write_model
from server import HOST, running
from softcuda import SoftCuda, softcuda  # noqa: F401, a fixture
from test_devices import PREPARE, copied, spent, write
from test_metrics import scrape
from test_tensorrt import PLAN, library
from tritonclient.utils import InferenceServerException

PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
WIDTH = 64
SIZE = 4 * WIDTH
SOFTMAX = f"""
backend: "postprocess"
max_batch_size: 8
input [ {{ name: "INPUT" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
output [ {{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
instance_group [ {{ count: 1 kind: KIND_KIND }} ]
parameters {{ key: "operation" value {{ string_value: "softmax" }} }}
"""
TWICE = f"""
platform: "ensemble"
max_batch_size: 8
input [ {{ name: "INPUT" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
output [
  {{ name: "PROBABILITIES" data_type: TYPE_FP32 dims: [ {WIDTH} ] }},
  {{ name: "ONCE" data_type: TYPE_FP32 dims: [ {WIDTH} ] }}
]
ensemble_scheduling {{
  step [
    {{ model_name: "softmax_KIND" model_version: -1 input_map {{ key: "INPUT" value: "INPUT" }}
      output_map {{ key: "PROBABILITIES" value: "ONCE" }} }},
    {{ model_name: "softmax_GPU" model_version: -1 input_map {{ key: "INPUT" value: "ONCE" }}
      output_map {{ key: "PROBABILITIES" value: "PROBABILITIES" }} }}
  ]
}}
"""


TOP = f"""
backend: "postprocess"
max_batch_size: 8
input [ {{ name: "INPUT" data_type: TYPE_FP32 dims: [ {WIDTH} ] }} ]
instance_group [ {{ count: 1 kind: KIND_KIND }} ]
parameters {{ key: "operation" value {{ string_value: "top_k" }} }}
"""


@pytest.fixture
def repository(tmp_path):
    """A softmax and the highest values on the GPU and on the CPU, and an ensemble that begins with each softmax and ends on
    the GPU."""
    for kind in ("GPU", "CPU"):
        write(tmp_path, f"top_{kind}", TOP.replace("KIND_KIND", f"KIND_{kind}"))
        write(tmp_path, f"softmax_{kind}", SOFTMAX.replace("KIND_KIND", f"KIND_{kind}"))
        write(tmp_path, f"twice_{kind}", TWICE.replace("KIND", kind))
    return tmp_path


@contextlib.contextmanager
def client_of(server, protocol: str):
    """A stock client."""
    port = getattr(server, protocol)
    with PROTOCOLS[protocol].InferenceServerClient(f"{HOST}:{port}") as client:
        yield client


def shared(protocol: str, region: str, rows: int, size: int = 0, offset: int = 0, kind: str = "FP32"):
    """The input, which lies there."""
    given = PROTOCOLS[protocol].InferInput("INPUT", [rows, WIDTH], kind)
    given.set_shared_memory(region, size or rows * SIZE, offset)
    return given


def sent(protocol: str, rows: np.ndarray):
    """The input, in the request."""
    given = PROTOCOLS[protocol].InferInput("INPUT", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows, **({"binary_data": True} if protocol == "http" else {}))
    return given


def placed(protocol: str, region: str, size: int, offset: int = 0, name: str = "PROBABILITIES"):
    """An output that is to be written there."""
    wanted = PROTOCOLS[protocol].InferRequestedOutput(name)
    wanted.set_shared_memory(region, size, offset)
    return wanted


def rows_of(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, WIDTH), np.float32)


def ask(server, protocol: str, model: str, inputs: list, outputs: list | None = None):
    with client_of(server, protocol) as client:
        return client.infer(model, inputs, outputs=outputs)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tensors_are_read_and_written_in_place_on_the_software_cuda_device(repository, softcuda, protocol):
    environment = softcuda.environment()
    rows = rows_of(3)
    size = rows.nbytes
    # Host to device, device to host, device to device.
    expected = {
        "softmax_GPU": (0, 0, size), "softmax_CPU": (size, size, 0), "twice_GPU": (0, 0, size), "twice_CPU": (size, size, size),
    }
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        given, handle_of_given = owner.allocate(b"\0" * 256 + rows.tobytes())
        made, handle_of_made = owner.allocate(b"\1" * (size + 64))
        with client_of(server, protocol) as client:
            client.register_cuda_shared_memory("given", handle_of_given, 0, 256 + size)
            client.register_cuda_shared_memory("made", handle_of_made, 0, size + 64)
            assert regions(client) == {"given": (0, 256 + size), "made": (0, size + 64)}
            assert regions(client, "made") == {"made": (0, size + 64)}
            assert scrape(server)["nereid_shared_memory_regions"].value() == 2
            assert scrape(server)["nereid_shared_memory_bytes"].value() == 320 + 2 * size
        for model, counts in expected.items():
            owner.write(made, b"\1" * (size + 64))
            reference = ask(server, protocol, model, [sent(protocol, rows)]).as_numpy("PROBABILITIES")
            before = copied(server)
            given_there, made_there = shared(protocol, "given", 3, offset=256), placed(protocol, "made", size, 32)
            answer = ask(server, protocol, model, [given_there], [made_there])
            # The answer is here, so the bytes are there.
            assert owner.read(made, size + 64) == b"\1" * 32 + reference.tobytes() + b"\1" * 32, model
            assert tuple(spent(server, before).values()) == counts, model
            output = answer.get_output("PROBABILITIES")
            if protocol == "http":
                assert output == {"name": "PROBABILITIES", "datatype": "FP32", "shape": [3, WIDTH]}
            else:
                assert list(output.shape) == [3, WIDTH] and answer.get_response().raw_output_contents == [b""]
        # Only one of both lies in a region.
        reference = ask(server, protocol, "softmax_GPU", [shared(protocol, "given", 3, offset=256)]).as_numpy("PROBABILITIES")
        ask(server, protocol, "softmax_GPU", [sent(protocol, rows)], [placed(protocol, "made", size)])
        assert owner.read(made, size) == reference.tobytes()
        with client_of(server, protocol) as client:
            client.unregister_cuda_shared_memory("given")
            assert list(regions(client)) == ["made"]
            client.unregister_cuda_shared_memory()
            assert regions(client) == {}
        copies = copied(server)
    report = softcuda.report()
    assert report.copied() == copies
    assert report.violations == [] and report.leaks == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_what_is_sent_comes_home_on_the_software_cuda_device(repository, softcuda, protocol):
    environment = softcuda.environment()
    rows = rows_of(2)
    values, indices = 2 * 5 * 4, 2 * 5 * 8
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        memory, handle = owner.allocate(rows.tobytes())
        with client_of(server, protocol) as client:
            client.register_cuda_shared_memory("r", handle, 0, rows.nbytes)
            wanted = PROTOCOLS[protocol].InferRequestedOutput("INDICES")
            for kind, expected in (("GPU", (0, indices, values)), ("CPU", (values, rows.nbytes, 0))):
                owner.write(memory, rows.tobytes())
                reference = client.infer(f"top_{kind}", [sent(protocol, rows)])
                before = copied(server)
                outputs = [wanted, placed(protocol, "r", values, name="VALUES")]
                answer = client.infer(f"top_{kind}", [shared(protocol, "r", 2)], outputs=outputs)
                assert tuple(spent(server, before).values()) == expected
                assert answer.as_numpy("INDICES").tobytes() == reference.as_numpy("INDICES").tobytes()
                assert owner.read(memory, values) == reference.as_numpy("VALUES").tobytes()
            # Of an ensemble, one tensor is both sent and read by the next step.
            for kind, expected in (("GPU", (0, rows.nbytes, rows.nbytes)), ("CPU", (rows.nbytes, rows.nbytes, rows.nbytes))):
                owner.write(memory, rows.tobytes())
                reference = client.infer(f"twice_{kind}", [sent(protocol, rows)])
                before = copied(server)
                outputs = [placed(protocol, "r", rows.nbytes), PROTOCOLS[protocol].InferRequestedOutput("ONCE")]
                answer = client.infer(f"twice_{kind}", [shared(protocol, "r", 2)], outputs=outputs)
                assert tuple(spent(server, before).values()) == expected
                assert answer.as_numpy("ONCE").tobytes() == reference.as_numpy("ONCE").tobytes()
                assert owner.read(memory, rows.nbytes) == reference.as_numpy("PROBABILITIES").tobytes()
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def regions(client, name: str = "") -> dict[str, tuple[int, int]]:
    """Device and size of what is registered."""
    status = client.get_cuda_shared_memory_status(name)
    if isinstance(status, list):
        return {region["name"]: (region["device_id"], region["byte_size"]) for region in status}
    return {name: (region.device_id, region.byte_size) for name, region in status.regions.items()}


def refused(call, *arguments) -> tuple[str, str]:
    with pytest.raises(InferenceServerException) as raised:
        call(*arguments)
    return raised.value.status(), raised.value.message()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_cannot_be_is_refused_on_the_software_cuda_device(repository, softcuda, protocol):
    environment = softcuda.environment(devices=2)
    is_http = protocol == "http"
    invalid, unknown, exists, failed = (
        ("400", "404", "400", "500") if is_http
        else ("StatusCode.INVALID_ARGUMENT", "StatusCode.NOT_FOUND", "StatusCode.ALREADY_EXISTS", "StatusCode.INTERNAL")
    )
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        memory, handle = owner.allocate(rows_of(2).tobytes())
        _, handle_of_other = owner.allocate(bytes(8), device=1)
        with client_of(server, protocol) as client:
            register = client.register_cuda_shared_memory
            register("r", handle, 0, 2 * SIZE)
            assert refused(register, "r", handle, 0, 8) == (exists, "shared memory region 'r' already in manager")
            for wrong in (b"", handle[:-4], b"AAAA" + handle):
                text = "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t" if is_http else \
                    "failed to register shared memory region: invalid args"
                assert refused(register, "s", wrong, 0, 8) == (invalid, text)
            head = "failed to register CUDA shared memory region 's': "
            for (device, size, of), reason in {
                (5, 8, handle): "device cuda:5 is not there: there is cuda:0 (Software CUDA device (tests)), cuda:1 (",
                (0, 2 * SIZE + 1, handle): f"bytes 0 to {2 * SIZE + 1} asked of shared memory that has {2 * SIZE}",
                (0, 0, handle): "it has no bytes, or too many",
                (0, 2**64 - 1, handle): "bytes 0 to 18446744073709551615 asked of shared memory",
                # Not by way of the other device, though the driver would map it there.
                (0, 8, handle_of_other): "the shared memory is on cuda:1, not on cuda:0",
                (0, 8, b"AAAA" + handle[4:]): "cuda:0: cuIpcOpenMemHandle: CUDA_ERROR_INVALID_VALUE",
            }.items():
                status, text = refused(register, "s", of, device, size)
                assert status == invalid and text.startswith(head + reason), text
            register("other", handle_of_other, 1, 8)
            status = refused(client.get_cuda_shared_memory_status, "s")
            assert status == (unknown, "Unable to find cuda shared memory region: 's'")
            client.unregister_cuda_shared_memory("s")
            # No name is not all names.
            assert clients.post(server, "/v2/cudasharedmemory/region//unregister", b"").status == 404
            assert regions(client) == {"r": (0, 2 * SIZE), "other": (1, 8)}

            def infer(given, wanted=None):
                return client.infer("softmax_GPU", [given], outputs=wanted and [wanted])

            lost = "Unable to find shared memory region: 's'"
            assert refused(infer, shared(protocol, "s", 1)) == (unknown, lost)
            assert refused(infer, shared(protocol, "r", 1), placed(protocol, "s", SIZE)) == (unknown, lost)
            outside = "Invalid offset + byte size for shared memory region: 'r'"
            for size, offset in ((SIZE, SIZE + 1), (2 * SIZE + 1, 0), (SIZE, 2**63 - 1), (2**63 - 1, 2**63 - 1)):
                assert refused(infer, shared(protocol, "r", 1, size, offset)) == (invalid, outside)
                assert refused(infer, shared(protocol, "r", 1), placed(protocol, "r", size, offset)) == (invalid, outside)
            status, text = refused(infer, shared(protocol, "r", 1, SIZE - 4))
            mismatch = "input byte size mismatch for input 'INPUT' for model 'softmax_GPU'."
            assert status == invalid and text.endswith(f"{mismatch} Expected {SIZE}, got {SIZE - 4}")
            status, text = refused(infer, shared(protocol, "r", 1, offset=2))
            assert (status, text) == (
                invalid, "input 'INPUT' begins at byte 2 of its shared memory region, which is no multiple of the size of FP32"
            )
            small = refused(infer, shared(protocol, "r", 1), placed(protocol, "r", 4))
            assert small == (
                failed, "shared memory size specified with the request for output 'PROBABILITIES' (4 bytes) should be at least "
                        f"{SIZE} bytes to hold the results"
            )
            # On the CPU, elements may lie anywhere.
            assert client.infer("softmax_CPU", [shared(protocol, "r", 1, offset=2)]).as_numpy("PROBABILITIES").shape == (1, WIDTH)
            assert infer(shared(protocol, "r", 2)).as_numpy("PROBABILITIES").shape == (2, WIDTH)
            assert owner.read(memory, 2 * SIZE) == rows_of(2).tobytes()
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def test_there_may_be_so_many_regions_on_the_software_cuda_device(repository, softcuda):
    environment = softcuda.environment()
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        _, handle = owner.allocate(bytes(SIZE))
        with client_of(server, "grpc") as client:
            for index in range(1024):
                client.register_cuda_shared_memory(str(index), handle, 0, SIZE)
            status, text = refused(client.register_cuda_shared_memory, "one more", handle, 0, SIZE)
            assert status == "StatusCode.UNAVAILABLE" and text.startswith("1024 shared memory regions are registered")
            client.unregister_cuda_shared_memory("7")
            client.register_cuda_shared_memory("one more", handle, 0, SIZE)
            client.unregister_cuda_shared_memory()
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def test_a_region_stays_while_requests_use_it_on_the_software_cuda_device(repository, softcuda):
    # Each piece of work takes its time, so the region is unregistered while requests have it.
    environment = softcuda.environment(delay_us=100_000)
    rows = rows_of(1)
    with CudaOwner(environment | {"SOFTCUDA_DELAY_US": "0"}) as owner, running(repository, environment=environment) as server:
        memory, handle = owner.allocate(rows.tobytes() + bytes(SIZE))
        reference = ask(server, "http", "softmax_CPU", [sent("http", rows)]).as_numpy("PROBABILITIES")
        for model in ("softmax_GPU", "softmax_CPU", "twice_GPU"):
            owner.write(memory + SIZE, bytes(SIZE))
            before = scrape(server)["nereid_inflight_requests"].value()
            with client_of(server, "grpc") as client:
                client.register_cuda_shared_memory("r", handle, 0, 2 * SIZE)
                inputs, outputs = [shared("grpc", "r", 1)], [placed("grpc", "r", SIZE, SIZE)]
                asking = threading.Thread(target=ask, args=(server, "grpc", model, inputs, outputs))
                asking.start()
                clients.wait_until(lambda before=before: scrape(server)["nereid_inflight_requests"].value() > before)
                client.unregister_cuda_shared_memory("r")
                assert regions(client) == {}
                asking.join()
            if model != "twice_GPU":
                assert owner.read(memory + SIZE, SIZE) == reference.tobytes(), model
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def test_a_client_that_dies_harms_nobody_on_the_software_cuda_device(repository, softcuda):
    environment = softcuda.environment()
    rows = rows_of(2)
    with CudaOwner(environment) as other, running(repository, environment=environment) as server:
        owner = CudaOwner(environment)
        _, handle = owner.allocate(rows.tobytes())
        memory, handle_of_other = other.allocate(rows.tobytes())
        with client_of(server, "http") as client:
            client.register_cuda_shared_memory("dead", handle, 0, 2 * SIZE)
            client.register_cuda_shared_memory("alive", handle_of_other, 0, 2 * SIZE)
            owner.kill()
            # Its memory is the device's until nobody has it.
            given = [shared("http", "dead", 2)]
            reference = client.infer("softmax_GPU", given).as_numpy("PROBABILITIES")
            client.infer("softmax_GPU", given, outputs=[placed("http", "dead", 2 * SIZE)])
            client.infer("softmax_GPU", [shared("http", "alive", 2)], outputs=[placed("http", "alive", 2 * SIZE)])
            assert other.read(memory, 2 * SIZE) == reference.tobytes()
            client.unregister_cuda_shared_memory("dead")
            assert list(regions(client)) == ["alive"]
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_plan_computes_from_a_region_to_a_region_on_the_software_cuda_device(tmp_path, softcuda, protocol):
    (tmp_path / "affine" / "1").mkdir(parents=True)
    (tmp_path / "affine" / "1" / "model.plan").write_text(PLAN)
    (tmp_path / "affine" / "config.pbtxt").write_text('platform: "tensorrt_plan"')
    environment = softcuda.environment()
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    with CudaOwner(environment) as owner, running(tmp_path, library(), environment=environment) as server:
        memory, handle = owner.allocate(x.tobytes() * 2)
        with client_of(server, protocol) as client:
            client.register_cuda_shared_memory("r", handle, 0, 2 * x.nbytes)
            given = PROTOCOLS[protocol].InferInput("x", [2, 3], "FP32")
            given.set_data_from_numpy(x)
            reference = client.infer("affine", [given]).as_numpy("y")
            # TensorRT's addresses are multiples of 256: what lies elsewhere is copied, and counted.
            for offset, more in ((0, 0), (x.nbytes, x.nbytes)):
                before = copied(server)
                given.set_shared_memory("r", x.nbytes, offset)
                client.infer("affine", [given], outputs=[placed(protocol, "r", x.nbytes, x.nbytes, "y")])
                assert owner.read(memory + x.nbytes, x.nbytes) == reference.tobytes()
                assert tuple(spent(server, before).values()) == (0, 0, x.nbytes + more)
                owner.write(memory, x.tobytes() * 2)
    report = softcuda.report()
    assert report.violations == [] and report.leaks == []


def test_strings_are_not_read_from_a_device_on_the_software_cuda_device(repository, softcuda):
    write_model(repository, "prepare", PREPARE, kind="KIND_GPU")
    environment = softcuda.environment()
    with CudaOwner(environment) as owner, running(repository, environment=environment) as server:
        _, handle = owner.allocate(bytes(64))
        with client_of(server, "http") as client:
            client.register_cuda_shared_memory("r", handle, 0, 64)
            given = tritonclient.http.InferInput("IMAGE", [1, 1], "BYTES")
            given.set_shared_memory("r", 64)
            status, text = refused(client.infer, "prepare", [given])
            assert status == "400" and text.endswith("BYTES tensors cannot live on a device")


def test_without_a_device_or_leave_nothing_is_registered(repository, softcuda):
    for model in ("softmax_GPU", "top_GPU", "twice_GPU", "twice_CPU"):
        (repository / model).rename(repository.with_name(f"{repository.name}_{model}"))
    with running(repository) as server, client_of(server, "http") as client:
        status, text = refused(client.register_cuda_shared_memory, "r", b"A" * 84 + b"AA==", 0, 8)
        head = "failed to register CUDA shared memory region 'r': device cuda:0 is not there: no CUDA: "
        assert status == "400" and text.startswith(head), text
        assert regions(client) == {}
    with running(repository, "--allow-client-shm=false") as server, client_of(server, "grpc") as client:
        refusal = refused(client.register_cuda_shared_memory, "r", b"A" * 84 + b"AA==", 0, 8)
        assert refusal == ("StatusCode.UNIMPLEMENTED", "clients may not register shared memory (--allow-client-shm)")
