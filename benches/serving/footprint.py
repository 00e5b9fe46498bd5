"""What the server takes beside its work: time until it is ready, memory, and the size of its program.

Memory is what is resident of the process, with all pages of libraries that it has touched.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import loads
import models
import questions
import results
import servers

COMMAND = "make bench PARTS=footprint"
STARTS = 5
MANY = 200
REQUESTS = 100_000
CLIENTS = 8
COLUMNS = ["what", "measured"]


def main() -> None:
    """Measures, prints the table, and writes it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=Path, required=True, help="where what the load generator prints is kept")
    logs = parser.parse_args().logs
    logs.mkdir(parents=True, exist_ok=True)
    machine = results.machine()
    with tempfile.TemporaryDirectory() as scratch:
        rows = [*starts(Path(scratch)), *memory(Path(scratch), logs / "footprint.log"), *sizes(Path(scratch))]
    table = results.table(COLUMNS, rows)
    print(table)
    results.write(COMMAND, "Start, memory, size", f"`{COMMAND}`, {machine}.\n\n{table}")


def starts(scratch: Path):
    """From the start of the process until it is ready, with one model and with many."""
    for count in (1, MANY):
        repository = scratch / f"models-{count}"
        for index in range(count):
            models.write_tiny(repository, f"tiny_{index}", is_reference=False)
        times = []
        for _ in range(STARTS):
            with servers.nereid(repository, scratch / "log") as server:
                times.append(1e3 * server.ready_s)
                resident = resident_mb(server)
        what = "one small model" if count == 1 else f"{count} small models"
        yield [f"ready after its start, {what}", f"{statistics.median(times):.0f} ms (median of {STARTS})"]
        yield [f"resident then, {what}", f"{resident:.1f} MB"]


def memory(scratch: Path, log: Path):
    """Of a server with one small model that is asked, and then unloads it."""
    repository = scratch / "memory"
    models.write_tiny(repository, "tiny", is_reference=False)
    script = scratch / "ask"
    questions.write_lua(script, *questions.http_binary(questions.tiny()))
    explicit = ["--model-control-mode=explicit", "--load-model=tiny"]
    server = servers.Server([*servers.nereid_command(repository), *explicit], {}, scratch / "log")
    try:
        url = f"http://127.0.0.1:{server.http}/v2"
        asked = 0
        for goal in (1, REQUESTS, 2 * REQUESTS):
            while asked < goal:
                asked += loads.wrk(f"{url}/models/tiny/infer", script, CLIENTS, 1, log).requests
            yield [f"resident after {asked:,} requests, {CLIENTS} at a time", f"{resident_mb(server):.1f} MB"]
        post(f"{url}/repository/models/tiny/unload")
        while models_ready(url):
            pass
        yield ["resident after its unloading", f"{resident_mb(server):.1f} MB"]
    finally:
        server.stop()


def sizes(scratch: Path):
    """Of the program without its symbols."""
    stripped = scratch / "nereid"
    if shutil.which("strip"):
        subprocess.run(["strip", "-o", str(stripped), os.environ["NEREID_BIN"]], check=True)
        yield ["the program, stripped", f"{stripped.stat().st_size / 1e6:.1f} MB"]


def resident_mb(server: servers.Server) -> float:
    """Of its processes, in MB of a million bytes."""
    size = 0
    for process in server.processes():
        status = Path("/proc", str(process), "status").read_text()
        size += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return size * 1024 / 1e6


def models_ready(url: str) -> int:
    """How many models are served."""
    return sum(model.get("state") == "READY" for model in post(f"{url}/repository/index"))


def post(url: str):
    """What is answered, if it is JSON."""
    with urllib.request.urlopen(urllib.request.Request(url, data=b"{}", method="POST"), timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


if __name__ == "__main__":
    main()
