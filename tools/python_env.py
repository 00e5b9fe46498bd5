"""Makes a Python environment and prints the path of its interpreter.

    "$(python3 tools/python_env.py)" -m pytest tests/python
    "$(python3 tools/python_env.py tests/python/kserve_clients)" ...    that of the requirements in another folder

It lives in the cache under the hash of its requirements and of the Python that runs it: a change of either makes a new
one, an old one is used as it is, without network. Progress goes to standard error, so that the path alone is printed.
"""

import contextlib
import sys
from pathlib import Path

import cache
import pip_command

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = "tests/python"


def main() -> None:
    """Prints the interpreter of an environment that is whole."""
    with contextlib.redirect_stdout(sys.stderr):
        home = environment(requirements(sys.argv[1:]))
    print(home / "bin" / "python")


def requirements(folder: list[str]) -> Path:
    """The pinned requirements of the folder that a command line names, or of the end-to-end tests."""
    return REPOSITORY.joinpath(*(folder or [TESTS]), "requirements.txt")


def environment(pinned: Path) -> Path:
    """The environment's folder, made if need be."""
    key = cache.digest(pinned.read_bytes() + sys.version.encode() + sys.executable.encode())
    home = cache.directory() / f"{pinned.parent.name}-env-{key[:16]}"
    # Written last: an environment without it was interrupted.
    whole = home / "whole"
    if whole.exists():
        return home
    pip_command.make_environment(home)
    install = ["install", "--quiet", "--require-hashes", "--only-binary=:all:", f"--requirement={pinned}"]
    pip_command.run(install, f"what {pinned} lists", home / "bin" / "python")
    whole.touch()
    return home


if __name__ == "__main__":
    main()
