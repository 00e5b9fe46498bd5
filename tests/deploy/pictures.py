"""Draws panels of Grafana's dashboard for the README: from what a real Prometheus scraped while the examples were asked.

    python pictures.py [SECONDS]      write docs/pictures/*.svg

`make pictures` runs it with the optimised server. Callers come one after another, so that there is something to see.
"""

import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import clients
import grafana
import plot
from scraping import Prometheus
from server import EXAMPLES, REPOSITORY, running

PICTURES = REPOSITORY / "docs" / "pictures"
# Title of a panel -> file.
DRAWN = {"Requests answered": "requests", "Latency, 99 of 100": "latency", "Queue against compute": "stages",
         "Rows in a batch, mean": "batches"}
RATE_S, STEP_S = 5, 1
CALLERS = 4
# The highest of a panel: all steps of an ensemble are asked as often.
LINES_MAX = 4


def main() -> None:
    """Serves, asks, scrapes, draws."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder, running(EXAMPLES) as server:
        with Prometheus(Path(folder), f"127.0.0.1:{server.metrics}") as seen:
            clients.wait_until(lambda: seen.vector("up == 1"))
            start = time.time()
            ask(server, seconds)
            draw(seen, start + RATE_S, time.time())


def ask(server, seconds: int) -> None:
    """Lets callers come one by one."""
    over = threading.Event()
    callers = [threading.Thread(target=caller, args=(server, over)) for _ in range(CALLERS)]
    for thread in callers:
        thread.start()
        time.sleep(seconds / CALLERS)
    over.set()
    for thread in callers:
        thread.join()


def caller(server, over: threading.Event) -> None:
    image = (REPOSITORY / "examples" / "images" / "line.jpg").read_bytes()
    while not over.is_set():
        answer = clients.post(server, clients.READ_LINE, image, clients.RAW)
        assert answer.status == 200, answer.body


def draw(seen: Prometheus, start: float, end: float) -> None:
    """Writes the pictures."""
    PICTURES.mkdir(exist_ok=True)
    for title, name in DRAWN.items():
        (panel,) = [panel for panel in grafana.PANELS if panel.title == title]
        lines = [line for legend, query in panel.queries().items() for line in drawn(seen, legend, query, start, end)]
        lines = sorted(lines, key=lambda line: -max(value for _, value in line.points))[:LINES_MAX]
        (PICTURES / f"{name}.svg").write_text(plot.svg(panel.title, panel.unit, lines), encoding="utf-8")


def drawn(seen: Prometheus, legend: str, query: str, start: float, end: float) -> list[plot.Line]:
    """The lines of an expression that are not zero all the time."""
    query = query.replace("[1m]", f"[{RATE_S}s]")
    lines = []
    for labels, points in seen.series(query, start, end, STEP_S):
        name = re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend)
        points = [(at, value) for at, value in points if value == value]
        if any(value for _, value in points):
            lines.append(plot.Line(name, points))
    return lines


if __name__ == "__main__":
    main()
