"""One client of the pipeline, in a process of its own: asks for some seconds, and prints what it saw as JSON.

    load.py CASE PROTOCOL PORT TYPE SECONDS

It prints `ready` when it has been answered once, and starts when a line comes on its standard input, so that several
start together. PROTOCOL is http or grpc, TYPE is FP32 or FP64, and CASE is one of

    one, nine               sends the JPEG to the ensemble
    tensor                  decodes and resizes by itself, and sends the tensor to the first model
    orchestrated            the same, to each of the nine models, and then to the one that combines them
    hops_1, hops_9          sends four numbers through an ensemble of so many models that do nothing
"""

import json
import resource
import sys
import time

import cv2
import numpy as np
import repositories
import tritonclient.grpc
import tritonclient.http

cv2.setNumThreads(1)


class Client:
    """A stock client, and one picture."""

    def __init__(self, protocol: str, port: int, data_type: str) -> None:
        self._api = {"http": tritonclient.http, "grpc": tritonclient.grpc}[protocol]
        self._client = self._api.InferenceServerClient(f"127.0.0.1:{port}")
        self._data_type = data_type
        self._number = {"FP32": np.float32, "FP64": np.float64}[data_type]
        self._jpeg = repositories.photograph()

    def one(self) -> np.ndarray:
        """By the ensemble of one model."""
        return self._ensemble("one")

    def nine(self) -> np.ndarray:
        """By the ensemble of nine models."""
        return self._ensemble("nine")

    def hops_1(self) -> np.ndarray:
        """By one model that does nothing."""
        return self._hops(1)

    def hops_9(self) -> np.ndarray:
        """By nine of them."""
        return self._hops(9)

    def tensor(self) -> np.ndarray:
        """By one model, from a picture that is prepared here."""
        return self._infer(repositories.NINE[0], {"x": self._prepared()}, "y")

    def orchestrated(self) -> np.ndarray:
        """By ten requests, the picture in seven of them."""
        picture = self._prepared()
        results = []
        for index, name in enumerate(repositories.NINE):
            given = picture if index < repositories.READERS else results.pop()
            results.append(self._infer(name, {"x": given}, "y"))
        return self._infer("combine", {f"x{place}": value for place, value in enumerate(results)}, "y")

    def _ensemble(self, name: str) -> np.ndarray:
        jpeg = np.array([[self._jpeg]], np.object_)
        return self._infer(name, {"jpeg": jpeg}, "features", "BYTES")

    def _hops(self, count: int) -> np.ndarray:
        numbers = np.zeros((1, repositories.FEATURES), self._number)
        return self._infer(f"hops_{count}", {"numbers": numbers}, "features")

    def _prepared(self) -> np.ndarray:
        picture = cv2.imdecode(np.frombuffer(self._jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        picture = cv2.resize(picture, (repositories.WIDTH, repositories.HEIGHT), interpolation=cv2.INTER_LINEAR)
        planes = np.empty((1, 3, repositories.HEIGHT, repositories.WIDTH), self._number)
        for channel, plane in enumerate(cv2.split(picture)):
            np.multiply(plane, self._number(1 / 255), out=planes[0, channel], casting="unsafe")
        return planes

    def _infer(self, model: str, tensors: dict, output: str, data_type: str | None = None) -> np.ndarray:
        inputs = []
        for name, values in tensors.items():
            given = self._api.InferInput(name, list(values.shape), data_type or self._data_type)
            given.set_data_from_numpy(values)
            inputs.append(given)
        outputs = [self._api.InferRequestedOutput(output)]
        return self._client.infer(model, inputs, outputs=outputs).as_numpy(output)


def main() -> None:
    """Asks, and prints latencies in seconds, its processor time, and an answer by which servers are compared."""
    case, protocol, port, data_type, seconds = sys.argv[1:]
    client = Client(protocol, int(port), data_type)
    ask = getattr(client, case)
    answer = ask()
    ask()
    print("ready", flush=True)
    sys.stdin.readline()
    spent = cpu_seconds()
    latencies = []
    start = now = time.monotonic()
    while now < start + float(seconds):
        ask()
        before, now = now, time.monotonic()
        latencies.append(now - before)
    told = {"latencies": latencies, "seconds": now - start, "cpu": cpu_seconds() - spent, "answer": answer.ravel().tolist()}
    print(json.dumps(told))


def cpu_seconds() -> float:
    """User and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
