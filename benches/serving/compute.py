"""Models that compute: what the server takes of the processor for an image beside a loop around ONNX Runtime in one process.

SqueezeNet and ResNet-50 of the `onnx` package's tests: real graphs, whose weights are constants. One thread runs the model,
here and there; loop and server take turns.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import loads
import models
import numpy as np
import onnx
import onnxruntime
import questions
import results
import servers

COMMAND = "make bench PARTS=compute"
NETS = {"squeezenet": "SqueezeNet", "resnet50": "ResNet-50"}
COLUMNS = ["model", "loop, CPU ms", "server over HTTP, CPU ms", "server over gRPC, CPU ms", "HTTP / loop", "gRPC / loop"]
IMAGE = np.random.default_rng(5).random((1, 3, 224, 224), np.float32)


def main() -> None:
    """Measures, prints the table, and writes it."""
    options = arguments()
    machine = results.machine()
    with tempfile.TemporaryDirectory() as scratch:
        repository = Path(scratch) / "models"
        files = {net: models.write_net(repository, net, net_file(net)) for net in NETS}
        with servers.nereid(repository, Path(scratch) / "log") as server:
            rows = [row(net, files[net], server, options) for net in NETS]
    table = results.table(COLUMNS, rows)
    print(table)
    about = results.paragraph(f"""`{COMMAND}`, {machine}; medians of {options.rounds} pairs of {options.seconds} s each, one
        image of 602 KB at a time, one thread; wrk and h2load ask.""")
    results.write(COMMAND, "Models that compute", f"{about}\n\n{table}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=2, help="of each case, in each round")
    parser.add_argument("--logs", type=Path, required=True, help="where what the load generators print is kept")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    return options


def net_file(net: str) -> Path:
    """In the package of onnx."""
    return Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{net}.onnx"


def row(net: str, file: Path, server: servers.Server, options: argparse.Namespace) -> list[str]:
    """Of one net, as the table has it."""
    loop = Loop(file)
    tensors = [questions.Tensor(loop.input, IMAGE)]
    seen = []
    for _ in range(options.rounds):
        base = loop.cpu_ms(options.seconds)
        over = [served(ask, net, tensors, server, options) for ask in (http, grpc)]
        seen.append([base, *over, *(one / base for one in over)])
    medians = [statistics.median(column) for column in zip(*seen)]
    return [NETS[net], *(f"{number:.2f}" for number in medians[:3]), *(f"{number:.3f}" for number in medians[3:])]


class Loop:
    """A session in this process."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.input = models.net_input(onnx.load(file).graph).name

    def cpu_ms(self, seconds: float) -> float:
        """Processor time of an image."""
        count, end, spent = 0, time.monotonic() + seconds, time.process_time()
        while time.monotonic() < end:
            self._session.run(None, {self.input: IMAGE})
            count += 1
        return 1e3 * (time.process_time() - spent) / count


def served(ask, net: str, tensors: list[questions.Tensor], server: servers.Server, options: argparse.Namespace) -> float:
    """The server's processor time of an image, in milliseconds."""
    spent = server.cpu_seconds()
    load = ask(net, tensors, server, options)
    return 1e3 * (server.cpu_seconds() - spent) / load.requests


def http(net: str, tensors: list[questions.Tensor], server: servers.Server, options: argparse.Namespace) -> loads.Load:
    """By wrk."""
    log = options.logs / f"{net}-http.log"
    questions.write_lua(log.with_suffix(".question"), *questions.http_binary(tensors))
    url = f"http://127.0.0.1:{server.http}/v2/models/{net}/infer"
    return loads.wrk(url, log.with_suffix(".question"), 1, options.seconds, log)


def grpc(net: str, tensors: list[questions.Tensor], server: servers.Server, options: argparse.Namespace) -> loads.Load:
    """By h2load."""
    log = options.logs / f"{net}-grpc.log"
    log.with_suffix(".question").write_bytes(questions.grpc(net, tensors))
    return loads.h2load(server.grpc, log.with_suffix(".question"), (1, 1), options.seconds, log)


if __name__ == "__main__":
    main()
