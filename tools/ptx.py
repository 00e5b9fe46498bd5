"""Compiles the CUDA kernels to the PTX that is committed and shipped, and has NVIDIA's assembler check it.

    python3 tools/ptx.py            kernels/cuda/*.cu -> kernels/cuda/*.ptx, and the compiler's licence beside them
    python3 tools/ptx.py --check    compile again, compare with what is committed, and assemble it for every GPU

Both end with what the assembler says, whose registers have to be those in the notes of the sources.

Neither needs a GPU or a driver. The compiler is NVRTC 12.0, whose PTX drivers from 525 on take. Without fused
multiply-add and fast math, so that a kernel computes what its CPU twin computes, bit by bit. The assembler is of CUDA
12.9, the oldest that knows the newest GPUs; a kernel that spills registers is an error.
"""

import argparse
import concurrent.futures
import ctypes
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cache
import fetch

KERNELS = fetch.REPOSITORY / "kernels" / "cuda"
LICENSE = KERNELS / "NVRTC-LICENSE.txt"
LICENSE_SHA256 = "ad6f5853fba0ca0d159d0f58d49ae49830c2f8c93f7a92648b9ce90adb4c6ccd"

COMPILER = fetch.Wheel(
    "nvidia-cuda-nvrtc-cu12",
    "12.0.140",
    "8e94e991d85c422de4da87bdc7472fdc1364367bd4aace7000b559cd33122071",
    {
        "nvidia/cuda_nvrtc/lib/libnvrtc.so.12": "f26e5a4f98c9417a96694539096bd8e2fe69bce3b0ee522b62cc4ca8c647c79a",
        "nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.0": "8cb4db2d2806cd3b85e60023f5988811584d7f0fef51d1a4d380faf4e6432c74",
        "nvidia_cuda_nvrtc_cu12-12.0.140.dist-info/License.txt": LICENSE_SHA256,
    },
    "manylinux1_x86_64",
)
ASSEMBLER = fetch.Wheel(
    "nvidia-cuda-nvcc-cu12",
    "12.9.86",
    "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
    {
        "nvidia/cuda_nvcc/bin/ptxas": "983b0e9283855979f42cebfd80d43f9b6e786eb84f03f7570bf941c4d3a3c461",
        "nvidia_cuda_nvcc_cu12-12.9.86.dist-info/licenses/License.txt": LICENSE_SHA256,
    },
    "manylinux2010_x86_64",
)
OPTIONS = ["--gpu-architecture=compute_75", "--fmad=false", "--std=c++17", "--device-as-default-execution-space"]
# From the oldest that NVRTC's PTX is for to the newest: Turing, Ampere (two), Ada, Hopper, Blackwell (two).
GPUS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
# The one of which figures are printed, and stand in the notes of the sources.
NOTED = "sm_80"


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed instead of writing it")
    arguments = parser.parse_args()
    fetch.require_platform()
    fetch.fetch(COMPILER)
    sources = sorted(KERNELS.glob("*.cu"))
    made = {source.with_suffix(".ptx"): compiled(source) for source in sources}
    made[LICENSE] = COMPILER.place("License.txt").read_text(encoding="utf-8")
    if not arguments.check:
        for place, text in made.items():
            place.write_text(text, encoding="utf-8", newline="")
    check_committed(made)
    fetch.fetch(ASSEMBLER)
    assemble([place for place in made if place.suffix == ".ptx"])


def check_committed(made: dict[Path, str]) -> None:
    """Ends the script where a file differs from what its source gives, or has no source."""
    there = {*KERNELS.glob("*.ptx"), LICENSE}
    differing = [place for place in sorted({*made, *there}) if made.get(place) != text_of(place)]
    if differing:
        names = ", ".join(place.name for place in differing)
        cache.fail(f"{KERNELS.name}: {names} not as the sources give it: run `make ptx` and commit what it writes")
    cache.say(f"{len(made) - 1} PTX files are what their sources give")


