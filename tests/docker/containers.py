"""Runs the image's file system in two ways: as a container by a Docker engine, and, where there is none, by chroot in
namespaces. Either way it cannot be written to, the user is none that it knows, nothing is permitted to it, and its memory
has a limit.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import clients
from server import HOST, Log

USER = 12345
MEMORY_MB = 512
IMAGE = "nereid:test"
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}
SERVICES = {"http": "HTTPService", "grpc": "GRPCInferenceService", "metrics": "Metrics Service"}


def docker(*arguments: str | Path) -> str:
    """What the docker command prints; a failure is one of the test."""
    ended = subprocess.run(["docker", *map(str, arguments)], check=False, capture_output=True, encoding="utf-8")
    assert ended.returncode == 0, f"docker {arguments}: {ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


def lacks_engine() -> str:
    """Why there are no containers, or nothing."""
    if not shutil.which("docker"):
        return "there is no docker command"
    ended = subprocess.run(["docker", "version"], check=False, capture_output=True, encoding="utf-8")
    return "" if ended.returncode == 0 else f"no Docker engine answers: {ended.stderr.strip()}"


def lacks_namespaces() -> str:
    """Why there is no chroot, or nothing."""
    if os.geteuid() != 0:
        return "chroot needs root"
    missing = [name for name in ("unshare", "chroot", "setpriv", "prlimit", "mount") if not shutil.which(name)]
    if missing:
        return f"these commands are missing: {', '.join(missing)}"
    ended = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True, encoding="utf-8")
    return "" if ended.returncode == 0 else f"no namespace can be made: {ended.stderr.strip()}"


class Container:
    """A container of a Docker engine; as a context, one that is removed at its end."""

    def __init__(self, repository: Path, flags: list[str], folder: str = "/models", ports: dict[str, int] = PORTS) -> None:
        published = [f"--publish={HOST}::{port}" for port in ports.values()]
        limits = ["--read-only", "--tmpfs=/tmp", f"--user={USER}:{USER}", f"--memory={MEMORY_MB}m", "--cap-drop=ALL",
                  "--security-opt=no-new-privileges", "--health-interval=1s"]
        start = time.monotonic()
        self._id = docker("run", "--detach", *limits, *published, f"--volume={repository}:{folder}:ro", IMAGE, *flags)
        try:
            found = {name: docker("port", self._id, str(port)) for name, port in ports.items()}
            for name, address in found.items():
                setattr(self, name, int(re.search(rf"{re.escape(HOST)}:(\d+)", address)[1]))
            clients.wait_until(lambda: self._is_ready() or self._ended())
            self.ready_s = time.monotonic() - start
        except BaseException:
            print(self.log())
            self._remove()
            raise

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *_) -> None:
        self._remove()

    def _remove(self) -> None:
        docker("rm", "--force", self._id)

    def _is_ready(self) -> bool:
        # Docker's own proxy accepts connections before the server does.
        with contextlib.suppress(OSError, clients.http.client.HTTPException):
            return clients.get(self, "/v2/health/ready").status == 200
        return False

    def _ended(self) -> bool:
        assert self._state()["Running"], "the container ended; its log is above"
        return False

    def _state(self) -> dict:
        return json.loads(docker("inspect", "--format={{json .State}}", self._id))

    def health(self) -> str:
        """What the health check of the image has found."""
        return self._state()["Health"]["Status"]

    def log(self) -> str:
        """All that it wrote."""
        return subprocess.run(["docker", "logs", self._id], check=False, stderr=subprocess.PIPE, encoding="utf-8").stderr

    def process(self) -> int:
        """Its process on the host."""
        return self._state()["Pid"]

    def terminate(self) -> None:
        """What `docker stop` does at first."""
        docker("kill", "--signal=TERM", self._id)

    def wait(self) -> int:
        """The exit status, once it has ended by itself."""
        return int(docker("wait", self._id))


class Jail:
    """The image's file system as the root of a process; the same otherwise."""

    def __init__(self, repository: Path, flags: list[str], root: Path) -> None:
        script = f"""set -e
mount --make-rprivate /
mount --bind {root} {root}
mount -t tmpfs -o size=64m tmpfs {root}/tmp
mount --rbind /proc {root}/proc
mount --bind {repository} {root}/models
mount -o remount,bind,ro {root}/models
mount -o remount,bind,ro {root}
exec prlimit --data={MEMORY_MB << 20} setpriv --no-new-privs --inh-caps=-all \\
  chroot --userspec={USER}:{USER} --groups= {root} /usr/bin/nereid "$@"
"""
        addresses = [f"--{service}-{what}" for service in PORTS for what in (f"address={HOST}", "port=0")]
        environment = {"PATH": os.environ["PATH"], "ORT_DISABLE_TELEMETRY": "1"}
        command = ["unshare", "--mount", "sh", "-c", script, "sh", *flags, *addresses]
        start = time.monotonic()
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, encoding="utf-8", errors="replace")
        try:
            self._log = Log(self._process.stderr)
            for name, service in SERVICES.items():
                setattr(self, name, int(self._log.wait_for(rf"Started {service} at {re.escape(HOST)}:(\d+)")[1]))
            clients.wait_until_ready(self)
            self.ready_s = time.monotonic() - start
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> "Jail":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """All that it wrote."""
        return self._log.text()

    def process(self) -> int:
        """Its process: every command before has become the next."""
        return self._process.pid

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit status, once it has ended by itself."""
        return self._process.wait(clients.TIMEOUT_S)
