"""What the tests of the TensorRT backend compare it with, for those who have no TensorRT. Each prints where it is.

    python3 tools/tensorrt.py headers   NVIDIA's headers of TensorRT 11.4 (1 MB): NEREID_TENSORRT_HEADERS
    python3 tools/tensorrt.py rtx       TensorRT for RTX, a real library of the same layout (146 MB): NEREID_TENSORRT_RTX
    python3 tools/tensorrt.py cached    the variables of what is fetched already, for a shell

The headers (Apache-2.0) are in the crate trtx-sys, which cargo fetches; nothing of it is built or linked. The library is in
a wheel that NVIDIA puts on PyPI, under NVIDIA's licence; it is opened by a test and never shipped. Both are pinned by hash.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import cache
import fetch

CRATE = "trtx-sys-0.9.1+rtx1.7"
CRATE_SHA256 = "5480ee056292951daa1bc74532162d6cb75190f091e45d7d97c0c356916ae171"
HEADERS = cache.directory() / "tensorrt-headers-11.4"
# Of the headers' folders: that of TensorRT, and the two types of CUDA that it needs.
WANTED = ("TensorRT-Headers/TRT-Enterprise-11.4/", "TensorRT-Headers/cuda_runtime_api.h")
LAST = "cuda_runtime_api.h"
LAST_SHA256 = "717316e2482ec9cbd5708553964781d20abafa37cfac0bd66c1b59817e55e811"
RTX = fetch.Wheel(
    "onnxruntime-ep-nv-tensorrt-rtx-cu13",
    "0.5.0",
    "32f575c633d171b4edf4b53d3bb22b72a6c9c0a850d2982ce9a788a5d40d3298",
    {"onnxruntime_ep_nv_tensorrt_rtx/libtensorrt_rtx.so.1.7.1": "6980f8946580af43f06ccbd82a06c65d61638ff76329d726764a0a408747be84"},
)
LIBRARY = RTX.place("libtensorrt_rtx.so.1.7.1")


def main() -> None:
    """Does what the command line asks for."""
    match sys.argv[1:]:
        case ["headers"]:
            if not cache.holds(HEADERS / LAST, LAST_SHA256):
                fetch_headers()
            print(HEADERS)
        case ["rtx"]:
            # What it says of its progress is no part of the answer.
            say, cache.say = cache.say, lambda text: print(text, file=sys.stderr)
            fetch.fetch(RTX)
            cache.say = say
            print(LIBRARY)
        case ["cached"]:
            if cache.holds(HEADERS / LAST, LAST_SHA256):
                print(f"NEREID_TENSORRT_HEADERS={HEADERS}")
            if LIBRARY.exists():
                print(f"NEREID_TENSORRT_RTX={LIBRARY}")
        case _:
            cache.fail(__doc__)


def fetch_headers() -> None:
    """Lets cargo fetch the crate, and takes its headers out; the one that is looked for comes last."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "src").mkdir()
        (home / "src" / "lib.rs").touch()
        manifest = home / "Cargo.toml"
        version = CRATE.partition("+")[0].removeprefix("trtx-sys-")
        manifest.write_text(
            '[package]\nname = "fetch"\nedition = "2024"\n\n[dependencies]\n'
            f'trtx-sys = {{ version = "={version}", default-features = false }}\n',
            encoding="utf-8",
        )
        command = ["cargo", "fetch", f"--manifest-path={manifest}"]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
            cache.fail("cargo could not fetch trtx-sys; its own words are above.")
    cargo = Path(os.environ.get("CARGO_HOME") or "~/.cargo").expanduser()
    archives = [path for path in cargo.glob(f"registry/cache/*/{CRATE}.crate") if cache.digest(path.read_bytes()) == CRATE_SHA256]
    if not archives:
        cache.fail(f"cargo has no {CRATE}.crate of SHA-256 {CRATE_SHA256} in {cargo}/registry/cache.")
    with tarfile.open(archives[0]) as members:
        wanted = [member for member in members if member.isfile() and member.name.startswith(inside())]
        for member in sorted(wanted, key=lambda member: member.name.endswith(LAST)):
            content = members.extractfile(member).read()
            place = HEADERS / member.name.removeprefix(f"{CRATE}/TensorRT-Headers/")
            # The archive's hash is pinned, and so its members' are.
            cache.put(place, content, cache.digest(content))


def inside() -> tuple[str, ...]:
    """The paths of what is wanted in the archive."""
    return tuple(f"{CRATE}/{path}" for path in WANTED)


if __name__ == "__main__":
    main()
