"""Every call that the stock `tritonclient` has, by each of its four clients: HTTP and gRPC, waiting and `asyncio`.

Here is shown that each call is understood, and that all clients are told the same. What exactly is answered is compared
with a real Triton's recordings in `golden`.
"""

import asyncio
import inspect
import json
import queue

import clients
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from golden import models
from server import running
from tritonclient.utils import InferenceServerException

EXPLICIT = ("--model-control-mode=explicit", "--load-model=*")
MODEL = "simple"
KINDS = {
    "HTTP": tritonclient.http,
    "gRPC": tritonclient.grpc,
    "HTTP, asyncio": tritonclient.http.aio,
    "gRPC, asyncio": tritonclient.grpc.aio,
}


# What protobuf leaves out of JSON, unless it is told not to.
DEFAULTS = ("", "0", "False", "FORMAT_NONE", "PRIORITY_DEFAULT", [], {})


class Client:
    """One of the four; a call of an `asyncio` client is waited for."""

    def __init__(self, server, kind: str) -> None:
        self.library = KINDS[kind]
        self.is_grpc = kind.startswith("gRPC")
        self._loop = asyncio.new_event_loop()
        self._url = f"127.0.0.1:{server.grpc if self.is_grpc else server.http}"
        self._client = self.wait_for(self._open())

    async def _open(self):
        return self.library.InferenceServerClient(self._url)

    def wait_for(self, outcome):
        """What a coroutine gives; anything else as it is."""
        return self._loop.run_until_complete(outcome) if inspect.isawaitable(outcome) else outcome

    def close(self) -> None:
        """Closes its connections."""
        self.wait_for(self._client.close())
        self._loop.close()

    def __getattr__(self, name: str):
        call = getattr(self._client, name)
        return lambda *arguments, **options: self.wait_for(call(*arguments, **options))

    def told(self, name: str, *arguments) -> object:
        """The answer as JSON, in which gRPC writes numbers of 64 bits as strings: all numbers are strings here."""
        options = {"as_json": True} if self.is_grpc else {}
        return plain(getattr(self, name)(*arguments, headers={"x-test": "1"}, **options))

    def inputs(self) -> list:
        """0 to 15, and ones."""
        made = []
        for index, values in enumerate((np.arange(16, dtype=np.int32), np.ones(16, np.int32))):
            made.append(self.library.InferInput(f"INPUT{index}", [1, 16], "INT32"))
            made[-1].set_data_from_numpy(values.reshape(1, 16))
        return made


