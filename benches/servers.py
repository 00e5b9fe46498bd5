"""Starts a server, and tells what its processes have used: processor time and memory, of its children too."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_S_MAX = 120
# How often a server that starts is asked whether it is ready.
POLL_S = 0.002
TICKS = os.sysconf("SC_CLK_TCK")
# What the tuned reference is started with, and its clients: buffers of tens of megabytes are kept, not returned.
TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_ARENA_MAX": "1"}


class Server:
    """A running server; `ready_s` is how long it took from its start until it was ready."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.http, self.grpc = free_ports(2)
        ports = [f"--http-port={self.http}", f"--grpc-port={self.grpc}"]
        with log.open("w") as stream:
            self._process = subprocess.Popen(
                [*command, *ports], env=os.environ | environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self._log = log
        self._wait()

    def _wait(self) -> None:
        start = time.monotonic()
        while time.monotonic() < start + START_S_MAX and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=5)
                self.ready_s = time.monotonic() - start
                return
            time.sleep(POLL_S)
        self.stop()
        sys.exit(f"the server does not start:\n{self._log.read_text()[-12000:]}")

    def processes(self) -> list[int]:
        """The server and its children: they share its session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if int(stat(entry)[3]) == self._process.pid:
                        found.append(int(entry.name))
        return found

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        spent = 0
        for process in self.processes():
            with contextlib.suppress(OSError):
                fields = stat(Path("/proc", str(process)))
                spent += int(fields[11]) + int(fields[12])
        return spent / TICKS

    def resident_mb(self) -> float:
        """Resident memory now; pages that several processes share are counted once for each of them in part (PSS)."""
        size = 0
        for process in self.processes():
            with contextlib.suppress(OSError):
                for line in Path("/proc", str(process), "smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        size += int(line.split()[1])
        return size / 1024

    def stop(self) -> None:
        """Ends it, and all of its children."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Peak:
    """Looks at a server's memory four times a second."""

    def __init__(self, server: Server) -> None:
        self._most = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(server,))
        self._thread.start()

    def _look(self, server: Server) -> None:
        while not self._stop.wait(0.25):
            self._most = max(self._most, server.resident_mb())

    def stop(self) -> float:
        """The most that it had, in MB."""
        self._stop.set()
        self._thread.join()
        return self._most


def stat(folder: Path) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name, which may hold anything."""
    return (folder / "stat").read_text().rpartition(") ")[2].split()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at; the reference takes no port 0."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def nereid_command(repository: Path) -> list[str]:
    """The binary of target/release, on loopback; it takes tensors of 47 MB over HTTP, too."""
    address = ["--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--http-max-input-size=134217728"]
    return [os.environ["NEREID_BIN"], f"--model-repository={repository}", *address]


@contextlib.contextmanager
def nereid(repository: Path, log: Path) -> Iterator[Server]:
    """Nereid."""
    server = Server([*nereid_command(repository), "--allow-metrics=false"], {}, log)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def echo(log: Path) -> Iterator[Server]:
    """The floor: what hyper, axum and tonic take, and a hand-off to a thread (benches/echo)."""
    server = Server([str(Path(os.environ["NEREID_BIN"]).with_name("echo"))], {}, log)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def reference(repository: Path, log: Path, *, is_tuned: bool) -> Iterator[Server]:
    """The tritonserver of the environment that runs this."""
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    home = packages / "pytriton" / "tritonserver"
    libraries = [packages / "nvidia_pytriton.libs", Path(sys.base_prefix) / "lib"]
    environment = {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        # By it the Python that the reference embeds finds this environment.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ORT_DISABLE_TELEMETRY": "1",
    } | (TUNED if is_tuned else {})
    stub = home / "python_backend_stubs" / f"{sys.version_info.major}.{sys.version_info.minor}"
    link = home / "backends" / "python" / "triton_python_backend_stub"
    if not link.exists():
        link.symlink_to(stub / link.name)
    command = [
        str(home / "bin" / "tritonserver"), f"--model-repository={repository}",
        f"--backend-directory={home / 'backends'}", "--allow-metrics=false",
        "--allow-gpu-metrics=false",
    ]
    server = Server(command, environment, log)
    try:
        yield server
    finally:
        server.stop()
