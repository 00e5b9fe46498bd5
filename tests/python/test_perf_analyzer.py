"""The load generator of Triton's users, the real one: it finds all that it asks for, and warns of nothing.

How fast anything is decides nothing here: the figures are printed.
"""

import re
import subprocess
from dataclasses import dataclass

import clients
import perf_analyzer
import pytest
from golden import models
from server import running

MODEL = "simple"
# Short windows, and no two of them need to be alike.
SHORT = ["--measurement-interval=300", "--stability-percentage=1000"]
PROTOCOLS = ["http", "grpc"]
# Above the paragraph of each level; in the summary, more follows in the line.
HEADING = re.compile(r"^Request (?:concurrency|Rate): [^,\n]+$", re.MULTILINE)
# What it says of the machine that it runs on, not of the server.
MACHINE_IS_BUSY = re.compile(r"WARNING\S* (Perf Analyzer (is|was) not able to keep up|Pass contained only one request).*")
# Requests that may be under way while the server's numbers are read, which are not all read at once.
UNDER_WAY_MAX = 2 * 8
# Options -> the levels of load that they ask for.
WAYS = {
    ("--concurrency-range=1:8:7",): 2,
    ("--request-rate-range=100:200:100",): 2,
    ("-b", "4", "--concurrency-range=2"): 1,
    ("--input-data=zero", "--async", "--concurrency-range=8"): 1,
}


@dataclass(frozen=True)
class Level:
    """What it tells of one level of load."""

    requests: int
    inferences: int
    executions: int
    succeeded: int
    # Of the server, in microseconds: overhead, queue, compute input, infer, output.
    stages: tuple[int, ...]


@pytest.fixture(scope="module")
def command() -> list[str]:
    """How to call it."""
    try:
        return perf_analyzer.command()
    except SystemExit as failed:
        pytest.skip(f"perf_analyzer cannot be fetched: {failed}")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The golden models, of which one batches what waits."""
    repository = tmp_path_factory.mktemp("perf_analyzer")
    models.write_repository(repository)
    with (repository / MODEL / "config.pbtxt").open("a") as config:
        config.write("\ndynamic_batching { }\n")
    with running(repository) as server:
        yield server


def levels(command: list[str], served, protocol: str, *options: str) -> list[Level]:
    """What a run of it prints."""
    port = served.grpc if protocol == "grpc" else served.http
    run = [*command, "-m", MODEL, "-u", f"127.0.0.1:{port}", "-i", protocol, *SHORT, *options]
    ended = subprocess.run(run, check=False, capture_output=True, text=True, timeout=clients.TIMEOUT_S)
    print(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    told = MACHINE_IS_BUSY.sub("", ended.stdout)
    assert not re.search("warn|fail|error|unstable", told, re.IGNORECASE), told
    return [level(text) for text in HEADING.split(ended.stdout)[1:]]


def level(text: str) -> Level:
    """A level's paragraph."""
    counts = [
        int(re.search(rf"{name} count: (\d+)", text)[1])
        for name in ("Request", "Inference", "Execution", "Successful request")
    ]
    stages = ("overhead", "queue", "compute input", "compute infer", "compute output")
    return Level(*counts, tuple(int(re.search(rf"{stage} (\d+) usec", text)[1]) for stage in stages))


def check(one: Level, rows: int) -> None:
    assert one.requests > 0 and one.succeeded > 0
    assert abs(one.inferences - one.succeeded * rows) <= UNDER_WAY_MAX * rows
    assert 0 < one.executions <= one.succeeded + UNDER_WAY_MAX
    assert one.stages[3] > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("options", WAYS, ids=" ".join)
def test_it_measures_and_the_server_tells_the_same(command, served, protocol, options):
    rows = 4 if "-b" in options else 1
    found = levels(command, served, protocol, *options)
    assert len(found) == WAYS[options]
    for one in found:
        check(one, rows)


def test_streams(command, served):
    (one,) = levels(command, served, "grpc", "--streaming", "--async", "--concurrency-range=8")
    check(one, rows=1)
