"""Fetches the fonts that the tests render their pictures with: DejaVu, from Debian's package fonts-dejavu-core.

    python3 tools/font.py

An installed package is used where it is; else apt fetches it. Pinned by the SHA-256 of each font (Debian 12, 2.37-6),
since a picture of a line is the same everywhere only if the outlines are.
"""

import tempfile
from pathlib import Path

import apt
import cache

PACKAGE = "fonts-dejavu-core"
FONTS = {
    "DejaVuSans.ttf": "abdc775b21b1bc470d50c97e790d276f2054b7504e56e5bd3e64f48d68582322",
    "DejaVuSans-Bold.ttf": "0d977336a6d5fba34eab8e3199eb218327161b5143749f802982c2bc34df0c96",
    "DejaVuSerif.ttf": "13e61509f5c81d7c3132810f4f903e3523df89c802bf6e0674621e8f659cdfe1",
}
INSTALLED = Path("/usr/share/fonts/truetype/dejavu")


def main() -> None:
    """Brings the fonts into the cache, unless they are there and whole."""
    if all(cache.holds(place(name), sha256) for name, sha256 in FONTS.items()):
        cache.say(f"{PACKAGE}: cached in {home()}")
        return
    if all(cache.holds(INSTALLED / name, sha256) for name, sha256 in FONTS.items()):
        cache.say(f"{PACKAGE}: installed, linked into {home()}")
        for name in FONTS:
            cache.link(place(name), INSTALLED / name)
        return
    cache.say(f"{PACKAGE}: fetching with apt")
    cache.directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
        tree = apt.unpack([PACKAGE], Path(scratch))
        for name, sha256 in FONTS.items():
            cache.put(place(name), (tree / INSTALLED.relative_to("/") / name).read_bytes(), sha256)
            cache.say(f"  {place(name)}")


def home() -> Path:
    """Where the fonts stand in the cache."""
    return cache.directory() / PACKAGE


def place(name: str) -> Path:
    """Where one font stands in the cache."""
    return home() / name


if __name__ == "__main__":
    main()
