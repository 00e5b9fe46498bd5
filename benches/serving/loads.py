"""Runs a load generator, and reads what it saw."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import load_generators
import questions

# Of the times that wrk prints.
UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6}


@dataclass(frozen=True)
class Load:
    """What a load generator saw."""

    requests: int
    per_second: float
    p50_us: float
    p99_us: float


def wrk(url: str, script: Path, clients: int, seconds: float, log: Path) -> Load:
    """Posts what `script` says over so many connections of HTTP/1.1; one thread."""
    command = load_generators.command("wrk")
    command += ["--threads=1", f"--connections={clients}", f"--duration={seconds}s", "--latency", f"--script={script}", url]
    text = run(command, log)
    if re.search("Non-2xx|Socket errors", text):
        sys.exit(f"not all was answered:\n{text}")
    requests = int(re.search(r"(\d+) requests in", text)[1])
    per_second = float(re.search(r"Requests/sec: +([\d.]+)", text)[1])
    return Load(requests, per_second, *(percentile(text, which) for which in (50, 99)))


def percentile(text: str, which: int) -> float:
    """Of latency, in microseconds."""
    number, unit = re.search(rf"^ +{which}% +([\d.]+)(us|ms|s)$", text, re.MULTILINE).groups()
    return float(number) * UNITS_US[unit]


def h2load(port: int, message: Path, clients: tuple[int, int], seconds: float, log: Path) -> Load:
    """Calls ModelInfer over so many connections of HTTP/2, with so many calls at a time on each; one thread."""
    calls = log.with_suffix(".calls")
    calls.unlink(missing_ok=True)
    connections, calls_of_each = clients
    command = load_generators.command("h2load")
    command += [f"--clients={connections}", f"--max-concurrent-streams={calls_of_each}"]
    command += [f"--duration={seconds}", f"--data={message}", f"--log-file={calls}"]
    command += ["--header=content-type: application/grpc", "--header=te: trailers"]
    text = run([*command, f"http://127.0.0.1:{port}{questions.GRPC_PATH}"], log)
    answered = [line.split()[1:] for line in calls.open()]
    calls.unlink()
    if {code for code, _ in answered} != {"200"}:
        sys.exit(f"not all was answered, or nothing:\n{text}")
    times = sorted(int(time) for _, time in answered)
    return Load(len(times), len(times) / seconds, times[len(times) // 2], times[int(0.99 * (len(times) - 1))])


def run(command: list[str], log: Path) -> str:
    """What a program prints; it is kept in `log`, behind what is there."""
    ended = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with log.open("a") as kept:
        kept.write(f"$ {' '.join(command)}\n{ended.stdout}\n")
    if ended.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{ended.stdout}")
    return ended.stdout
