"""Fetches NVIDIA's nvJPEG of two versions, of which tests read the headers and look up the functions (23 MB).

    python3 tools/nvjpeg.py

Nothing of it is shipped, and no GPU is needed: `tests/python/test_nvjpeg.py` compares what `kernels/src/nvjpeg` declares,
and what the double in `tests/softnvjpeg` exports, with them.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import fetch

PLATFORM = "manylinux2014_x86_64"
LICENSE_SHA256 = "ad6f5853fba0ca0d159d0f58d49ae49830c2f8c93f7a92648b9ce90adb4c6ccd"
WHEELS = [
    fetch.Wheel(
        "nvidia-nvjpeg-cu12",
        "12.4.0.76",
        "3888f10b32fbd58e80166c48e01073732d752fa5f167b7cb5b9615f1c6375a20",
        {
            "nvidia/nvjpeg/include/nvjpeg.h": "6c2a7eeea5d90843e18da6f1e4008d9d1c880d1fb0b06052691530f47bf811a6",
            "nvidia/nvjpeg/lib/libnvjpeg.so.12": "27e1eb1834b20db64f99deba379746d8ec46b92975ccb4cdfa06a84d77e4c11e",
            "nvidia_nvjpeg_cu12-12.4.0.76.dist-info/licenses/License.txt": LICENSE_SHA256,
        },
        PLATFORM,
    ),
    fetch.Wheel(
        "nvidia-nvjpeg",
        "13.3.2.43",
        "27f9c4a25a73f1d1ad35c342c8d657c8ff43e23877f338ef15fb2602ac2e5aa8",
        {
            "nvidia/cu13/include/nvjpeg.h": "f71403fd02d79beffde8dfa39aa6a4a0e86b06eed4365b1e4cd679b24eefdd86",
            "nvidia/cu13/lib/libnvjpeg.so.13": "e9df27bc5a32d4b4c30d482da815d9e7af2efb593a673692aa6b2b429be17c39",
            "nvidia_nvjpeg-13.3.2.43.dist-info/licenses/License.txt": LICENSE_SHA256,
        },
        PLATFORM,
    ),
]

# How C passes what a Rust type is.
RUST_KINDS = {"i32": "int", "u32": "unsigned", "usize": "size", "Raw": "pointer", "CudaStream": "pointer"}
C_KINDS = {"int": "int", "unsigned int": "unsigned", "size_t": "size", "cudaStream_t": "pointer"}
# An enumeration of `library_types.h`, which the wheels do not have.
C_ENUMERATIONS = {"libraryPropertyType"}


@dataclass(frozen=True)
class Interface:
    """What a header declares."""

    # By name: how each argument is passed.
    functions: dict[str, list[str]]
    # Enumerators and macros.
    constants: dict[str, int]
    # The fields of `nvjpegImage_t`, each without spaces.
    image: list[str]


def main() -> None:
    """Brings the files into the cache, unless they are there."""
    for wheel in WHEELS:
        fetch.fetch(wheel)


def header(wheel: fetch.Wheel) -> Path:
    """Where its header stands in the cache."""
    return wheel.place("nvjpeg.h")


def library(wheel: fetch.Wheel) -> Path:
    """Where its library stands in the cache."""
    return wheel.place(next(Path(member).name for member in wheel.files if ".so." in member))


def interface(text: str) -> Interface:
    """What the text of a header declares."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    enumerations = C_ENUMERATIONS | set(re.findall(r"typedef enum\s*\w*\s*\{[^}]*\}\s*(\w+)\s*;", text))
    handles = set(re.findall(r"typedef struct \w+\s*\*\s*(\w+)\s*;", text))
    functions = {}
    for name, arguments in re.findall(r"nvjpegStatus_t\s+(?:NVJPEGAPI\s+)?(nvjpeg\w+)\s*\(([^)]*)\)\s*;", text):
        functions[name] = [c_kind(argument, enumerations, handles) for argument in arguments.split(",")]
    constants = dict(re.findall(r"\b(NVJPEG_\w+)\s*=\s*([-\w]+)", text))
    constants |= dict(re.findall(r"#define\s+(NVJPEG_\w+)\s+([-\w<]+)\s", text))
    image = re.search(r"typedef struct\s*\{([^}]*)\}\s*nvjpegImage_t;", text)[1]
    return Interface(
        functions,
        {name: number(value) for name, value in constants.items()},
        ["".join(field.split()) for field in image.split(";") if field.strip()],
    )


def c_kind(argument: str, enumerations: set[str], handles: set[str]) -> str:
    """How an argument of C is passed."""
    if "*" in argument or "[" in argument:
        return "pointer"
    kind = " ".join(word for word in argument.split()[:-1] if word != "const")
    if kind in enumerations:
        return "int"
    return "pointer" if kind in handles else C_KINDS[kind]


def rust_kind(argument: str) -> str:
    """How an argument of Rust is passed."""
    kind = argument.partition(":")[2].strip()
    return "pointer" if kind.startswith(("*", "Out<", "In<")) else RUST_KINDS[kind]


def rust_functions(source: str, pattern: str) -> dict[str, list[str]]:
    """The functions that a source of Rust declares: `pattern` has groups for the name and the arguments."""
    declared = {}
    for name, arguments in re.findall(pattern, source):
        declared[name] = [rust_kind(argument) for argument in arguments.split(", ") if argument.strip(" ,\n")]
    return declared


def number(text: str) -> int:
    """What a constant expression of the header is."""
    value, _, places = text.partition("<<")
    return int(value, 0) << int(places or "0", 0)


if __name__ == "__main__":
    main()
