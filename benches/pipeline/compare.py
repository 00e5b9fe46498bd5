"""The seed's baseline as a benchmark: pictures prepared by clients against pictures prepared in the server, and Nereid
beside the reference, in one run.

    make bench-pipeline                     all cases, 10 s each
    make bench-pipeline ARGS="--seconds 4 --types FP32 --cases one nine"

Writes its part of benches/RESULTS.md. Nothing else should run on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import repositories
import results
import servers

COMMAND = "make bench-pipeline"
COLUMNS = ["type", "case", "c", "server", "pictures/s", "p50 ms", "p99 ms", "server CPU ms", "client CPU ms", "peak MB"]
CASES = {
    ("one", "grpc"): "JPEG in, one model",
    ("one", "http"): "JPEG in, one model, HTTP",
    ("nine", "grpc"): "JPEG in, nine models",
    ("tensor", "grpc"): "client prepares, one model",
    ("tensor", "http"): "client prepares, one model, HTTP",
    ("orchestrated", "grpc"): "client prepares and asks ten times",
    ("hops_1", "grpc"): "chain of 1 model that does nothing",
    ("hops_9", "grpc"): "chain of 9 models that do nothing",
}
# How far preparations may differ: the reference resizes with 11 bits of weight, and both round differently.
TOLERANCE = 0.02


@dataclass
class Row:
    """What one server did in one case."""

    throughput: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    client_cpu_ms: float
    peak_mb: float
    answer: list[float]

    def columns(self) -> list[str]:
        """Its numbers, as the table has them."""
        times = (self.p50_ms, self.p99_ms, self.server_cpu_ms, self.client_cpu_ms)
        return [f"{self.throughput:.1f}", *(f"{time:.2f}" for time in times), f"{self.peak_mb:.0f}"]


def main() -> None:
    """Runs all cases, prints and writes the table."""
    options, machine = arguments(), results.machine()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for data_type in options.types:
            for row in compare(Path(scratch), data_type, options):
                print(" | ".join(row), flush=True)
                rows.append(row)
    results.write(COMMAND, "The pipeline, beside the reference", f"{about(machine)}\n\n{results.table(COLUMNS, rows)}")


def about(machine: str) -> str:
    """What was measured, on what, by which command."""
    picture = len(repositories.photograph())
    tensors = {name: 3 * repositories.HEIGHT * repositories.WIDTH * size for name, size in (("FP32", 4), ("FP64", 8))}
    return results.paragraph(f"""`{COMMAND} ARGS="{' '.join(sys.argv[1:])}"`, {machine}, shared by server and clients. The
        reference is tritonserver 2.51.0 of nvidia-pytriton 0.7.0 with its models in Python (`benches/pipeline/reference`),
        `tuned` the same with malloc set to keep large blocks, as it is for its clients and those of Nereid. On the wire a
        picture is {picture / 1e3:.0f} KB as JPEG, {tensors["FP32"] / 1e6:.1f} MB as FP32 and {tensors["FP64"] / 1e6:.1f} MB
        as FP64. Clients are processes of their own with tritonclient, over gRPC unless the case says HTTP. CPU is user and
        system time for each picture.""")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--types", nargs="+", default=["FP64", "FP32"])
    parser.add_argument("--cases", nargs="+", default=sorted({case for case, _ in CASES}))
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--servers", nargs="+", default=["nereid", "reference", "tuned"])
    return parser.parse_args()


def compare(scratch: Path, data_type: str, options: argparse.Namespace):
    """The rows of one element type; each case is asked of one server after the other."""
    folders = {}
    for is_reference in (False, True):
        folders[is_reference] = scratch / f"{data_type}-{is_reference}"
        repositories.write(folders[is_reference], data_type, is_reference=is_reference)
    answers: dict[str, list[float]] = {}
    for (case, protocol), title in CASES.items():
        for clients in options.clients if case in options.cases else []:
            for name in options.servers:
                log = scratch / f"{name}.log"
                start = servers.nereid(folders[False], log) if name == "nereid" else servers.reference(
                    folders[True], log, is_tuned=name == "tuned")
                with start as server:
                    row = measure(server, (case, protocol, data_type), clients, options.seconds, name != "reference")
                expected = answers.setdefault(case, row.answer)
                np.testing.assert_allclose(row.answer, expected, atol=TOLERANCE, err_msg=f"{name}: {title}")
                yield [data_type, title, str(clients), name, *row.columns()]


def measure(server: servers.Server, case: tuple, clients: int, seconds: float, has_tuned_clients: bool) -> Row:
    """Lets so many clients ask at the same time."""
    name, protocol, data_type = case
    port = server.http if protocol == "http" else server.grpc
    program = str(Path(__file__).with_name("load.py"))
    command = [sys.executable, program, name, protocol, str(port), data_type, str(seconds)]
    environment = os.environ | (servers.TUNED if has_tuned_clients else {})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    running = [subprocess.Popen(command, **pipes) for _ in range(clients)]
    for client in running:
        if client.stdout.readline().strip() != "ready":
            sys.exit("a client does not get its answer")
    spent = server.cpu_seconds()
    peak = servers.Peak(server)
    for client in running:
        client.stdin.write("go\n")
        client.stdin.flush()
    told = [json.loads(client.communicate()[0]) for client in running]
    spent = server.cpu_seconds() - spent
    latencies = sorted(latency for one in told for latency in one["latencies"])
    count = len(latencies)
    return Row(
        throughput=sum(len(one["latencies"]) / one["seconds"] for one in told),
        p50_ms=1e3 * statistics.median(latencies),
        p99_ms=1e3 * latencies[int(0.99 * (count - 1))],
        server_cpu_ms=1e3 * spent / count,
        client_cpu_ms=1e3 * sum(one["cpu"] for one in told) / count,
        peak_mb=peak.stop(),
        answer=told[0]["answer"],
    )


if __name__ == "__main__":
    main()
