"""The one door to the package index: pip, run as a program.

pip and not a download of our own, so that a mirror, a proxy or a certificate that the machine has set up for pip
works here too.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import cache


def run(arguments: list[str], what: str, python: Path | None = None) -> None:
    """Runs the pip of `python`, or of this Python, which reports its progress itself; a failure ends the script."""
    command = [str(python or with_pip()), "-m", "pip", "--disable-pip-version-check", *arguments]
    # Not to standard output, where a script may print its result.
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
        cache.fail(
            f"pip could not get {what}; its own words are above. Without a network, run this once where there is one: "
            "all later runs work offline. A mirror is set as for every use of pip (PIP_INDEX_URL or pip.conf). "
            "Hashes that do not match mean that the index serves another file than the pinned one."
        )


def with_pip() -> Path:
    """This Python or, where it has no pip (Debian without python3-pip), that of a small environment which has."""
    if importlib.util.find_spec("pip"):
        return Path(sys.executable)
    home = cache.directory() / f"pip-{sys.version_info.major}.{sys.version_info.minor}"
    if not (home / "bin" / "pip").exists():
        make_environment(home)
    return home / "bin" / "python"


def make_environment(home: Path) -> None:
    """Makes a virtual environment with pip in it at `home`, over what is left of an earlier one."""
    cache.say(f"making a Python environment in {home}")
    command = [sys.executable, "-m", "venv", "--clear", str(home)]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
        cache.fail("Python's venv does not work here. On Debian and Ubuntu: apt-get install python3-venv")