def plain(value) -> object:
    """JSON without defaults, which HTTP writes out, and with all else as text."""
    if isinstance(value, dict):
        members = {key: plain(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in DEFAULTS}
    return [plain(item) for item in value] if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The golden models, of which clients may load more."""
    repository = tmp_path_factory.mktemp("stock_clients")
    models.write_repository(repository)
    with running(repository, *EXPLICIT) as server:
        yield server


@pytest.fixture(params=KINDS)
def client(served, request):
    client = Client(served, request.param)
    yield client
    client.close()


def test_health(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL) and client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("nope")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("get_server_metadata", ()),
        ("get_model_metadata", (MODEL,)),
        ("get_model_metadata", (MODEL, "1")),
        ("get_model_config", (MODEL,)),
        ("get_inference_statistics", ()),
        ("get_inference_statistics", (MODEL, "1")),
        ("get_model_repository_index", ()),
    ],
)
def test_all_are_told_the_same(served, call, arguments):
    told = {}
    for kind in KINDS:
        client = Client(served, kind)
        told[kind] = client.told(call, *arguments)
        client.close()
    # Over gRPC both are within messages that have a field for it.
    for kind in ("gRPC", "gRPC, asyncio"):
        told[kind] = told[kind].get("config", told[kind].get("models", told[kind]))
    assert told["HTTP"]
    assert all(answer == told["HTTP"] for answer in told.values()), told


def test_models_come_and_go_with_a_configuration_and_files(client, tmp_path):
    models.write_repository(tmp_path)
    content = (tmp_path / MODEL / "1" / "model.onnx").read_bytes()
    config = json.dumps({"backend": "onnxruntime", "max_batch_size": 5})
    client.load_model("sent", config=config, files={"file:3/model.onnx": content})
    assert client.is_model_ready("sent", "3")
    told = client.told("get_model_config", "sent")
    assert told.get("config", told)["max_batch_size"] == "5"
    client.unload_model("sent", unload_dependents=True)
    clients.wait_until(lambda: not client.is_model_ready("sent"))
    client.load_model(MODEL)
    with pytest.raises(InferenceServerException, match="failed to load 'nope'"):
        client.load_model("nope")


def check_sums(result) -> None:
    assert result.as_numpy("OUTPUT0").tolist() == [list(range(1, 17))]
    assert result.as_numpy("OUTPUT1").tolist() == [list(range(-1, 15))]


def test_inference_with_every_option(client):
    options = {"headers": {"x-test": "1"}, "priority": 1, "timeout": clients.TIMEOUT_S * 10**6}
    if client.is_grpc:
        options |= {"client_timeout": clients.TIMEOUT_S, "compression_algorithm": "gzip"}
    else:
        options |= {"query_params": {"test": "1"}, "request_compression_algorithm": "gzip"}
        options |= {"response_compression_algorithm": "deflate"}
    result = client.infer(
        MODEL, client.inputs(), model_version="1", request_id="seven", parameters={"own": "text"}, **options
    )
    check_sums(result)
    response = result.get_response()
    as_json = not client.is_grpc
    assert (response["id"] if as_json else response.id) == "seven"
    assert result.get_output("OUTPUT1") is not None and result.get_output("nope") is None


def test_outputs_as_each_is_asked_for(client):
    options = {} if client.is_grpc else {"binary_data": False}
    outputs = [
        client.library.InferRequestedOutput("OUTPUT1", **options),
        client.library.InferRequestedOutput("OUTPUT0", class_count=2),
    ]
    result = client.infer(MODEL, client.inputs(), outputs=outputs)
    assert result.as_numpy("OUTPUT0").astype(str).tolist() == [["16:15", "15:14"]]
    assert result.as_numpy("OUTPUT1").tolist() == [list(range(-1, 15))]


@pytest.mark.parametrize("client", ["HTTP", "HTTP, asyncio"], indirect=True)
def test_inputs_as_json(client):
    inputs = client.inputs()
    for tensor, values in zip(inputs, (np.arange(16), np.ones(16)), strict=True):
        tensor.set_data_from_numpy(values.astype(np.int32).reshape(1, 16), binary_data=False)
    check_sums(client.infer(MODEL, inputs))


def test_errors_have_a_status_and_a_text(client):
    with pytest.raises(InferenceServerException) as caught:
        client.infer("nope", client.inputs())
    assert caught.value.message() == "Request for unknown model: 'nope' is not found"
    assert caught.value.status() == ("StatusCode.NOT_FOUND" if client.is_grpc else "404")


def test_a_call_that_takes_longer_than_its_client_waits(server):
    """Of HTTP's clients, only the whole connection has a timeout."""
    picture = np.zeros((1, 3, 960, 960), np.float32)
    for kind in ("gRPC", "gRPC, asyncio"):
        client = Client(server, kind)
        tensor = client.library.InferInput("x", list(picture.shape), "FP32")
        tensor.set_data_from_numpy(picture)
        with pytest.raises(InferenceServerException) as caught:
            client.infer("text_detector", [tensor], client_timeout=0.02)
        assert caught.value.status() == "StatusCode.DEADLINE_EXCEEDED"
        client.close()


EXTENSIONS = {
    "get_trace_settings": ("trace", ()),
    "update_trace_settings": ("trace", (MODEL, {"trace_rate": "1"})),
    "get_log_settings": ("logging", ()),
    "update_log_settings": ("logging", ({"log_verbose_level": 1},)),
    "get_system_shared_memory_status": ("system_shared_memory", ()),
    "register_system_shared_memory": ("system_shared_memory", ("region", "/key", 64)),
    "unregister_system_shared_memory": ("system_shared_memory", ("region",)),
}


@pytest.mark.parametrize("call", EXTENSIONS)
def test_what_is_not_there_says_so(client, call):
    extension, arguments = EXTENSIONS[call]
    told = client.told("get_server_metadata")
    assert extension not in told["extensions"]
    with pytest.raises(InferenceServerException) as caught:
        getattr(client, call)(*arguments)
    if client.is_grpc:
        assert caught.value.status() == "StatusCode.UNIMPLEMENTED"
    else:
        text = f"the extension '{extension}' is not supported by this version of Nereid"
        assert (caught.value.status(), caught.value.message()) == ("501", text)


def test_a_tensor_in_a_region_that_is_not_there_is_refused(client):
    inputs = client.inputs()
    inputs[0].set_shared_memory("region", 64)
    with pytest.raises(InferenceServerException, match="Unable to find shared memory region: 'region'"):
        client.infer(MODEL, inputs)


def test_http_without_waiting_and_requests_made_by_hand(served):
    library = tritonclient.http
    with library.InferenceServerClient(f"127.0.0.1:{served.http}", concurrency=4) as client:
        inputs = Client(served, "HTTP").inputs()
        asked = [client.async_infer(MODEL, inputs, request_id=str(number)) for number in range(8)]
        for number, one in enumerate(asked):
            result = one.get_result(timeout=clients.TIMEOUT_S)
            check_sums(result)
            assert result.get_response()["id"] == str(number)
        body, length = library.InferenceServerClient.generate_request_body(inputs)
    answer = clients.post(served, f"/v2/models/{MODEL}/infer", body, {"Inference-Header-Content-Length": str(length)})
    length = int(answer.headers["Inference-Header-Content-Length"])
    check_sums(library.InferenceServerClient.parse_response_body(answer.body, header_length=length))


def test_grpc_with_a_callback_and_a_call_that_is_cancelled(server, served):
    answers: queue.Queue = queue.Queue()
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{served.grpc}") as client:
        client.async_infer(MODEL, Client(served, "gRPC").inputs(), lambda result, error: answers.put((result, error)))
        result, error = answers.get(timeout=clients.TIMEOUT_S)
        assert error is None
        check_sums(result)
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        tensor = tritonclient.grpc.InferInput("x", [1, 3, 960, 960], "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 3, 960, 960), np.float32))
        client.async_infer("text_detector", [tensor], lambda result, error: answers.put((result, error))).cancel()
        result, error = answers.get(timeout=clients.TIMEOUT_S)
        assert (result, error.status()) == (None, "StatusCode.CANCELLED")


def test_a_stream_of_asyncio(served):
    client = Client(served, "gRPC, asyncio")

    async def requests():
        for number in range(5):
            yield {"model_name": MODEL, "inputs": client.inputs(), "request_id": str(number)}

    async def ask() -> list[str]:
        answers = client._client.stream_infer(requests(), stream_timeout=clients.TIMEOUT_S)
        ids = []
        async for result, error in answers:
            assert error is None
            check_sums(result)
            ids.append(result.get_response().id)
        answers.cancel()
        return ids

    assert client.wait_for(ask()) == list("01234")
    client.close()