def text_of(place: Path) -> str | None:
    """The content of a file, or nothing."""
    try:
        return place.read_bytes().decode()
    except FileNotFoundError:
        return None


def compiled(source: Path) -> str:
    """The PTX of a source."""
    nvrtc = library()
    headers = sorted(KERNELS.glob("*.cuh"))
    names = (ctypes.c_char_p * len(headers))(*[header.name.encode() for header in headers])
    texts = (ctypes.c_char_p * len(headers))(*[header.read_bytes() for header in headers])
    program = ctypes.c_void_p()
    name, text = source.name.encode(), source.read_bytes()
    require(nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, name, len(headers), texts, names), source)
    options = (ctypes.c_char_p * len(OPTIONS))(*[option.encode() for option in OPTIONS])
    result = nvrtc.nvrtcCompileProgram(program, len(OPTIONS), options)
    told = output(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
    if result != 0 or told:
        cache.fail(f"{source.name} does not compile without a word of NVRTC:\n{told}")
    ptx = output(program, nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return ptx


def library() -> ctypes.CDLL:
    """NVRTC, which looks for its second library by name: it is loaded first."""
    ctypes.CDLL(str(COMPILER.place("libnvrtc-builtins.so.12.0")), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(COMPILER.place("libnvrtc.so.12")))


def output(program: ctypes.c_void_p, size_of: Callable, get: Callable) -> str:
    """What NVRTC holds of a program."""
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    get(program, text)
    return text.value.decode()


def require(result: int, source: Path) -> None:
    """Ends the script where NVRTC refuses a call."""
    if result != 0:
        cache.fail(f"{source.name}: NVRTC refused it with error {result}")


def assemble(places: list[Path]) -> None:
    """Has the assembler take each file for each GPU, and prints what the kernels need."""
    program = ASSEMBLER.place("ptxas")
    program.chmod(0o755)
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor() as threads:
        jobs = {
            (place, gpu): threads.submit(assembled, program, place, gpu, Path(scratch))
            for place in places
            for gpu in GPUS
        }
        needs = {job: found.result() for job, found in jobs.items()}
    for (place, gpu), kernels in needs.items():
        for kernel, (need, spilled) in kernels.items():
            if spilled:
                cache.fail(f"{place.name}: {kernel} spills registers on {gpu}: {need}")
            if gpu == NOTED:
                cache.say(f"  {kernel}: {need}")
    cache.say(f"ptxas takes them for {', '.join(GPUS)} without spills; the figures are those of {NOTED}")
    for place in places:
        check_notes(place.with_suffix(".cu"), needs[place, NOTED])


def check_notes(source: Path, kernels: dict[str, tuple[str, bool]]) -> None:
    """Ends the script where a source does not say how many registers its kernels have."""
    notes = [f"//   {kernel}: {need.split(' registers')[0]} registers\n" for kernel, (need, _) in kernels.items()]
    text = source.read_text(encoding="utf-8")
    if missing := [note for note in notes if note not in text]:
        cache.fail(f"{source.name}: on {NOTED}, its note has to say:\n{''.join(missing)}")


def assembled(program: Path, place: Path, gpu: str, scratch: Path) -> dict[str, tuple[str, bool]]:
    """Of each kernel in a file, what the assembler says that it needs, and whether it spills."""
    out = scratch / f"{place.stem}-{gpu}.cubin"
    command = [str(program), "--verbose", f"--gpu-name={gpu}", f"--output-file={out}", str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        cache.fail(f"ptxas refuses {place.name} for {gpu}:\n{done.stdout}{done.stderr}")
    found = re.findall(
        r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used ([^\n]*)",
        done.stdout + done.stderr,
        re.DOTALL,
    )
    if not found:
        cache.fail(f"ptxas told nothing of the kernels in {place.name} that can be read:\n{done.stdout}{done.stderr}")
    return {kernel: (need, (stores, loads) != ("0", "0")) for kernel, stores, loads, need in found}


if __name__ == "__main__":
    sys.exit(main())
