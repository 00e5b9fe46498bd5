"""The cache outside git that every fetched file lives in, and how files get into it.

A file is in the cache under its final name only when it is whole and its SHA-256 is the pinned one: it is written to
a temporary name beside it and renamed. So an interrupted run leaves nothing to clean up, and two runs at the same
time do no harm. What to fetch, and from where, is said in `fetch.py`, `font.py` and `python_env.py`.

    python3 tools/cache.py     print where it is
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn


def directory() -> Path:
    """The cache directory: `$NEREID_CACHE`, else `$XDG_CACHE_HOME/nereid`, else `~/.cache/nereid`."""
    chosen = os.environ.get("NEREID_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser().absolute() / "nereid"


def holds(path: Path, sha256: str) -> bool:
    """Whether `path` is a file with exactly this content."""
    try:
        return digest(path.read_bytes()) == sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def put(path: Path, content: bytes, sha256: str) -> None:
    """Writes `content` to `path` in one step, after checking that it is what was pinned."""
    if digest(content) != sha256:
        fail(f"{path.name}: SHA-256 is {digest(content)}, expected {sha256}. Nothing was written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as partial:
        partial.write(content)
    os.chmod(partial.name, 0o644)
    os.replace(partial.name, path)


def link(place: Path, target: Path) -> None:
    """Makes `place` a symbolic link to `target`; a link that stands there is replaced, a file of the user is not."""
    if place.is_symlink() and Path(os.readlink(place)) == target:
        return
    if place.exists() and not place.is_symlink():
        fail(f"{place} is in the way: it is a file of yours, not a link. Move it away and run again.")
    place.parent.mkdir(parents=True, exist_ok=True)
    # A link cannot be made over an old one, so it is made beside it and renamed.
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    partial.symlink_to(target)
    os.replace(partial, place)


def digest(content: bytes) -> str:
    """The SHA-256 of `content`, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def say(text: str) -> None:
    """Prints one line of progress at once."""
    print(text, flush=True)


def fail(text: str) -> NoReturn:
    """Ends the script with a message for people."""
    sys.exit(f"error: {text}")


if __name__ == "__main__":
    print(directory())
