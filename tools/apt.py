"""The one door to Debian's archive: apt, with state folders of its own, so that neither root nor an earlier
`apt-get update` is needed. It checks what it fetches by the archive's signature.
"""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cache


def unpack(packages: list[str], scratch: Path, release: str | None = None) -> Path:
    """Fetches packages, of the machine's own release or of another one of Debian's; the folder with their files."""
    settings = prepared(scratch, source_of(release) if release else None, packages)
    for command in (["update"], ["download", *packages]):
        run(["apt-get", "--quiet", *settings, *command], scratch)
    tree = scratch / "tree"
    for package in scratch.glob("*.deb"):
        run(["dpkg-deb", "--extract", str(package), str(tree)], scratch)
    return tree


def originals(packages: list[str], scratch: Path, release: str) -> list[Path]:
    """Fetches what the authors of source packages released, of one of Debian's releases; the archives."""
    settings = prepared(scratch, f"deb-src {source_of(release).removeprefix('deb ')}", packages)
    for command in (["update"], ["source", "--download-only", "--tar-only", *packages]):
        run(["apt-get", "--quiet", *settings, *command], scratch)
    return sorted(scratch.glob("*.orig.tar.*z"))


def prepared(scratch: Path, source: str | None, packages: list[str]) -> list[str]:
    """Makes apt's folders in `scratch`; the options that have it use them, and ask one source instead of the machine's."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        cache.fail(f"Debian's packages {', '.join(packages)} are needed, and there is no apt")
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    settings: dict[str, object] = {
        "Dir::State": scratch / "state",
        "Dir::Cache": scratch / "cache",
        # Nothing here belongs to apt's own user, to whom it would otherwise step down.
        "APT::Sandbox::User": "root",
    }
    if source:
        (scratch / "sources.list").write_text(f"{source}\n", encoding="utf-8")
        settings |= {"Dir::Etc::SourceList": scratch / "sources.list", "Dir::Etc::SourceParts": "/dev/null"}
    return [f"--option={key}={value}" for key, value in settings.items()]


def source_of(release: str) -> str:
    """The line of sources.list for another release, from where the machine gets its own."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME")
    indexes = subprocess.run(["apt-get", "--print-uris", "update"], check=False, stdout=subprocess.PIPE, text=True).stdout
    archive = re.search(rf"'(\S+)/dists/{own}/InRelease'", indexes)
    if not archive:
        cache.fail(f"apt knows no archive of this machine's own release ({own}), so it knows none of {release} either")
    return f"deb {archive[1]} {release} main"


def run(command: list[str], where: Path) -> None:
    """Runs a program in a folder; a failure ends the script."""
    if subprocess.run(command, cwd=where, check=False, stdout=sys.stderr).returncode != 0:
        cache.fail(f"`{' '.join(command[:1] + command[-2:])}` failed; its own words are above")
