"""Dynamic batching: which batches are formed, and how long a request takes, at fixed rates of requests that come at random.

The model multiplies by matrices of 1024x1024: a batch of eight takes little more than a single row. Load by perf_analyzer,
over gRPC, as a Poisson process.
"""

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path

import models
import perf_analyzer
import results
import servers

COMMAND = "make bench PARTS=batching"
RATES = [200, 500, 1000, 2000]
# How long the oldest request waits for company, in microseconds.
DELAYS_US = {"no_delay": 0, "delay_2_ms": 2_000}
COLUMNS = ["delay", "asked/s", "answered/s", "p50 us", "p99 us", "mean batch", "batches of 1, 2, ... 8, %", "server CPU us"]


def main() -> None:
    """Measures, prints the table, and writes it."""
    options = arguments()
    machine = results.machine()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        repository = Path(scratch) / "models"
        for name, delay in DELAYS_US.items():
            models.write_product(repository, name, delay)
        with servers.nereid(repository, Path(scratch) / "log") as server:
            for name, delay in DELAYS_US.items():
                for rate in RATES:
                    rows.append([f"{delay / 1e3:.0f} ms", *row(name, rate, server, options)])
                    print(" | ".join(rows[-1]), flush=True)
    about = results.paragraph(f"""`{COMMAND}`, {machine}; {options.seconds} s each, `max_batch_size` {models.ROWS_MAX}, one
        instance, one thread; perf_analyzer asks over gRPC, at random times.""")
    results.write(COMMAND, "Dynamic batching", f"{about}\n\n{results.table(COLUMNS, rows)}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3, help="of each rate")
    parser.add_argument("--logs", type=Path, required=True, help="where what the load generator prints is kept")
    options = parser.parse_args()
    options.logs.mkdir(parents=True, exist_ok=True)
    return options


def row(model: str, rate: int, server: servers.Server, options: argparse.Namespace) -> list[str]:
    """What one rate gives."""
    before, spent = batches(server, model), server.cpu_seconds()
    text = run(model, rate, server, options)
    spent = server.cpu_seconds() - spent
    formed = batches(server, model) - before
    rows = sum(size * count for size, count in formed.items())
    count = sum(formed.values())
    shares = " ".join(f"{100 * formed[size] / count:.0f}" for size in range(1, models.ROWS_MAX + 1))
    per_second = float(re.search(r"Throughput: ([\d.]+) infer/sec", text)[1])
    latencies = [int(re.search(rf"p{which} latency: (\d+) usec", text)[1]) for which in (50, 99)]
    numbers = [f"{per_second:,.0f}", *(f"{latency:,}" for latency in latencies), f"{rows / count:.1f}"]
    return [f"{rate:,}", *numbers, shares, f"{1e6 * spent / rows:.0f}"]


def run(model: str, rate: int, server: servers.Server, options: argparse.Namespace) -> str:
    """What perf_analyzer prints."""
    with contextlib.redirect_stdout(sys.stderr):
        command = perf_analyzer.command()
    command += ["-m", model, "-u", f"127.0.0.1:{server.grpc}", "-i", "grpc", "--input-data=zero", "--async"]
    command += [f"--request-rate-range={rate}", "--request-distribution=poisson", "--max-trials=3"]
    command += [f"--measurement-interval={1000 * options.seconds}", "--stability-percentage=1000"]
    ended = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with (options.logs / "batching.log").open("a") as kept:
        kept.write(f"$ {' '.join(command)}\n{ended.stdout}\n")
    if ended.returncode != 0:
        sys.exit(f"perf_analyzer failed:\n{ended.stdout}")
    return ended.stdout


def batches(server: servers.Server, model: str) -> Counter:
    """How many batches of each size the server has run."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.http}/v2/models/{model}/stats", timeout=60) as answer:
        told = json.load(answer)["model_stats"][0]["batch_stats"]
    return Counter({batch["batch_size"]: batch["compute_infer"]["count"] for batch in told})


if __name__ == "__main__":
    main()
