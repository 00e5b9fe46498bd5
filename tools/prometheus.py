"""Fetches Prometheus and promtool for the tests: Debian's package, by apt (19 MB), into the cache.

    python3 tools/prometheus.py     fetch them, and print the folder they are in
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import apt
import cache


def folder() -> Path:
    """The folder of `prometheus` and `promtool`, put into the cache in one step unless it is there. Not pinned: the
    archive keeps only the newest, and apt checks it by the archive's signature."""
    home = cache.directory() / "prometheus-debian"
    if home.exists():
        return home
    cache.say("Prometheus: fetching Debian's package with apt")
    cache.directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
        tree = apt.unpack(["prometheus"], Path(scratch))
        (tree / "usr" / "bin").rename(home)
    return home


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = folder()
    print(found)
