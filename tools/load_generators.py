"""Brings wrk and h2load, the load generators of `make bench`, of which each uses one thread and little of it.

    python3 tools/load_generators.py wrk|h2load ...     runs one

Where the machine has them, those are used; elsewhere Debian's packages are unpacked into the cache.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import apt
import cache

# By its program: the package, and the libraries that Debian has in packages of their own.
PACKAGES = {
    "wrk": ["wrk", "libluajit-5.1-2"],
    "h2load": ["nghttp2-client", "libnghttp2-14", "libev4", "libjemalloc2"],
}
LIBRARIES = Path("usr/lib/x86_64-linux-gnu")


def command(name: str) -> list[str]:
    """How to call it, fetched if need be."""
    if installed := shutil.which(name):
        return [installed]
    home = cache.directory() / f"debian-{name}"
    if not home.exists():
        cache.say(f"{name}: fetching with apt")
        cache.directory().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
            apt.unpack(PACKAGES[name], Path(scratch)).rename(home)
    return ["env", f"LD_LIBRARY_PATH={home / LIBRARIES}", str(home / "usr/bin" / name)]


def main() -> None:
    """Becomes one of them."""
    with contextlib.redirect_stdout(sys.stderr):
        program = command(sys.argv[1])
    os.execvp(program[0], [*program, *sys.argv[2:]])


if __name__ == "__main__":
    main()
