"""The tests that a GPU is to pass, and a report of them: `make test-gpu`.

    python3 tools/gpu_tests.py --build       build them into target/gpu-tests: all that a machine with a GPU needs
    python3 tools/gpu_tests.py               run what was built there, on this machine's GPU
    python3 tools/gpu_tests.py --software    the same on the software CUDA device, to see that this script works

Nothing is fetched while they run, and neither Rust nor CUDA's toolkit is needed: this script, `cuda_report.py` and
`cache.py` beside it, and the folder, in which is NVIDIA's nvJPEG if `tools/nvjpeg.py` has fetched it. The report is `target/gpu-tests/report.md`. Where there is no GPU, nothing runs,
and the exit code is 77.
"""

import argparse
import ctypes
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import cache
import cuda_report
import nvjpeg

ROOT = Path(__file__).resolve().parent.parent
BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
FOLDER = BUILT / "gpu-tests"
REPORT = FOLDER / "report.md"
CARGO = os.environ.get("CARGO", "cargo")
SKIPPED = 77
DRIVER, NVJPEG = LIBRARIES = ["libsoftcuda.so", "libsoftnvjpeg.so"]
# A driver compiles the kernels once for its cache; each test is a process with a context of its own.
TIME_MAX = 240
THREADS = 4


class Suite(NamedTuple):
    """A binary of tests."""

    name: str
    crate: str
    target: str  # As cargo calls it.
    filter: str  # Which of its tests.


SUITES = [
    Suite("driver", "nereid-conformance", "driver", ""),
    Suite("kernels", "nereid-kernels", "cuda", ""),
    Suite("device-layer", "nereid-kernels", "nereid_kernels", "device::"),
    Suite("image", "nereid-backend-image", "nereid_backend_image", "instance::device::"),
    Suite("postprocess", "nereid-backend-postprocess", "nereid_backend_postprocess", "tests::devices::"),
]


class Bench(NamedTuple):
    """A program that prints a line for each thing that it measures, with tabs between its columns."""

    name: str  # As cargo calls it.
    title: str
    columns: tuple[str, ...]


BENCHES = [
    Bench("bandwidth", "Bandwidth", ("kernel", "bytes", "µs", "GB/s", "% of the driver's copy", "% of the memory's")),
    Bench("pictures", "JPEGs of 1280x720 to 3x1080x1920 FP32", ("how", "pictures/s", "ms a batch")),
]


class Device(NamedTuple):
    """What the tests run on."""

    name: str
    driver: str
    count: int


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true", help="build, and run nothing")
    parser.add_argument("--software", action="store_true", help="run on the software CUDA device")
    arguments = parser.parse_args()
    if arguments.build:
        return build()
    built = [*(suite.name for suite in SUITES), *(bench.name for bench in BENCHES), *LIBRARIES]
    missing = [name for name in built if not (FOLDER / name).exists()]
    if missing:
        cache.fail(f"{FOLDER} lacks {', '.join(missing)}: run `python3 tools/gpu_tests.py --build` where Rust is")
    device = find(is_software=arguments.software)
    if not device:
        print("=" * 100 + "\nNOTHING RAN: this machine has no GPU that CUDA finds.\n" + "=" * 100, flush=True)
        sys.exit(SKIPPED)
    cache.say(f"on {device.count} x {device.name}, driver {device.driver}")
    sys.exit(run(device, is_software=arguments.software))


def build() -> None:
    """Builds the tests and gathers them in one folder."""
    # All crates, as `make test` builds them: for some alone, dependencies would be built anew with fewer features.
    made = artifacts(["test", "--no-run", "--workspace"])
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    same = [*(bench.name for bench in BENCHES), *LIBRARIES]
    for name, target in [*((suite.name, suite.target) for suite in SUITES), *zip(same, same, strict=True)]:
        shutil.copy2(made[target], FOLDER / name)
        if shutil.which("strip"):
            subprocess.run(["strip", str(FOLDER / name)], check=True)
    libraries = [nvjpeg.library(wheel) for wheel in nvjpeg.WHEELS]
    for library in filter(Path.exists, libraries):
        shutil.copy2(library, FOLDER / library.name)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    (FOLDER / "commit").write_text(commit.stdout.strip() or "unknown", encoding="utf-8")
    size = sum(file.stat().st_size for file in FOLDER.iterdir()) / 1e6
    cache.say(f"{FOLDER}: {size:.0f} MB; a machine with a GPU needs it and tools/*.py")


