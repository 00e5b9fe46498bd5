"""The JPEGs that Go and Pillow are tested with, against Pillow, over the wire.

Usual baseline files have the reference's bits; of others levels differ as `docs/image.md` says.
"""

import io

import jpeg_corpus
import numpy as np
import pytest
from image_models import ask, write_model
from PIL import Image, ImageOps, UnidentifiedImageError
from server import running
from tritonclient.utils import InferenceServerException

OFF_MAX, OFF_MEAN = 6, 0.5
# Green and blue are halved, and the server mixes the last column with what lies beyond the picture.
ODD_ONES = {"golang-1.19-video-001.rgb.jpeg": 22}
# Its pixel data are broken: the reference makes a picture of what it can read, with a warning.
REFUSED = {"pillow-hopper_bad_exif.jpg": "Bad Huffman Code"}
FILES = sorted(jpeg_corpus.home().glob("*.jp*g"))
# As many at least are decoded to the reference's bits.
EXACT_MIN = 50


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A server of one model, which decodes."""
    folder = tmp_path_factory.mktemp("jpeg_corpus")
    write_model(folder, "as_it_is", {"resize": "none", "layout": "NHWC"}, outputs=[("PIXELS", "UINT8", [-1, -1, 3])])
    with running(folder) as server:
        yield server


def reference(file: bytes) -> np.ndarray | None:
    """The pixels of a file as Pillow sees them, upright; `None` if it refuses it."""
    try:
        return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))
    except (OSError, UnidentifiedImageError):
        return None


@pytest.mark.skipif(not FILES, reason="the JPEGs of Go and Pillow are missing: run tools/jpeg_corpus.py")
def test_the_corpus_is_decoded_as_by_pillow(images):
    exact = 0
    for path in FILES:
        file = path.read_bytes()
        expected = None if path.name in REFUSED else reference(file)
        if expected is None:
            with pytest.raises(InferenceServerException, match=REFUSED.get(path.name, "the JPEG is truncated")):
                ask(images, "as_it_is", {"IMAGE": [file]})
            continue
        got = ask(images, "as_it_is", {"IMAGE": [file]})["PIXELS"][0]
        assert got.shape == expected.shape, path.name
        off = np.abs(got.astype(int) - expected)
        assert off.max() <= ODD_ONES.get(path.name, OFF_MAX) and off.mean() <= OFF_MEAN, (path.name, off.max(), off.mean())
        exact += off.max() == 0
    assert exact >= EXACT_MIN
