"""Starts the real binary on free ports and stops it, as an operator would: by its flags, its log and its signals.

The binary is the one that the environment variable NEREID_BIN names; `make test-python` sets it. Nothing here knows
what the server serves: see `clients.py`.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import clients

REPOSITORY = Path(__file__).resolve().parent.parent.parent
EXAMPLES = REPOSITORY / "examples" / "models"
HOST = "127.0.0.1"
# Far more than needed: a machine that builds at the same time is slow.
START_S_MAX = 60
STOP_S_MAX = 60


class Log:
    """What a process writes to standard error, line by line, as it comes."""

    def __init__(self, stream) -> None:
        self._lines: list[str] = []
        self._is_over = False
        self._news = threading.Condition()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream) -> None:
        for line in stream:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def text(self) -> str:
        """All that came so far."""
        with self._news:
            return "".join(self._lines)

    def wait_for(self, pattern: str) -> re.Match:
        """The first match of `pattern`; fails when the process ends, or is slow, without it."""
        with self._news:
            self._news.wait_for(lambda: self._find(pattern) or self._is_over, START_S_MAX)
            found = self._find(pattern)
        assert found, f"the server's log has no {pattern!r}:\n{self.text()}"
        return found

    def wait_for_end(self) -> str:
        """All of it, once the process has closed it."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_over, STOP_S_MAX), "the server does not end"
        return self.text()

    def _find(self, pattern: str) -> re.Match | None:
        return re.search(pattern, "".join(self._lines))


class Server:
    """A running server and where it listens; as a context, one that is killed at its end if it still runs."""

    def __init__(self, repository: Path, *flags: str, environment: dict[str, str] = {}) -> None:
        self._process = launch("--model-repository", str(repository), *flags, environment=environment)
        self.log = Log(self._process.stderr)
        try:
            self.http = self._port("HTTPService")
            self.grpc = self._port("GRPCInferenceService")
            self.metrics = self._port("Metrics Service")
            clients.wait_until_ready(self)
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()

    def _port(self, service: str) -> int:
        return int(self.log.wait_for(rf"Started {service} at {re.escape(HOST)}:(\d+)")[1])

    def signal(self, number: int) -> None:
        """Sends a signal to the server."""
        self._process.send_signal(number)

    def resident_bytes(self) -> int:
        """Its bytes that are in memory (`VmRSS` of proc(5)'s `status`)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) << 10

    def wait(self) -> int:
        """The exit status, once it has ended by itself."""
        try:
            return self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server does not end; its log:\n{self.log.text()}") from None


def binary() -> str:
    """The program under test."""
    path = os.environ.get("NEREID_BIN")
    assert path, "set NEREID_BIN to the server's binary, or run `make test-python`"
    return path


def launch(*flags: str, environment: dict[str, str] = {}) -> subprocess.Popen:
    """A process of the binary with ports that nobody else uses."""
    ports = [f"--{service}-{what}" for service in ("http", "grpc", "metrics") for what in ("address=" + HOST, "port=0")]
    environment = os.environ | {"ORT_DISABLE_TELEMETRY": "1"} | environment
    return subprocess.Popen(
        [binary(), *ports, *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment,
        encoding="utf-8", errors="replace",
    )


def copy_examples(folder: Path, patient: str) -> Path:
    """Copies the examples into `folder`; the model called `patient` waits two seconds for company, so that requests that
    come seldom, from a debug build on two cores, meet."""
    for model in EXAMPLES.iterdir():
        shutil.copytree(model, folder / model.name, symlinks=True)
    config = folder / patient / "config.pbtxt"
    text, count = re.subn(r"(max_queue_delay_microseconds): \d+", r"\1: 2000000", config.read_text())
    assert count == 1, config
    config.write_text(text)
    return folder


@contextlib.contextmanager
def running(repository: Path, *flags: str, environment: dict[str, str] = {}) -> Iterator[Server]:
    """A server that serves `repository`, stopped by SIGTERM at the end; that must end well."""
    with Server(repository, *flags, environment=environment) as server:
        try:
            yield server
        finally:
            # pytest shows it if the test failed.
            print(server.log.text())
        server.signal(signal.SIGTERM)
        assert server.wait() == 0, server.log.text()
