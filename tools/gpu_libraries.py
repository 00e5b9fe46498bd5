"""NVIDIA's libraries for the image with CUDA, from the wheels that NVIDIA puts on PyPI.

Whoever builds the image fetches them and agrees to their licences, whose texts go into the image with them. Pinned by
deploy/docker/cuda/requirements.txt: python3 tools/lock.py deploy/docker/cuda 3.11
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pip_command
import python_env

FOLDER = ["deploy", "docker", "cuda"]
# Where the loader looks, by the image's LD_LIBRARY_PATH.
LIBRARIES = "usr/lib/nvidia"
# ONNX Runtime's library is beside the binary, and looks for its providers beside itself.
RUNTIME = "onnxruntime/capi"
LICENCE = re.compile(r"(licen[sc]e|notice|thirdparty)", re.IGNORECASE)


def write(layer: Path) -> list[tuple[str, str]]:
    """Installs what is pinned into the layer; name and version of each wheel."""
    pinned = python_env.requirements(FOLDER)
    with tempfile.TemporaryDirectory() as scratch:
        # TMPDIR decides where: all of CUDA is some gigabytes.
        command = ["install", "--no-deps", "--require-hashes", "--only-binary=:all:", f"--target={scratch}",
                   "--python-version=3.11", "--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_27_x86_64",
                   "--platform=manylinux2014_x86_64", "--platform=manylinux_2_17_x86_64", f"--requirement={pinned}"]
        pip_command.run(command, f"what {pinned} lists")
        place(Path(scratch), layer)
        return versions(Path(scratch))


def place(installed: Path, layer: Path) -> None:
    """Moves libraries and licences of installed wheels to their places in a layer. What the wheels need beside, for Python,
    stays behind."""
    for library in sorted(installed.rglob("*.so*")):
        inside = library.relative_to(installed).as_posix()
        if inside.startswith(f"{RUNTIME}/libonnxruntime"):
            move(library, layer / "usr/bin" / library.name, 0o755)
        elif inside.startswith("nvidia/"):
            move(library, layer / LIBRARIES / library.name, 0o755)
    for folder in wheels(installed):
        for licence in sorted(path for path in folder.rglob("*") if path.is_file() and LICENCE.match(path.name)):
            move(licence, layer / "usr/share/doc" / name_of(folder) / licence.name, 0o644)
    for name in ("LICENSE", "ThirdPartyNotices.txt"):
        if (notice := installed / "onnxruntime" / name).exists():
            move(notice, layer / "usr/share/doc/onnxruntime-gpu" / name, 0o644)


def wheels(installed: Path) -> list[Path]:
    """The folders that tell about the wheels that are placed."""
    return sorted(path for path in installed.glob("*.dist-info") if path.name.startswith(("nvidia_", "onnxruntime")))


def name_of(folder: Path) -> str:
    """The name of a wheel, as the index spells it."""
    return folder.name.partition("-")[0].replace("_", "-")


def versions(installed: Path) -> list[tuple[str, str]]:
    """Name and version of each."""
    return [(name_of(path), path.name.removesuffix(".dist-info").partition("-")[2]) for path in wheels(installed)]


def move(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    target.chmod(mode)
    os.utime(target, (0, 0))
