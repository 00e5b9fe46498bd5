"""Starts a real Prometheus that scrapes a server every second with the rules of deploy/prometheus, and asks it."""

import math
import re
import subprocess
import urllib.parse
from pathlib import Path

import clients
import prometheus
import yaml
from server import HOST, REPOSITORY

FOLDER = REPOSITORY / "deploy" / "prometheus"
# Time, and value.
Point = tuple[float, float]


class Prometheus:
    """A running Prometheus; as a context, one that is killed at its end."""

    def __init__(self, folder: Path, target: str) -> None:
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(FOLDER / name) for name in config["rule_files"]]
        config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._log = folder / "log"
        flags = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address={HOST}:0"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen([prometheus.folder() / "prometheus", *flags], stderr=log)
        try:
            clients.wait_until(self._is_up)
        except BaseException:
            self._process.kill()
            print(self._log.read_text())
            raise

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()

    def vector(self, query: str) -> list[tuple[dict[str, str], float]]:
        """What an expression is now: labels and value of each series that is a number."""
        samples = self._ask("query", query=query)["result"]
        found = [(sample["metric"], float(sample["value"][1])) for sample in samples]
        return [(labels, value) for labels, value in found if not math.isnan(value)]

    def series(self, query: str, start: float, end: float, step_s: float) -> list[tuple[dict[str, str], list[Point]]]:
        """What it was: labels of each series, and its points."""
        found = self._ask("query_range", query=query, start=start, end=end, step=step_s)["result"]
        return [(one["metric"], [(float(at), float(value)) for at, value in one["values"]]) for one in found]

    def rules(self) -> list[dict]:
        """All rules as it evaluates them."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, what: str, **query: str | float) -> dict:
        told = clients.ask(self._port, "GET", f"/api/v1/{what}?{urllib.parse.urlencode(query)}").json()
        assert told["status"] == "success", told
        return told["data"]

    def _is_up(self) -> bool:
        assert self._process.poll() is None, "Prometheus ended; its log is above"
        found = re.search(rf"msg=\"Listening on\" address={re.escape(HOST)}:(\d+)", self._log.read_text())
        if not found:
            return False
        self._port = int(found[1])
        return clients.ask(self._port, "GET", "/-/ready").status == 200
