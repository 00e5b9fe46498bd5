"""Those who ask, each over a way of its own: HTTP, single gRPC calls, gRPC streams.

A caller makes one request after the other until the time is up, chooses all about it by its own generator of random
numbers, and notes how it ended. Whatever ends in no way that is allowed raises.
"""

import http.client
import json
import queue
import random
import socket
import time
from dataclasses import dataclass

import clients
import numpy as np
import tritonclient.grpc as triton
from soak import spinning
from soak.accounts import GRPC_STATUSES, HTTP_STATUSES, Account, Outcome, refusal

# Turns of the loop: most requests are short, some take about 10 ms.
TURNS = [0, 0, 0, 10, 1000, 30_000]
GIVE_UP_S_MAX = 0.02
STREAM_REQUESTS_MAX = 30


@dataclass
class Request:
    """What is asked: `rows` numbered rows, none of which any other request has."""

    model: str
    id: str
    x: np.ndarray
    turns: np.ndarray
    # Request parameters, as KServe v2 has them.
    parameters: dict[str, int]

    @property
    def has_timeout(self) -> bool:
        return "timeout" in self.parameters

    def check(self, request_id: str, y: np.ndarray) -> None:
        """The answer is this request's own."""
        assert request_id == self.id, f"{request_id} answers {self.id}"
        assert np.array_equal(y, 2 * self.x), f"{self.id}: {y} is not twice {self.x}"

    def inputs(self) -> list[triton.InferInput]:
        """Both tensors for the gRPC client."""
        made = []
        for name, values in (("X", self.x), ("TURNS", self.turns)):
            made.append(triton.InferInput(name, list(values.shape), "INT64"))
            made[-1].set_data_from_numpy(values)
        return made

    def body(self) -> tuple[bytes, dict]:
        """Body and headers of a binary HTTP request."""
        tensors = {"X": self.x, "TURNS": self.turns}
        described = [
            {"name": name, "datatype": "INT64", "shape": values.shape, "parameters": {"binary_data_size": values.nbytes}}
            for name, values in tensors.items()
        ]
        parameters = {"binary_data_output": True, **self.parameters}
        header = json.dumps({"id": self.id, "inputs": described, "parameters": parameters}).encode()
        content = b"".join([header, *(values.tobytes() for values in tensors.values())])
        return content, {"Inference-Header-Content-Length": str(len(header))}


class Caller:
    """What all callers have: numbers, accounts, and the next request."""

    def __init__(self, number: int, seed: str, server, accounts: dict[str, Account]) -> None:
        self.number = number
        self.server = server
        self.accounts = accounts
        self.random = random.Random(f"{seed}/{number}")
        self.asked = 0

    def run(self, until: float) -> None:
        """Asks until the time is up."""
        while time.monotonic() < until:
            self.ask()

    def next_request(self, model: str | None = None) -> Request:
        """A request for one of the models."""
        choose = self.random
        self.asked += 1
        model = model or choose.choice(list(spinning.MODELS))
        rows = choose.randint(1, spinning.ROWS_MAX)
        first = (self.number << 40) + self.asked * 2 * spinning.ROWS_MAX
        x = np.arange(first, first + 2 * rows, dtype=np.int64).reshape(rows, 2)
        turns = np.full((rows, 1), choose.choice(TURNS), np.int64)
        parameters = {}
        if spinning.MODELS[model] is spinning.PRIORITIES and choose.random() < 0.7:
            parameters["priority"] = choose.randint(0, spinning.LEVELS)
        if choose.random() < 0.2:
            parameters["timeout"] = choose.choice([200, 2_000, 20_000])
        return Request(model, f"{self.number}-{self.asked}", x, turns, parameters)

    def note(self, request: Request, outcome: Outcome) -> None:
        """Notes how a request ended."""
        self.accounts[request.model].note(outcome, len(request.x), request.has_timeout)


class HttpCaller(Caller):
    """Keeps its connection, and sometimes closes it before the answer, or before all of the request is sent."""

    connection: http.client.HTTPConnection | None = None

    def ask(self) -> None:
        request = self.next_request()
        body, headers = request.body()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.http, timeout=clients.TIMEOUT_S)
        chance = self.random.random()
        if chance < 0.03:
            self.connection.putrequest("POST", f"/v2/models/{request.model}/infer")
            self.connection.putheader("Content-Length", str(len(body)))
            self.connection.putheader(*headers.popitem())
            self.connection.endheaders(body[: self.random.randrange(len(body))])
            self.leave()
            return self.note(request, Outcome.UNSENT)
        self.connection.request("POST", f"/v2/models/{request.model}/infer", body, headers)
        if chance < 0.15:
            # Not to wait for anything: somewhere between the request's arrival and its answer, its caller is gone.
            time.sleep(self.random.uniform(0, GIVE_UP_S_MAX))
            self.leave()
            return self.note(request, Outcome.GONE)
        response = self.connection.getresponse()
        answer = clients.Answer(response.status, response.headers, response.read())
        return self.note(request, self.outcome(request, answer))

    def outcome(self, request: Request, answer: clients.Answer) -> Outcome:
        if answer.status == 200:
            y = np.frombuffer(answer.tensor("Y"), np.int64).reshape(-1, 2)
            request.check(answer.json()["id"], y)
            return Outcome.ANSWERED
        outcome = refusal(answer.error())
        assert HTTP_STATUSES[outcome] == answer.status, answer
        return outcome

    def leave(self) -> None:
        """Closes the connection, at once."""
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.connection = None