def artifacts(command: list[str]) -> dict[str, Path]:
    """The programs that cargo builds, by the names of their targets, and the libraries."""
    done = subprocess.run(
        [CARGO, *command, "--locked", "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    made = {}
    for message in map(json.loads, done.stdout.splitlines()):
        if message["reason"] != "compiler-artifact":
            continue
        if message["executable"]:
            made[message["target"]["name"]] = Path(message["executable"])
        made |= {Path(name).name: Path(name) for name in message["filenames"] if Path(name).name in LIBRARIES}
    return made


def find(*, is_software: bool) -> Device | None:
    """The device that a driver finds, if there is one."""
    try:
        driver = ctypes.CDLL(str(FOLDER / DRIVER) if is_software else "libcuda.so.1")
    except OSError as error:
        cache.say(f"no driver: {error}")
        return None
    count, version, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    if code := driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        cache.say(f"the driver's cuInit or cuDeviceGetCount says {code}")
        return None
    if count.value == 0:
        return None
    driver.cuDriverGetVersion(ctypes.byref(version))
    driver.cuDeviceGetName(name, len(name), 0)
    cuda = f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"
    told = "tests/softcuda" if is_software else release()
    return Device(name.value.decode(), f"{told} ({cuda})", count.value)


def release() -> str:
    """The driver's own version, as `nvidia-smi` tells it."""
    if not shutil.which("nvidia-smi"):
        return "of unknown version"
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    return subprocess.run(query, check=False, capture_output=True, text=True).stdout.strip()


def run(device: Device, *, is_software: bool) -> int:
    """Runs all suites and benches, writes the report, and gives the exit code."""
    lines, failures = FOLDER / "cases.tsv", []
    lines.unlink(missing_ok=True)
    for suite in SUITES:
        failures += run_suite(suite, lines, is_software=is_software)
    measured = {}
    for bench in BENCHES:
        measured[bench], failed = run_bench(bench, is_software=is_software)
        failures += failed
    cases = cuda_report.read(lines)
    failures += [f"{case.crate}: {case.test}" for case in cases if case.outcome == "FAIL"]
    REPORT.write_text(report(device, cases, measured, failures, is_software=is_software), encoding="utf-8")
    passed, skipped = (sum(case.outcome == outcome for case in cases) for outcome in ("pass", "skip"))
    cache.say(f"{passed} passed, {skipped} skipped, {len(failures)} failures; see {REPORT}")
    for failure in failures:
        cache.say(f"FAILED {failure}")
    return 1 if failures or passed == 0 else 0


def environment(*, is_software: bool) -> dict[str, str]:
    """What both kinds of programs run in. A GPU's own nvJPEG is found before the one that was brought."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SOFTCUDA_", "NEREID_"))}
    if is_software:
        return own
    path = os.pathsep.join(filter(None, [own.get("LD_LIBRARY_PATH"), str(FOLDER)]))
    return {**own, "NEREID_TEST_GPU": "1", "LD_LIBRARY_PATH": path}


def run_suite(suite: Suite, lines: Path, *, is_software: bool) -> list[str]:
    """Runs a binary of tests, which prints what it does; says what went wrong beside its cases."""
    start = time.monotonic()
    command = [str(FOLDER / suite.name), *([suite.filter] if suite.filter else []), f"--test-threads={THREADS}"]
    cache.say(f"== {suite.name}")
    own = {"NEREID_CUDA_REPORT": str(lines), "CARGO_PKG_NAME": suite.crate}
    try:
        code = subprocess.run(
            command, check=False, timeout=TIME_MAX, env={**environment(is_software=is_software), **own}
        ).returncode
    except subprocess.TimeoutExpired:
        return [f"{suite.name} did not end within {TIME_MAX} s"]
    cache.say(f"== {suite.name}: {time.monotonic() - start:.0f} s")
    return [f"{suite.name} ended with {code}"] if code else []


def run_bench(bench: Bench, *, is_software: bool) -> tuple[list[list[str]], list[str]]:
    """The bench's lines, and what went wrong."""
    own = environment(is_software=is_software)
    if is_software:
        folder = FOLDER / "softcuda"
        folder.mkdir(exist_ok=True)
        for name, library in (("libcuda.so.1", DRIVER), ("libnvjpeg.so.13", NVJPEG)):
            cache.link(folder / name, FOLDER / library)
        own["LD_LIBRARY_PATH"] = str(folder)
    cache.say(f"== {bench.name}")
    command = [str(FOLDER / bench.name), *(["small"] if is_software else [])]
    try:
        done = subprocess.run(command, check=False, timeout=TIME_MAX, env=own, stdout=subprocess.PIPE, text=True)
    except subprocess.TimeoutExpired:
        return [], [f"{bench.name} did not end within {TIME_MAX} s"]
    print(done.stdout, end="", flush=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return lines, [f"{bench.name} ended with {done.returncode}"] if done.returncode else []


def report(
    device: Device,
    cases: list[cuda_report.Case],
    measured: dict[Bench, list[list[str]]],
    failures: list[str],
    *,
    is_software: bool,
) -> str:
    """The report, in Markdown."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    commit = (FOLDER / "commit").read_text(encoding="utf-8")
    text = [
        "# What ran on the software CUDA device: no GPU was used" if is_software else f"# What ran on {device.name}",
        "",
        f"- devices: {device.count} x {device.name}",
        f"- driver: {device.driver}",
        f"- date: {now}",
        f"- commit: {commit}",
        f"- failures: {'; '.join(failures) or 'none'}",
        "",
        *(["The times of the software CUDA device mean nothing.", ""] if is_software else []),
        *(line for bench, rows in measured.items() for line in table(bench, rows)),
        "## Cases",
        *(
            f"- {case.outcome} `{case.crate}` {case.test}" + (f" ({case.reason})" if case.reason else "")
            for case in cases
        ),
    ]
    return "\n".join(text) + "\n"


def table(bench: Bench, rows: list[list[str]]) -> list[str]:
    """A bench's part of the report."""
    lines = [list(bench.columns), ["---"] * len(bench.columns), *rows]
    return [f"## {bench.title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]


if __name__ == "__main__":
    main()
