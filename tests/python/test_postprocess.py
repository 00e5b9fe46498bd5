"""The operations of the postprocess backend through the server, over HTTP and gRPC, against numpy and OpenCV."""

import shutil
from pathlib import Path

import font
import numpy as np
import postprocess_references as references
import pytest
import tritonclient.grpc
import tritonclient.http
from PIL import Image, ImageDraw, ImageFont
from server import EXAMPLES, Log, launch, running
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
# Places and classes of a small detector, and the classes' names.
PLACES, CLASSES = 400, 3
LABELS = ["cat", "dog", "ferry"]
# How a picture of 800 x 300 was brought into a square of 400, and its pixels come back as.
TRANSFORM = np.array([0.5, 0.5, 0, 125], np.float32)
SIZE = np.array([300, 800], np.int32)


def tensor(name: str, data_type: str, dims: list[int], **more: str) -> str:
    """An input or output of `config.pbtxt`."""
    extra = "".join(f' {key}: "{value}"' for key, value in more.items())
    return f'{{ name: "{name}" data_type: TYPE_{data_type} dims: {dims}{extra} }}'


def config(rows: int, inputs: list[str], outputs: list[str], **parameters: object) -> str:
    """A model of the postprocess backend."""
    text = f'backend: "postprocess"\nmax_batch_size: {rows}\ninput [ {", ".join(inputs)} ]\n'
    text += f"output [ {', '.join(outputs)} ]\n" if outputs else ""
    for key, value in parameters.items():
        text += f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
    return text


LETTERBOX = [tensor("TRANSFORM", "FP32", [4]), tensor("ORIGINAL_SIZE", "INT32", [2])]
PREDICTIONS = tensor("PREDICTIONS", "FP32", [4 + CLASSES, PLACES])
NAMES = [tensor("LABELS", "STRING", [-1], label_filename="labels.txt")]
MODELS = {
    "softmax": config(8, [tensor("INPUT", "FP32", [5, 7])], [], operation="softmax", axis=-2),
    "argmax": config(8, [tensor("INPUT", "FP32", [3])], [tensor("LABELS", "STRING", [1], label_filename="labels.txt")],
                     operation="argmax"),
    "top_k": config(0, [tensor("INPUT", "FP32", [-1, 3])], [tensor("LABELS", "STRING", [-1, 2],
                    label_filename="labels.txt")], operation="top_k", k=2),
    "detection": config(8, [PREDICTIONS, *LETTERBOX], [], operation="detection", detections_max=20),
    "detection_one": config(0, [tensor("PREDICTIONS", "FP32", [1, PLACES, 4 + CLASSES])], NAMES,
                            operation="detection", layout="NC", iou_threshold=0.3),
    "nms": config(0, [tensor("BOXES", "FP32", [-1, 4]), tensor("SCORES", "FP32", [-1]),
                      tensor("CLASSES", "INT64", [-1])], [], operation="nms", box_format="xyxy", score_threshold=0),
    "heatmap": config(8, [tensor("HEATMAPS", "FP32", [17, 16, 12]), *LETTERBOX], [], operation="heatmap", stride=4),
    "concatenate": config(8, [tensor("A", "INT16", [2, -1]), tensor("B", "INT16", [2, 3])], [],
                          operation="concatenate", axis=-1),
    "text": config(8, [tensor("MAP", "FP32", [1, -1, -1])], [], operation="text_detection", regions_max=50),
    "text_one": config(0, [tensor("MAP", "FP32", [1, -1, -1]), tensor("SCALE", "FP32", [2]),
                           tensor("OFFSET", "FP32", [2])], [], operation="text_detection", box_threshold=0.5),
    "logits": config(0, [tensor("PREDICTIONS", "FP32", [PLACES, 5 + CLASSES])], [], operation="detection", layout="NC",
                     objectness=1, activation="sigmoid", coordinate_scale="2,0.5", score_threshold=0.1),
}
ENSEMBLE = """
platform: "ensemble"
max_batch_size: 4
input [ { name: "IMAGE" data_type: TYPE_FP32 dims: [ 3, -1, -1 ] } ]
output [ { name: "POLYGONS" data_type: TYPE_FP32 dims: [ 50, 4, 2 ] },
         { name: "SCORES" data_type: TYPE_FP32 dims: [ 50 ] },
         { name: "COUNT" data_type: TYPE_INT32 dims: [ 1 ] } ]
ensemble_scheduling { step [
  { model_name: "text_detector" model_version: -1
    input_map { key: "x" value: "IMAGE" } output_map { key: "sigmoid_0.tmp_0" value: "map" } },
  { model_name: "text" model_version: -1 input_map { key: "MAP" value: "map" }
    output_map { key: "POLYGONS" value: "POLYGONS" } output_map { key: "SCORES" value: "SCORES" }
    output_map { key: "COUNT" value: "COUNT" } } ] }
"""