class GrpcCaller(Caller):
    """Single calls, some with a deadline of gRPC's, some cancelled."""

    def run(self, until: float) -> None:
        with triton.InferenceServerClient(f"127.0.0.1:{self.server.grpc}") as self.client:
            super().run(until)

    def ask(self) -> None:
        request = self.next_request()
        answers: queue.Queue = queue.Queue()
        options = {"client_timeout": clients.TIMEOUT_S}
        chance = self.random.random()
        if chance < 0.1:
            options["client_timeout"] = self.random.uniform(0.0005, GIVE_UP_S_MAX)
        call = self.client.async_infer(
            request.model, request.inputs(), lambda result, error: answers.put((result, error)),
            request_id=request.id, **request.parameters, **options,
        )
        if chance > 0.9:
            time.sleep(self.random.uniform(0, GIVE_UP_S_MAX))
            call.cancel()
        result, error = answers.get(timeout=clients.TIMEOUT_S)
        if error and error.status() in ("StatusCode.DEADLINE_EXCEEDED", "StatusCode.CANCELLED"):
            assert not 0.1 <= chance <= 0.9, error
            return self.note(request, Outcome.GONE)
        return self.note(request, grpc_outcome(request, result, error))


class StreamCaller(Caller):
    """Many requests on one stream, whose answers come in their order; some streams are cancelled."""

    def ask(self) -> None:
        answers: queue.Queue = queue.Queue()
        requests = [self.next_request() for _ in range(self.random.randint(1, STREAM_REQUESTS_MAX))]
        is_cancelled = self.random.random() < 0.2
        with triton.InferenceServerClient(f"127.0.0.1:{self.server.grpc}") as client:
            client.start_stream(lambda result, error: answers.put((result, error)))
            for request in requests:
                client.async_stream_infer(
                    request.model, request.inputs(), request_id=request.id, **request.parameters
                )
            waited_for = self.random.randrange(len(requests)) if is_cancelled else len(requests)
            for request in requests[:waited_for]:
                result, error = answers.get(timeout=clients.TIMEOUT_S)
                outcome = stream_outcome(request, result, error)
                self.note(request, outcome)
            client.stop_stream(cancel_requests=is_cancelled)
        for request in requests[waited_for:]:
            self.note(request, Outcome.GONE)
        assert is_cancelled or answers.empty(), f"{answers.qsize()} answers too many"


def stream_outcome(request: Request, result, error) -> Outcome:
    """As [`grpc_outcome`]; an error on a stream has no status of its own."""
    return refusal(error.message()) if error else grpc_outcome(request, result, error)


def grpc_outcome(request: Request, result, error) -> Outcome:
    """How a call ended that was not given up."""
    if error:
        outcome = refusal(error.message())
        assert error.status() == f"StatusCode.{GRPC_STATUSES[outcome]}", error
        return outcome
    request.check(result.get_response().id, result.as_numpy("Y"))
    return Outcome.ANSWERED


class Operator(Caller):
    """Loads, unloads and reloads, and looks at the index and the metrics meanwhile."""

    def ask(self) -> None:
        deed = self.random.choice([self.reload, self.load, self.load, self.unload, self.look])
        deed()
        time.sleep(self.random.uniform(0, GIVE_UP_S_MAX))

    def reload(self) -> None:
        self.post("models/reloaded/load")

    def load(self) -> None:
        self.post("models/changing/load")

    def unload(self) -> None:
        self.post("models/changing/unload")

    def look(self) -> None:
        index = json.loads(self.post("index"))
        states = {entry["name"]: entry["state"] for entry in index}
        changing = states.pop("changing")
        assert set(states.values()) == {"READY"} and states.keys() < spinning.MODELS.keys(), index
        assert changing in ("LOADING", "READY", "UNLOADING", "UNAVAILABLE"), index
        assert clients.metric(self.server, "nv_inference_pending_request_count", model="urgent") <= (
            spinning.QUEUE_MAX * spinning.LEVELS
        )

    def post(self, path: str) -> bytes:
        answer = clients.post(self.server, f"/v2/repository/{path}", b"")
        assert answer.status == 200, answer
        return answer.body
