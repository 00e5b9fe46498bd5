"""The software CUDA device (`tests/softcuda`) under the server: where it is, and what it has to report at its end."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from server import binary


# Directions of copies as the server's metrics name them, and what the device counts of each.
COPIES = {"host_to_device": ["h2d_bytes"], "device_to_host": ["d2h_bytes"], "device_to_device": ["d2d_bytes", "peer_bytes"]}


@dataclass
class Report:
    """What the device counted, and what it found wrong."""

    counters: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def copied(self) -> dict[str, int]:
        """Bytes by direction."""
        return {way: sum(self.counters[name] for name in names) for way, names in COPIES.items()}


@dataclass
class SoftCuda:
    """A folder with the device's library as the driver's, and the report of the server that was started with it."""

    folder: Path

    def environment(self, **options: int) -> dict[str, str]:
        """For `server.running`; options are those of `tests/softcuda/src/options.rs`."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("LD_LIBRARY_PATH")]))
        options = {f"SOFTCUDA_{name.upper()}": str(value) for name, value in options.items()}
        return {"LD_LIBRARY_PATH": path, "SOFTCUDA_REPORT": str(self._report)} | options

    def report(self) -> Report:
        """Of a server that has ended."""
        assert self._report.exists(), "the software CUDA device left no report: the server did not end in order"
        report = Report()
        for line in self._report.read_text().splitlines():
            kind, text = line.split(" ", 1)
            if kind == "counter":
                name, count = text.split(" ")
                report.counters[name] = int(count)
            else:
                {"violation": report.violations, "leak": report.leaks}[kind].append(text)
        return report

    def with_nvjpeg(self) -> "SoftCuda":
        """With the double of nvJPEG (`tests/softnvjpeg`) beside it."""
        (self.folder / "libnvjpeg.so.13").symlink_to(built("libsoftnvjpeg.so"))
        return self

    @property
    def _report(self) -> Path:
        return self.folder / "report"


def built(library: str) -> Path:
    """One of the libraries of the tests, which cargo leaves beside the server."""
    path = Path(binary()).with_name(library)
    assert path.exists(), f"{path} is missing: run `make test-binary`, or `make test-python`"
    return path


@pytest.fixture
def softcuda(tmp_path_factory) -> SoftCuda:
    """The device as libcuda, in a folder of its own."""
    library = built("libsoftcuda.so")
    folder = tmp_path_factory.mktemp("softcuda")
    for name in ("libcuda.so", "libcuda.so.1"):
        (folder / name).symlink_to(library)
    return SoftCuda(folder)