def write(repository: Path, name: str, text: str) -> None:
    """A model that is its configuration."""
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(text)
    (repository / name / "labels.txt").write_text("\n".join(LABELS) + "\n")


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A server of all operations."""
    repository = tmp_path_factory.mktemp("heads")
    for name, text in {**MODELS, "find_text": ENSEMBLE}.items():
        write(repository, name, text)
    shutil.copytree(EXAMPLES / "text_detector", repository / "text_detector")
    with running(repository) as server:
        yield server


@pytest.fixture(params=PROTOCOLS)
def infer(heads, request):
    """Calls a model: arrays by name in, arrays by name out."""
    protocol = PROTOCOLS[request.param]
    port = heads.http if request.param == "http" else heads.grpc

    def call(model: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        inputs = []
        for name, array in arrays.items():
            inputs.append(protocol.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)))
            inputs[-1].set_data_from_numpy(array)
        with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
            result = client.infer(model, inputs)
            outputs = client.get_model_metadata(model)
        outputs = outputs["outputs"] if isinstance(outputs, dict) else outputs.outputs
        names = [output["name"] if isinstance(output, dict) else output.name for output in outputs]
        return {name: result.as_numpy(name) for name in names}

    return call


def chance(seed: int) -> np.random.Generator:
    """The same numbers in each run."""
    return np.random.default_rng(seed)


def predictions(seed: int) -> np.ndarray:
    """What a detector of pictures of 400 x 400 could say: `[places, 4 + classes]`."""
    numbers = chance(seed)
    boxes = np.concatenate([numbers.uniform(0, 400, (PLACES, 2)), numbers.uniform(20, 150, (PLACES, 2))], axis=1)
    return np.concatenate([boxes, numbers.uniform(0, 0.6, (PLACES, CLASSES))], axis=1).astype(np.float32)


def test_softmax(infer):
    numbers = chance(1).normal(0, 5, (3, 5, 7)).astype(np.float32)
    got = infer("softmax", INPUT=numbers)["PROBABILITIES"]
    np.testing.assert_allclose(got, references.softmax(numbers, 1), atol=1e-6)


def test_argmax_and_top_k_name_the_classes(infer):
    numbers = np.array([[0.5, 0.2, 0.5], [np.nan, 1, 3]], np.float32)
    got = infer("argmax", INPUT=numbers)
    assert got["INDICES"].tolist() == [[0], [2]] and got["VALUES"].tolist() == [[0.5], [3]]
    assert text(got["LABELS"]) == [["cat"], ["ferry"]]
    got = infer("top_k", INPUT=numbers)
    assert got["INDICES"].tolist() == [[0, 2], [2, 1]] and got["VALUES"].tolist() == [[0.5, 0.5], [3, 1]]
    assert text(got["LABELS"]) == [["cat", "ferry"], ["ferry", "dog"]]


def text(array: np.ndarray) -> list:
    """Strings of a BYTES tensor."""
    return np.vectorize(lambda item: item if isinstance(item, str) else item.decode(), otypes=[object])(array).tolist()


def test_detections_of_a_batch_are_padded_and_counted_in_the_pixels_of_the_picture(infer):
    rows = [predictions(2), predictions(3)]
    got = infer("detection", PREDICTIONS=np.stack([row.T for row in rows]).copy(),
                TRANSFORM=np.stack([TRANSFORM] * 2), ORIGINAL_SIZE=np.stack([SIZE] * 2))
    assert got["BOXES"].shape == (2, 20, 4) and got["COUNT"].shape == (2, 1)
    for index, row in enumerate(rows):
        boxes, scores, classes = (part[:20] for part in references.detect(row, 0.25, 0.45))
        assert got["COUNT"][index, 0] == len(boxes) == 20
        boxes = (boxes.reshape(-1, 2, 2) - TRANSFORM[2:]) / TRANSFORM[:2]
        boxes = np.clip(boxes, 0, SIZE[::-1].astype(np.float32)).reshape(-1, 4)
        np.testing.assert_array_equal(got["BOXES"][index], boxes)
        np.testing.assert_array_equal(got["SCORES"][index], scores)
        np.testing.assert_array_equal(got["CLASSES"][index], classes)
    nothing = infer("detection", PREDICTIONS=np.zeros((1, 4 + CLASSES, PLACES), np.float32),
                    TRANSFORM=TRANSFORM[None], ORIGINAL_SIZE=SIZE[None])
    assert nothing["COUNT"].tolist() == [[0]] and not nothing["BOXES"].any() and (nothing["CLASSES"] == -1).all()


def test_detections_of_one_picture_are_as_many_as_there_are(infer):
    row = predictions(4)
    got = infer("detection_one", PREDICTIONS=row[None])
    boxes, scores, classes = references.detect(row, 0.25, 0.3)
    assert 5 < len(boxes) < 300 and got["COUNT"].tolist() == [len(boxes)]
    np.testing.assert_array_equal(got["BOXES"], boxes)
    np.testing.assert_array_equal(got["SCORES"], scores)
    np.testing.assert_array_equal(got["CLASSES"], classes)
    assert text(got["LABELS"]) == [LABELS[index] for index in classes]
    np.testing.assert_array_equal(row[got["INDICES"], 4:].max(1), scores)
    assert infer("detection_one", PREDICTIONS=np.full_like(row, np.nan)[None])["BOXES"].shape == (0, 4)


def test_logits_with_an_objectness_and_boxes_in_other_units(infer):
    row, numbers = predictions(9), chance(9)
    logits = np.concatenate([row[:, :4], numbers.normal(0, 2, (PLACES, 1 + CLASSES))], axis=1).astype(np.float32)
    got = infer("logits", PREDICTIONS=logits)
    scores = 1 / (1 + np.exp(-logits[:, 4:].astype(np.float64)))
    row = np.concatenate([row[:, :4] * np.float32([2, 0.5, 2, 0.5]), scores[:, :1] * scores[:, 1:]], axis=1)
    boxes, scores, classes = references.detect(row, 0.1, 0.45)
    assert len(boxes) > 20
    np.testing.assert_allclose(got["BOXES"], boxes, rtol=1e-6)
    np.testing.assert_allclose(got["SCORES"], scores, rtol=1e-6)
    np.testing.assert_array_equal(got["CLASSES"], classes)


def test_a_row_that_makes_no_sense_fails_and_the_next_request_does_not(infer):
    row = predictions(5).T[None].copy()
    with pytest.raises(InferenceServerException, match="scales must be greater than 0"):
        infer("detection", PREDICTIONS=row, TRANSFORM=np.zeros((1, 4), np.float32), ORIGINAL_SIZE=SIZE[None])
    with pytest.raises(InferenceServerException, match="must be height and width"):
        infer("detection", PREDICTIONS=row, TRANSFORM=TRANSFORM[None], ORIGINAL_SIZE=-SIZE[None])
    assert infer("detection", PREDICTIONS=row, TRANSFORM=TRANSFORM[None], ORIGINAL_SIZE=SIZE[None])["COUNT"] > 0


def test_nms(infer):
    numbers = chance(6)
    corner = numbers.uniform(0, 80, (300, 2))
    boxes = np.concatenate([corner, corner + numbers.uniform(5, 40, (300, 2))], axis=1).astype(np.float32)
    scores, classes = numbers.uniform(0.1, 1, 300).astype(np.float32), numbers.integers(0, 4, 300)
    got = infer("nms", BOXES=boxes, SCORES=scores, CLASSES=classes)
    kept = references.suppress(boxes, scores, classes, 0.45)
    assert got["INDICES"].tolist() == kept
    np.testing.assert_array_equal(got["BOXES"], boxes[kept])
    with pytest.raises(InferenceServerException, match="as many boxes, scores and classes"):
        infer("nms", BOXES=boxes, SCORES=scores[1:], CLASSES=classes)


def test_heatmap(infer):
    maps = chance(7).normal(size=(2, 17, 16, 12)).astype(np.float32)
    got = infer("heatmap", HEATMAPS=maps, TRANSFORM=np.stack([TRANSFORM] * 2), ORIGINAL_SIZE=np.stack([SIZE] * 2))
    flat = maps.reshape(2, 17, -1)
    at = np.stack([flat.argmax(2) % 12, flat.argmax(2) // 12], axis=2).astype(np.float32)
    expected = np.clip((at * 4 - TRANSFORM[2:]) / TRANSFORM[:2], 0, SIZE[::-1])
    np.testing.assert_array_equal(got["POINTS"], expected)
    np.testing.assert_array_equal(got["SCORES"], flat.max(2))


def test_concatenate(infer):
    a, b = (chance(8).integers(-9, 9, (2, 2, size), dtype=np.int16) for size in (4, 3))
    np.testing.assert_array_equal(infer("concatenate", A=a, B=b)["OUTPUT"], np.concatenate([a, b], axis=2))


def blurred_map(seed: int) -> np.ndarray:
    """A map with lines of text at all angles."""
    picture = Image.new("L", (320, 240))
    draw, numbers = ImageDraw.Draw(picture), chance(seed)
    for row in range(3):
        for column in range(3):
            x, y = 55 + 105 * column, 45 + 75 * row
            dx, dy = numbers.uniform(15, 38), numbers.uniform(-20, 20)
            draw.line([(x - dx, y - dy), (x + dx, y + dy)], fill=int(numbers.integers(215, 255)),
                      width=int(numbers.integers(8, 16)))
    return np.asarray(picture, np.float32) / 255


def assert_same_texts(polygons: np.ndarray, scores: np.ndarray, expected: list, overlap_min: float) -> None:
    """Each line of one is a line of the other."""
    assert len(polygons) == len(expected) > 0
    for corners, score in expected:
        nearest = int(np.linalg.norm(polygons.mean(1) - corners.mean(0), axis=1).argmin())
        assert references.polygons_overlap(corners, polygons[nearest]) > overlap_min
        assert scores[nearest] == pytest.approx(score, abs=0.05)


def test_text_is_where_opencv_finds_it(infer):
    maps = [blurred_map(seed) for seed in range(3)]
    got = infer("text", MAP=np.stack(maps)[:, None])
    for index, probabilities in enumerate(maps):
        count = got["COUNT"][index, 0]
        expected = references.find_text(probabilities, references.mean_of_near, 0.6)
        assert_same_texts(got["POLYGONS"][index, :count], got["SCORES"][index, :count], expected, 0.97)
        assert not got["POLYGONS"][index, count:].any()
        np.testing.assert_array_equal(got["BOXES"][index, :, :2], got["POLYGONS"][index].min(1))
    one = infer("text_one", MAP=maps[0][None], SCALE=np.array([2, 1], np.float32), OFFSET=np.array([5, -7], np.float32))
    expected = references.find_text(maps[0], references.mean_of_near, 0.5)
    expected = [((corners - [5, -7]) / [2, 1], score) for corners, score in expected]
    assert_same_texts(one["POLYGONS"], one["SCORES"], expected, 0.97)


def test_the_lines_of_a_page_are_found_by_the_detector_and_its_head(infer):
    page = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(page)
    typeface = ImageFont.truetype(str(font.place("DejaVuSans.ttf")), 28)
    lines = [(40, 60, "Nereid finds lines"), (200, 180, "of text on a page"), (60, 320, "wherever they are")]
    for x, y, words in lines:
        draw.text((x, y), words, fill="black", font=typeface)
    pixels = (np.asarray(page, np.float32)[:, :, ::-1].transpose(2, 0, 1) - 127.5) / 127.5
    got = infer("find_text", IMAGE=pixels[None].astype(np.float32))
    count = got["COUNT"][0, 0]
    polygons, scores = got["POLYGONS"][0, :count], got["SCORES"][0, :count]
    drawn = [np.array(draw.textbbox((x, y), words, font=typeface), np.float32) for x, y, words in lines]
    for left, top, right, bottom in drawn:
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        assert max(references.polygons_overlap(corners, polygon) for polygon in polygons) > 0.6
    probabilities = infer("text_detector", x=pixels[None].astype(np.float32))["sigmoid_0.tmp_0"][0, 0]
    expected = references.find_text(probabilities, references.mean_of_filled, 0.6)
    assert_same_texts(polygons, scores, expected, 0.95)


@pytest.mark.parametrize("text, expected", [
    (config(8, [PREDICTIONS], [], operation="detection", iou="0.5", layout="NCHW"),
     ["parameter 'layout' must be \"CN\" or \"NC\", not \"NCHW\"", "parameter 'iou' is unknown"]),
    (config(8, [tensor("X", "FP32", [7, 9])], [], operation="detection"), ["no input 'X'; its inputs are PREDICTIONS"]),
    (config(8, [tensor("PREDICTIONS", "FP32", [4, 9])], [], operation="detection"), ["the classes for each place"]),
    (config(8, [PREDICTIONS], [tensor("LABELS", "STRING", [-1])], operation="detection"), ["needs label_filename"]),
    (config(8, [tensor("INPUT", "FP32", [5])], [], operation="softmax", axis=-2), ["a row of input 'INPUT' has 1"]),
    (config(8, [tensor("A", "FP32", [2]), tensor("B", "INT8", [2])], [], operation="concatenate"),
     ["input 'B' must be TYPE_FP32 of 1 dims"]),
    (config(1024, [PREDICTIONS], [], operation="detection", detections_max=16384), ["at most 4194304"]),
    (config(8, [PREDICTIONS], [], operation="detect"), ["must be one of argmax, concatenate, ctc_greedy_decode"]),
])
def test_a_configuration_that_makes_no_sense_is_told_why(tmp_path, text, expected):
    write(tmp_path, "bad", text)
    process = launch("--model-repository", str(tmp_path))
    log = Log(process.stderr).wait_for_end()
    assert process.wait() == 1
    assert all(part in log for part in expected), log
