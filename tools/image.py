"""Puts together the file system of a container image, as layers that a Dockerfile of deploy/docker copies.

    python3 tools/image.py cpu target/release/nereid target/image/cpu

`libraries` is what changes seldom: the C and C++ libraries of Debian, ONNX Runtime, folders, users, and the licences of all
of them. `server` is the binary and the list of what is in it, so that a change of code ships a small layer. No registry of
images is asked: the libraries come from Debian's packages, by apt.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import apt
import cache
import fetch
import gpu_libraries
import sbom

# What ONNX Runtime and the binary are linked with, by package of Debian 12, where both are built.
PACKAGES = {
    # The licence of the two below it.
    "gcc-12-base": [],
    "libc6": ["ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"],
    "libgcc-s1": ["libgcc_s.so.1"],
    "libstdc++6": ["libstdc++.so.6"],
}
LIBRARIES = "usr/lib/x86_64-linux-gnu"
USER = 65532
# Triton's image has its server there, and in the path.
ALIASES = ["usr/bin/tritonserver", "opt/tritonserver/bin/tritonserver"]


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["cpu", "cuda"])
    parser.add_argument("binary", type=Path, help="the server")
    parser.add_argument("output", type=Path, help="a folder, which is written anew")
    arguments = parser.parse_args()
    fetch.require_platform()
    fetch.fetch(fetch.RUNTIME)
    shutil.rmtree(arguments.output, ignore_errors=True)
    libraries, server = arguments.output / "libraries", arguments.output / "server"
    debian = write_libraries(libraries)
    wheels = gpu_libraries.write(libraries) if arguments.kind == "cuda" else []
    if arguments.kind == "cpu":
        write_runtime(libraries)
        wheels = [(fetch.RUNTIME.name, fetch.RUNTIME.version)]
    write_server(arguments.binary, server)
    components = sbom.crates() + sbom.debian(debian) + sbom.wheels(wheels)
    write(server / "usr/share/sbom/nereid.cdx.json", sbom.text(components))
    for layer in (libraries, server):
        size = sum(path.lstat().st_size for path in layer.rglob("*") if not path.is_dir())
        cache.say(f"{layer}: {size / 1e6:.1f} MB")


def write_libraries(layer: Path) -> dict[str, str]:
    """Debian's libraries, and what any program expects of a file system; the versions of the packages."""
    tree, versions = debian_tree()
    for package, names in PACKAGES.items():
        for name in names:
            found = next(path for path in (tree / "lib/x86_64-linux-gnu" / name, tree / LIBRARIES / name) if path.exists())
            copy(found.resolve(), layer / LIBRARIES / name, 0o755)
        copy(tree / "usr/share/doc" / package / "copyright", layer / "usr/share/doc" / package / "copyright")
    # As Debian has it: the loader's place is in every program.
    (layer / "usr/lib64").mkdir(parents=True)
    (layer / "usr/lib64/ld-linux-x86-64.so.2").symlink_to(f"/{LIBRARIES}/ld-linux-x86-64.so.2")
    for name in ("lib", "lib64"):
        (layer / name).symlink_to(f"usr/{name}")
    write(layer / "etc/passwd", f"root:x:0:0:root:/:/nologin\nnereid:x:{USER}:{USER}:nereid:/:/nologin\n")
    write(layer / "etc/group", f"root:x:0:\nnereid:x:{USER}:\n")
    for name in ("models", "mnt/models", "tmp", "proc", "dev"):
        (layer / name).mkdir(parents=True)
    (layer / "tmp").chmod(0o1777)
    return versions


def debian_tree() -> tuple[Path, dict[str, str]]:
    """The packages' files, kept in the cache, and their versions."""
    home = cache.directory() / "debian-12-image-libraries"
    if not home.exists():
        cache.say("the libraries of the image: fetching Debian's packages with apt")
        cache.directory().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
            tree = apt.unpack(list(PACKAGES), Path(scratch))
            names = [path.name for path in Path(scratch).glob("*.deb")]
            (tree / "packages").write_text("\n".join(names))
            tree.rename(home)
    # NAME_VERSION_ARCHITECTURE.deb, where a colon of the version is escaped.
    parts = [name.split("_") for name in (home / "packages").read_text().splitlines()]
    return home, {name: version.replace("%3a", ":") for name, version, _ in parts}


def write_runtime(layer: Path) -> None:
    """ONNX Runtime beside where the binary will be, and its licences."""
    copy(fetch.LIBRARY, layer / "usr/bin" / fetch.LIBRARY.name, 0o755)
    for name in ("LICENSE", "ThirdPartyNotices.txt"):
        copy(fetch.RUNTIME.place(name), layer / "usr/share/doc/onnxruntime" / name)


def write_server(binary: Path, layer: Path) -> None:
    """The binary, under its names."""
    copy(binary, layer / "usr/bin/nereid", 0o755)
    for alias in ALIASES:
        (layer / alias).parent.mkdir(parents=True, exist_ok=True)
        (layer / alias).symlink_to("/usr/bin/nereid")
    copy(fetch.REPOSITORY / "LICENSE", layer / "usr/share/doc/nereid/LICENSE")


def copy(source: Path, place: Path, mode: int = 0o644) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    finish(place, mode)


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    finish(place, 0o644)


def finish(place: Path, mode: int) -> None:
    """Mode and time do not depend on who builds when: the same files are the same layer."""
    place.chmod(mode)
    os.utime(place, (0, 0))


if __name__ == "__main__":
    main()
