"""Fetches NVIDIA's perf_analyzer, the load generator of Triton's users, and runs it.

    python3 tools/perf_analyzer.py -m line_text -u 127.0.0.1:8001 -i grpc --concurrency-range 1:8

The wheel is pinned by version and SHA-256. Its program wants a newer C library than Debian 12 has; there it is run by
the loader and with the libraries of Debian 13, which apt fetches (7 MB and 15 MB of lists) and checks by the archive's
signature: not pinned, since the archive keeps only the newest.
"""

import contextlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import apt
import cache
import fetch

TOOL = fetch.Wheel(
    "perf_analyzer",
    "2.60.0",
    "23ef56b107ae9233e5cf09fbdf508dd9b936a52f1bae2f63f53c8117087b3f25",
    {"perf_analyzer/bin/perf_analyzer": "ccc6220d9a4b0485b853ab40fe012d2a5d9c55f1e55835f6a8eb8b552d6c49c6"},
    "manylinux_2_38_x86_64",
)
PROGRAM = TOOL.place("perf_analyzer")
GLIBC_MIN = (2, 38)

RELEASE = "trixie"
PACKAGES = ["libc6", "libgcc-s1", "libssl3t64", "libstdc++6", "libzstd1", "zlib1g"]
LIBRARIES = Path("usr/lib/x86_64-linux-gnu")
LOADER = "ld-linux-x86-64.so.2"


def main() -> None:
    """Becomes perf_analyzer."""
    with contextlib.redirect_stdout(sys.stderr):
        program = command()
    os.execv(program[0], [*program, *sys.argv[1:]])


def command() -> list[str]:
    """How to call it, fetched if need be."""
    fetch.require_platform()
    fetch.fetch(TOOL)
    PROGRAM.chmod(0o755)
    name, version = platform.libc_ver()
    if name == "glibc" and tuple(int(part) for part in version.split(".")) >= GLIBC_MIN:
        return [str(PROGRAM)]
    libraries = runtime()
    return [str(libraries / LOADER), "--library-path", str(libraries), str(PROGRAM)]


def runtime() -> Path:
    """The folder of Debian 13's libraries, put into the cache in one step unless it is there."""
    home = cache.directory() / f"{RELEASE}-libraries"
    if home.exists():
        return home
    cache.say(f"the C library of Debian's release {RELEASE}: fetching with apt")
    with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
        found = apt.unpack(PACKAGES, Path(scratch), RELEASE) / LIBRARIES
        whole = Path(scratch) / "whole"
        whole.mkdir()
        for library in found.glob("*.so*"):
            shutil.copy(library, whole)
        whole.rename(home)
    return home


if __name__ == "__main__":
    main()
