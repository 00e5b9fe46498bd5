"""Counts the instructions that one small request takes in the server, by callgrind, over each protocol.

    python3 tools/count.py [--record WHY] [--profile PROTOCOL]

Without flags, prints the counts beside the last of benches/instructions.toml, and fails when one has grown by more than
2 %. A count that is meant to grow, or has shrunk, is recorded: that appends what was counted, and the reason, to the file.
`--profile` keeps what callgrind wrote of one protocol, for callgrind_annotate or KCachegrind.

What is counted are the instructions in user space from one batch to the next (benches/requests): they depend on the
compiler and on glibc, but not on the machine's speed or load. So that they do not depend on its processor either, glibc
is told to use none of its functions that do; memchr and httparse choose theirs by what valgrind says there is, which
is AVX2 on any machine of the last ten years.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

import cache

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches" / "instructions.toml"
CARGO = os.environ.get("CARGO", "cargo")

PROTOCOLS = ["http-json", "http-binary", "grpc"]
REQUESTS = 1000
# The largest growth, as a part of what was recorded.
GROWTH_MAX = 0.02
# Whose call is an allocation.
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}
PLAIN_GLIBC = ",".join(f"-{name}" for name in ["AVX2", "AVX512F", "AVX512VL", "ERMS", "FSRM", "AVX_Fast_Unaligned_Load"])


class Count(NamedTuple):
    """What one request takes."""

    instructions: int
    allocations: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Counts the instructions of a small request.")
    parser.add_argument("--record", metavar="WHY", help="append the counts to the file, and why they are what they are")
    parser.add_argument("--profile", choices=PROTOCOLS, help="count one protocol, and keep callgrind's file")
    asked = parser.parse_args()
    if not shutil.which("valgrind"):
        cache.fail("valgrind is not installed: apt-get install valgrind")
    binary = build()
    if asked.profile:
        kept = binary.parent / f"callgrind.{asked.profile}"
        say(asked.profile, run(binary, asked.profile, kept), None)
        cache.say(f"callgrind_annotate {kept}")
        return
    counts = {protocol: count(binary, protocol) for protocol in PROTOCOLS}
    recorded = tomllib.loads(BASELINE.read_text()).get("counted", []) if BASELINE.exists() else []
    last = recorded[-1] if recorded else None
    for protocol, counted in counts.items():
        say(protocol, counted, last)
    if asked.record:
        record(counts, asked.record)
    elif last:
        compare(counts, last)


def build() -> Path:
    """The program that asks."""
    command = [CARGO, "build", "--locked", "--package", "nereid-benches", "--bin", "requests", "--release"]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "requests"


def count(binary: Path, protocol: str) -> Count:
    """What a request over `protocol` takes."""
    with tempfile.TemporaryDirectory() as folder:
        return run(binary, protocol, Path(folder) / "callgrind")


def run(binary: Path, protocol: str, written: Path) -> Count:
    """The same, with callgrind's file kept as `written`."""
    command = ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={written}", "--collect-atstart=no"]
    command += ["--dump-instr=yes", "--dump-line=no", "--compress-strings=no", "--compress-pos=no"]
    # Entering `counted` begins to count; entering and leaving `uncounted` turns that round within it.
    command += ["--toggle-collect=requests::counted*", "--toggle-collect=requests::client::uncounted*"]
    command += [str(binary), protocol, str(REQUESTS)]
    # Nothing of the user's environment is there: it would move the stack.
    environment = {"GLIBC_TUNABLES": f"glibc.cpu.hwcaps={PLAIN_GLIBC}"}
    ran = subprocess.run(command, env=environment | {"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    if ran.returncode != 0:
        cache.fail(f"{protocol}: {ran.stderr}")
    text = written.read_text()
    totals = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
    if not totals or int(totals[1]) == 0:
        cache.fail(f"{protocol}: callgrind counted nothing")
    return Count(round(int(totals[1]) / REQUESTS), round(allocations(text) / REQUESTS, 1))


def allocations(text: str) -> int:
    """How often memory was asked for. Calls are counted by callgrind whether it counts or not, so it is how often the first
    instruction of each function that allocates has run."""
    first: dict[str, tuple[int, int]] = {}
    function, is_call = "", False
    for line in text.splitlines():
        if line.startswith("fn="):
            function = line.removeprefix("fn=")
        elif line.startswith("0x") and function in ALLOCATORS and not is_call:
            address, times = line.split()
            first[function] = min(first.get(function, (sys.maxsize, 0)), (int(address, 16), int(times)))
        # The line behind such a one has the cost of what was called.
        is_call = line.startswith("calls=")
    return sum(times for _, times in first.values())


def say(protocol: str, counted: Count, last: dict | None) -> None:
    """Prints a row."""
    row = f"{protocol:12} {counted.instructions:8} instructions {counted.allocations:6} allocations"
    if last:
        row += f"   {change(counted, last['instructions'][protocol]):+.2%}"
    cache.say(row)


def change(counted: Count, before: int) -> float:
    """By which part it has grown."""
    return counted.instructions / before - 1


def compare(counts: dict[str, Count], last: dict) -> None:
    """Fails if one has grown."""
    if (ours := compiler()) != last["compiler"]:
        cache.say(f"nothing is compared: recorded with {last['compiler']}, counted with {ours}")
        return
    changes = {protocol: change(counted, last["instructions"][protocol]) for protocol, counted in counts.items()}
    grown = [protocol for protocol, by in changes.items() if by > GROWTH_MAX]
    if grown:
        cache.fail(
            f"{', '.join(grown)}: a request takes more instructions than {BASELINE.relative_to(ROOT)} says, by more than "
            f"{GROWTH_MAX:.0%}. `make bench-count PROTOCOL={grown[0]}` shows where they go; if they are worth it, "
            '`make bench-count WHY="..."` records them with the reason.'
        )
    if any(by < -GROWTH_MAX for by in changes.values()):
        cache.say('fewer than before: `make bench-count WHY="..."` records it, so that they stay so')


def compiler() -> str:
    """Which instructions there are is its choice."""
    version = subprocess.check_output(["rustc", "--version"], text=True).split()[1]
    return f"rustc {version} {platform.machine()}"


def record(counts: dict[str, Count], why: str) -> None:
    """Appends the counts to the file."""
    entry = ["", "[[counted]]", f"why = {json.dumps(why)}", f'compiler = "{compiler()}"']
    for field in Count._fields:
        row = ", ".join(f"{protocol} = {getattr(counted, field)}" for protocol, counted in counts.items())
        entry.append(f"{field} = {{ {row} }}")
    with BASELINE.open("a") as file:
        file.write("\n".join([*entry, ""]))


if __name__ == "__main__":
    main()
