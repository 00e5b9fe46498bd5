"""Big tensors over HTTP and gRPC: throughput, the server's processor time for each, and memory, beside the reference.

The model reads next to nothing of its input, so what is measured is how a tensor comes in. The reference is tuned: malloc
keeps large blocks, as whoever sends such tensors sets it.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import loads
import models
import numpy as np
import questions
import results
import servers

COMMAND = "make bench PARTS=big"
# Columns of FP32: an image of 224x224, and one of 1080x1920 in FP64.
SIZES = {"602 KB": 3 * 224 * 224, "49.8 MB": 3 * 1080 * 1920 * 2}
CLIENTS = [1, 4]
SERVERS = ["nereid", "tuned"]
COLUMNS = ["tensor", "c", "server", "MB/s", "server CPU ms", "peak MB", "MB after rest"]
# Longer than anything that is free is kept.
REST_S = 11


@dataclass(frozen=True)
class Seen:
    """What one server did in one round of a case."""

    mb_per_second: float
    cpu_ms: float
    peak_mb: float


def main() -> None:
    """Measures, prints the table, and writes it."""
    options = arguments()
    machine = results.machine()
    rows = []
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        started = {name: running.enter_context(server) for name, server in to_start(Path(scratch), options.servers)}
        for size, columns in SIZES.items():
            for protocol in ("HTTP", "gRPC"):
                for clients in CLIENTS:
                    case = (f"{size}, {protocol}", columns, clients)
                    rows += rows_of(case, measure(case, started, options), started)
                    print("\n".join(" | ".join(row) for row in rows[-len(started):]), flush=True)
    about = results.paragraph(f"""`{COMMAND}`, {machine}; medians of {options.rounds} rounds of {options.seconds} s, one
        server after the other. FP32 in, of which the model reads four numbers. HTTP by `wrk`, gRPC by `h2load`, on the same
        cores as the server. Memory is what is resident; "after rest" that {REST_S} s after the last request of the rounds.
        `tuned` is tritonserver 2.51.0 with ONNX Runtime in a `model.py`, and malloc set to keep large blocks.""")
    if options.servers == SERVERS:
        results.write(COMMAND, "Big tensors", f"{about}\n\n{results.table(COLUMNS, rows)}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of each case, in each round")
    parser.add_argument("--logs", type=Path, required=True, help="where what the load generators print is kept")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    return options


def to_start(scratch: Path, names: list[str]):
    """The servers, by their names."""
    for name in names:
        repository, log = scratch / name, scratch / f"{name}.log"
        for columns in SIZES.values():
            models.write_big(repository, f"big_{columns}", columns, is_reference=name == "tuned")
        start = servers.nereid(repository, log) if name == "nereid" else servers.reference(repository, log, is_tuned=True)
        yield name, start


def measure(case: tuple[str, int, int], started: dict[str, servers.Server], options) -> dict[str, list[Seen]]:
    """What each server did in each round."""
    title, columns, clients = case
    tensors = [questions.Tensor("x", np.ones((1, columns), np.float32))]
    seen = defaultdict(list)
    for _ in range(options.rounds):
        for name, server in started.items():
            peak, spent = servers.Peak(server), server.cpu_seconds()
            load = ask(title, (server, clients, options.seconds), tensors, options.logs / f"big-{name}-{clients}.log")
            spent = server.cpu_seconds() - spent
            seen[name].append(Seen(load.per_second * columns * 4 / 1e6, 1e3 * spent / load.requests, peak.stop()))
    return seen


def ask(title: str, how: tuple[servers.Server, int, int], tensors: list[questions.Tensor], log: Path) -> loads.Load:
    """Lets so many clients ask at the same time, each over a connection of its own."""
    server, clients, seconds = how
    model, question = f"big_{tensors[0].values.size}", log.with_suffix(".question")
    if title.endswith("gRPC"):
        question.write_bytes(questions.grpc(model, tensors))
        return loads.h2load(server.grpc, question, (clients, 1), seconds, log)
    questions.write_lua(question, *questions.http_binary(tensors))
    return loads.wrk(f"http://127.0.0.1:{server.http}/v2/models/{model}/infer", question, clients, seconds, log)


def rows_of(case: tuple[str, int, int], seen: dict[str, list[Seen]], started: dict[str, servers.Server]) -> list[list[str]]:
    """The medians, as the table has them."""
    time.sleep(REST_S)
    rows = []
    for name, rounds in seen.items():
        throughput = statistics.median(one.mb_per_second for one in rounds)
        cpu = statistics.median(one.cpu_ms for one in rounds)
        peak, rested = max(one.peak_mb for one in rounds), started[name].resident_mb()
        rows.append([case[0], str(case[2]), name, f"{throughput:,.0f}", f"{cpu:.2f}", f"{peak:.0f}", f"{rested:.0f}"])
    return rows


if __name__ == "__main__":
    main()
