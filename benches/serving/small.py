"""Small requests: throughput, latency and the server's processor time for each, beside the floor of the same stack and
the reference, in one run.

    make bench PARTS=small                                      all cases, and benches/RESULTS.md is written
    make bench PARTS=small ARGS="--cases grpc --seconds 3"      some of them, and nothing is written

Each case is asked of one server after the other, in rounds; the medians of the rounds are told. What the load generators
print is kept in target/bench. Nothing else should run on the machine.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import loads
import models
import questions
import results
import servers

COMMAND = "make bench PARTS=small"
CLIENTS = [1, 8, 32]
# Calls at the same time on a connection of HTTP/2: stock clients let up to six share one.
CALLS_MAX = 4
# Requests that may have been answered, but not counted by a load generator that ends.
UNCOUNTED_MAX = 2 * max(CLIENTS)
COLUMNS = ["request", "c", "server", "requests/s", "p50 us", "p99 us", "server CPU us", "above the floor"]


@dataclass(frozen=True)
class Case:
    """A request that is asked again and again."""

    title: str
    model: str
    tensors: list[questions.Tensor]
    # Headers and body of HTTP; without it, it is asked over gRPC.
    http: Callable[[list[questions.Tensor]], tuple[dict[str, str], bytes]] | None = None


CASES = {
    "binary": Case("`simple`, HTTP binary", "simple", questions.simple(), questions.http_binary),
    "json": Case("`tiny`, HTTP JSON", "tiny", questions.tiny(), questions.http_json),
    "grpc": Case("`simple`, gRPC", "simple", questions.simple()),
    "tiny-grpc": Case("`tiny`, gRPC", "tiny", questions.tiny()),
}


@dataclass(frozen=True)
class Seen:
    """What one server did in one round of a case."""

    load: loads.Load
    cpu_us: float


def main() -> None:
    """Measures, prints the table, and writes it if it is whole."""
    options = arguments()
    machine = results.machine()
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        started = {name: running.enter_context(server) for name, server in to_start(Path(scratch), options.servers)}
        rows = []
        for name in options.cases:
            for clients in CLIENTS:
                seen = measure(CASES[name], clients, started, options)
                for row in rows_of(CASES[name].title, clients, seen):
                    print(" | ".join(row), flush=True)
                    rows.append(row)
    if options.is_whole:
        results.write(COMMAND, "Small requests", f"{about(machine, options)}\n\n{results.table(COLUMNS, rows)}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--servers", nargs="+", choices=["nereid", "echo", "reference"], default=["nereid", "echo", "reference"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of each case, in each round")
    parser.add_argument("--logs", type=Path, required=True, help="where what the load generators print is kept")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    options.is_whole = options.cases == list(CASES) and len(options.servers) == 3
    return options


def to_start(scratch: Path, names: list[str]):
    """The servers, by their names; only what is asked for is made."""
    for name in names:
        repository, log = scratch / name, scratch / f"{name}.log"
        if name == "echo":
            yield name, servers.echo(log)
            continue
        models.write(repository, is_reference=name == "reference")
        if name == "nereid":
            yield name, servers.nereid(repository, log)
        else:
            yield name, servers.reference(repository, log, is_tuned=False)


def measure(case: Case, clients: int, started: dict[str, servers.Server], options) -> dict[str, list[Seen]]:
    """What each server did in each round."""
    seen = defaultdict(list)
    for _ in range(options.rounds):
        for name, server in started.items():
            served = statistics_count(server, case.model) if name != "echo" else 0
            spent = server.cpu_seconds()
            load = ask(case, server, clients, options.seconds, options.logs / f"{name}-{clients}.log")
            spent = server.cpu_seconds() - spent
            if name != "echo":
                check(load.requests, statistics_count(server, case.model) - served, f"{name}: {case.title}")
            seen[name].append(Seen(load, 1e6 * spent / load.requests))
    return seen


def ask(case: Case, server: servers.Server, clients: int, seconds: int, log: Path) -> loads.Load:
    """Lets so many clients ask at the same time."""
    question = log.with_suffix(".question")
    if case.http is None:
        question.write_bytes(questions.grpc(case.model, case.tensors))
        calls = min(clients, CALLS_MAX)
        return loads.h2load(server.grpc, question, (clients // calls, calls), seconds, log)
    questions.write_lua(question, *case.http(case.tensors))
    return loads.wrk(f"http://127.0.0.1:{server.http}/v2/models/{case.model}/infer", question, clients, seconds, log)


def statistics_count(server: servers.Server, model: str) -> int:
    """How many requests the server says that it has answered well."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http}/v2/models/{model}/stats", timeout=60) as answer:
        return json.load(answer)["model_stats"][0]["inference_stats"]["success"]["count"]


def check(asked: int, served: int, what: str) -> None:
    """An answer of gRPC is 200 when it failed, too: the server's own count tells."""
    if not asked <= served <= asked + UNCOUNTED_MAX:
        sys.exit(f"{what}: {asked} answers, of which the server counts {served} as good")


def rows_of(title: str, clients: int, seen: dict[str, list[Seen]]) -> list[list[str]]:
    """The medians, as the table has them."""
    cpu = {name: statistics.median(one.cpu_us for one in rounds) for name, rounds in seen.items()}
    rows = []
    for name, rounds in seen.items():
        numbers = [
            statistics.median(pick(one.load) for one in rounds)
            for pick in (lambda load: load.per_second, lambda load: load.p50_us, lambda load: load.p99_us)
        ]
        above = f"{cpu[name] - cpu['echo']:.1f}" if "echo" in cpu and name != "echo" else ""
        rows.append([title, str(clients), name, *(f"{number:,.0f}" for number in numbers), f"{cpu[name]:.1f}", above])
    return rows


def about(machine: str, options: argparse.Namespace) -> str:
    """What was measured, on what, by which command."""
    return results.paragraph(f"""`{COMMAND}`, {machine}; medians of {options.rounds} rounds of {options.seconds} s, in
        each of which one server is asked after the other. HTTP by `wrk`, gRPC by `h2load`, each with one thread, on the same
        cores as the server; over gRPC up to {CALLS_MAX} of the c calls share a connection, as those of stock clients do.
        `echo` is the floor: the same libraries with the same settings, and one hand-off to a thread. The reference is
        tritonserver 2.51.0 with ONNX Runtime in a `model.py`; its processor time includes that process.""")


if __name__ == "__main__":
    main()
