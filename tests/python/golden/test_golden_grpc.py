"""What a real Triton answered over gRPC, asked again of this server, in the same order."""

import grpc
import grpc_requests
import models
import pytest
import recordings
from google.protobuf.json_format import MessageToDict
from recordings import Difference
from server import running
from tritonclient.grpc import service_pb2_grpc

EXCHANGES = recordings.load("grpc")
REQUESTS = grpc_requests.requests()
FLAGS = ("--id=triton", "--model-control-mode=explicit", "--load-model=*")
TIMEOUT_S = 60
# Calls of the health service: the request's bytes by label. A call of a method that does not exist is its own label.
HEALTH = {f"health {request!r}": request for request in (b"", b"\x0a\x03abc")}
METADATA = {"stream err + triton_grpc_error": [("triton_grpc_error", "true")]}

# What Nereid answers where it differs from Triton on purpose. Nothing else may differ.
DIFFERENCES = {
    "meta": Difference("Extensions", ("OK", {"name": "triton", "extensions": recordings.EXTENSIONS})),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, tuple]:
    """All requests sent once, in order: label -> code and comparable answer. So the order does not depend on which
    tests run."""
    repository = tmp_path_factory.mktemp("golden_grpc")
    models.write_repository(repository)
    with running(repository, *FLAGS) as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        return {label: replay(channel, label) for label in EXCHANGES}


@pytest.mark.parametrize("label", EXCHANGES)
def test_the_answer_is_that_of_triton(answers, label):
    assert answers[label] == recordings.expected(DIFFERENCES.get(label), recorded(EXCHANGES[label]))


@pytest.mark.parametrize("label", DIFFERENCES)
def test_what_differs_on_purpose_is_documented_and_does_differ(label):
    assert recordings.is_in_the_documentation(DIFFERENCES[label].row)
    assert DIFFERENCES[label].answer != recorded(EXCHANGES[label])


def test_the_tables_name_recorded_exchanges():
    assert (REQUESTS.keys() | HEALTH.keys() | METADATA.keys() | DIFFERENCES.keys()) <= EXCHANGES.keys()


def replay(channel: grpc.Channel, label: str) -> tuple:
    """Sends the request of a label; code and comparable answer, or code and details."""
    try:
        return ("OK", call(channel, label))
    except grpc.RpcError as error:
        return (error.code().name, error.details())


def call(channel: grpc.Channel, label: str) -> object:
    """The answer as the recording has it: JSON, a list of JSON for a stream, or the bytes in hexadecimal."""
    if label not in REQUESTS:
        path = "/grpc.health.v1.Health/Check" if label in HEALTH else label
        return channel.unary_unary(path)(HEALTH.get(label, b""), timeout=TIMEOUT_S).hex()
    method, request = REQUESTS[label]
    send = getattr(service_pb2_grpc.GRPCInferenceServiceStub(channel), method)
    if isinstance(request, list):
        return [plain(answer) for answer in send(iter(request), timeout=TIMEOUT_S, metadata=METADATA.get(label))]
    return plain(send(request, timeout=TIMEOUT_S))


def plain(message) -> dict:
    """A message as comparable JSON."""
    return recordings.comparable(MessageToDict(message, preserving_proto_field_name=True))


def recorded(exchange: dict) -> tuple:
    """The comparable part of what Triton answered."""
    if exchange["code"] != "OK":
        return (exchange["code"], exchange["details"])
    answer = exchange["hex"] if "hex" in exchange else exchange["msgs"] if "msgs" in exchange else exchange["resp"]
    return ("OK", recordings.comparable(answer))
