"""Pins what a Python environment has: requirements.in -> requirements.txt beside it, with versions and hashes.

    python3 tools/lock.py [FOLDER [PYTHON ...]]

Run after a change of a requirements.in; FOLDER is where it is, if not tests/python, and PYTHON are versions, if not all
that we support. Needs pip 23 or newer and the network.

Versions are resolved for the oldest Python that we support, the hashes are those of every wheel that pip would choose
on x86-64 Linux for each of them. Only wheels: what pip would have to build is refused.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

import cache
import pip_command
import python_env

PYTHONS = ["3.11", "3.12", "3.13"]
# pip takes these names literally: one that is newer does not include the older ones.
PLATFORMS = ["manylinux_2_35_x86_64", "manylinux_2_31_x86_64", "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64",
             "manylinux2014_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64"]


def main() -> None:
    """Writes requirements.txt."""
    folder, pythons = sys.argv[1:2], sys.argv[2:] or PYTHONS
    pinned = python_env.requirements(folder)
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for python in pythons:
        for name, version, sha256 in resolve(pinned.with_suffix(".in"), python, versions):
            versions[name] = version
            hashes.setdefault(name, set()).add(sha256)
        cache.say(f"Python {python}: {len(versions)} packages")
    pins = [
        f"{name}=={versions[name]}" + "".join(f" \\\n    --hash=sha256:{sha256}" for sha256 in sorted(hashes[name]))
        for name in sorted(versions)
    ]
    note = f"# Made by tools/lock.py from requirements.in: wheels for Python {pythons[0]} to {pythons[-1]} on x86-64 Linux.\n"
    pinned.write_text(note + "\n".join(pins) + "\n", encoding="utf-8")


def resolve(wanted: Path, python: str, versions: dict[str, str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of each wheel that pip would install for a Python, with `versions` kept."""
    with tempfile.TemporaryDirectory() as scratch:
        report, constraints = Path(scratch, "report.json"), Path(scratch, "constraints.txt")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), encoding="utf-8")
        target = [f"--python-version={python}", f"--target={scratch}", *(f"--platform={name}" for name in PLATFORMS)]
        files = [f"--requirement={wanted}", f"--constraint={constraints}", f"--report={report}"]
        dry = ["--dry-run", "--ignore-installed", "--only-binary=:all:", "--quiet"]
        pip_command.run(["install", *dry, *target, *files], f"the test requirements for Python {python}")
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [(name_of(entry), entry["metadata"]["version"], sha256_of(entry)) for entry in found]


def name_of(entry: dict) -> str:
    """The package's name as the index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()


def sha256_of(entry: dict) -> str:
    """The hash of the wheel, as the index gives it."""
    return entry["download_info"]["archive_info"]["hashes"]["sha256"]


if __name__ == "__main__":
    main()
