"""Callers that ask one after another until they are told to stop, and count what came of it."""

import http.client
import json
import threading
from collections import Counter
from contextlib import contextmanager

import clients
import numpy as np
import tritonclient.grpc
from tritonclient.utils import InferenceServerException

MODEL = "simple"
CALLERS = 4


class Load:
    """What callers have seen so far: answers, wrong answers, and errors by their text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.is_over = threading.Event()

    def note(self, what: str) -> None:
        """Counts one result."""
        with self._lock:
            self._counts[what] += 1

    def answered(self) -> int:
        """Requests that were answered, and right."""
        with self._lock:
            return self._counts["right"]

    def failures(self) -> dict[str, int]:
        """How often each else happened."""
        with self._lock:
            return {what: count for what, count in self._counts.items() if what != "right"}

    def wait_for_more(self, count: int) -> None:
        """Returns once so many more were answered."""
        goal = self.answered() + count
        clients.wait_until(lambda: self.answered() >= goal)


@contextmanager
def over_grpc(target):
    """Callers that share one channel, as those of one client do."""
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{target.grpc}")
    inputs = []
    for index, values in enumerate(numbers()):
        inputs.append(tritonclient.grpc.InferInput(f"INPUT{index}", [1, 16], "INT32"))
        inputs[-1].set_data_from_numpy(values)

    def ask(load: Load) -> None:
        try:
            result = client.infer(MODEL, inputs, client_timeout=clients.TIMEOUT_S)
        except InferenceServerException as error:
            return load.note(f"{error.status()}: {error.message()}")
        is_right = np.array_equal(result.as_numpy("OUTPUT0"), sum(numbers()))
        return load.note("right" if is_right else "wrong")

    with client, under(lambda load: repeat(load, lambda: ask(load))) as load:
        yield load


@contextmanager
def over_http(target):
    """Callers that keep a connection each."""
    names = ("INPUT0", "INPUT1")
    tensors = [{"name": name, "shape": [1, 16], "datatype": "INT32", "data": values.ravel().tolist()}
               for name, values in zip(names, numbers(), strict=True)]
    body = json.dumps({"inputs": tensors, "outputs": [{"name": "OUTPUT0"}]})
    expected = sum(numbers()).ravel().tolist()

    def caller(load: Load) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.http, timeout=clients.TIMEOUT_S)

        def ask() -> None:
            try:
                connection.request("POST", f"/v2/models/{MODEL}/infer", body)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                return load.note(repr(error))
            if answer.status != 200:
                return load.note(f"{answer.status}: {content.decode()}")
            is_right = json.loads(content)["outputs"][0]["data"] == expected
            return load.note("right" if is_right else "wrong")

        repeat(load, ask)
        connection.close()

    with under(caller) as load:
        yield load


@contextmanager
def under(caller):
    """Runs callers until the end of the context, and waits for their last answers."""
    load = Load()
    threads = [threading.Thread(target=caller, args=(load,)) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in threads:
            thread.join()


def repeat(load: Load, ask) -> None:
    """Asks until it is over."""
    while not load.is_over.is_set():
        ask()


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Both inputs of `simple`, which answers their sum."""
    return np.arange(16, dtype=np.int32).reshape(1, 16), np.ones((1, 16), np.int32)
