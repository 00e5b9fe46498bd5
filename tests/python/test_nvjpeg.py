"""nvJPEG's binding, and its double, against the headers and libraries of NVIDIA's own. No GPU is used: no function but that
for the version is called here."""

import ctypes
import re
from pathlib import Path

import fetch
import nvjpeg
import pytest

BINDING = fetch.REPOSITORY / "kernels/src/nvjpeg"
DOUBLE = fetch.REPOSITORY / "tests/softnvjpeg/src/api.rs"
ARE_FETCHED = all(nvjpeg.library(wheel).exists() for wheel in nvjpeg.WHEELS)

pytestmark = [
    pytest.mark.skipif(not ARE_FETCHED, reason="NVIDIA's nvJPEG is missing: run tools/nvjpeg.py"),
    pytest.mark.parametrize("wheel", nvjpeg.WHEELS, ids=lambda wheel: wheel.version),
]


def source(path: Path) -> str:
    """Without comments, and with arguments on one line."""
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8")))


def called() -> dict[str, list[str]]:
    """What the binding calls."""
    return nvjpeg.rust_functions(source(BINDING / "sys.rs"), r"\w+: (nvjpeg\w+)\(([^)]*)\);")


def interface(wheel: fetch.Wheel) -> nvjpeg.Interface:
    return nvjpeg.interface(nvjpeg.header(wheel).read_text(encoding="utf-8"))


def test_the_binding_calls_functions_as_the_header_declares_them(wheel):
    declared = interface(wheel).functions
    assert len(called()) == 32
    for name, arguments in called().items():
        assert arguments == declared[name], name


def test_the_double_exports_what_is_called_as_the_header_declares_it(wheel):
    exported = nvjpeg.rust_functions(source(DOUBLE), r"fn (nvjpeg\w+)\(([^)]*)\) \{")
    assert exported.keys() == called().keys()
    # Its handles are numbers, which are passed as pointers are.
    wide = {"pointer": "64 bits", "size": "64 bits"}
    for name, arguments in exported.items():
        passed, declared = ([wide.get(kind, kind) for kind in kinds] for kinds in (arguments, interface(wheel).functions[name]))
        assert passed == declared, name


def test_constants_are_those_of_the_header(wheel):
    constants = interface(wheel).constants
    binding = source(BINDING / "sys.rs") + source(BINDING / "status.rs")
    own = re.findall(r"const (NVJPEG_\w+): \w+ = ([^;]+);", binding)
    assert len(own) == 10
    for name, value in own:
        assert nvjpeg.number(value.replace(" ", "")) == constants[name], name
    statuses = re.findall(r'\("(NVJPEG_STATUS_\w+)"', source(BINDING / "status.rs"))
    assert {name: value for name, value in constants.items() if name.startswith("NVJPEG_STATUS_") and value} == {
        name: place for place, name in enumerate(statuses, 1)
    }


def test_an_image_is_four_addresses_and_four_pitches(wheel):
    declared = interface(wheel)
    assert declared.image == ["unsignedchar*channel[NVJPEG_MAX_COMPONENT]", "size_tpitch[NVJPEG_MAX_COMPONENT]"]
    assert declared.constants["NVJPEG_MAX_COMPONENT"] == 4
    for path in (BINDING / "sys.rs", DOUBLE.with_name("decode.rs")):
        assert "channel: [u64; 4], pitch: [usize; 4]," in source(path)


def test_the_real_library_has_every_function_and_its_version(wheel):
    library = ctypes.CDLL(str(nvjpeg.library(wheel)))
    missing = [name for name in called() if not hasattr(library, name)]
    assert missing == []
    version = []
    for place in range(3):
        value = ctypes.c_int(-1)
        assert library.nvjpegGetProperty(place, ctypes.byref(value)) == 0
        version.append(str(value.value))
    assert wheel.version.split(".")[:3] == version
