"""The image backend against Pillow and OpenCV: every kind of file, every operation, over the wire.

Tolerances are in levels of 0 to 255. Usual baseline files have the reference's bits. Of others decoders differ by 4 at
most, where chroma is enlarged in both directions (the reference rounds once), else by 3 (inverse transforms round
differently), and by 0.5 on average. Resizing is compared on the decoded picture of a PNG, which is exact, with references that round to whole
levels: by 0.5 once, twice by Pillow and in fixed point by OpenCV, so by 1.01.
"""

import io

import cv2
import jpegs
import numpy as np
import pytest
import tritonclient.http
from image_models import ask, write_model
from PIL import Image, ImageOps
from server import running
from tritonclient.utils import InferenceServerException

DECODED_OFF_MAX, DECODED_OFF_MEAN = 4, 0.5
RESIZED_OFF_MAX = 1.01
# The reference rounds once more.
GRAY_OFF_MAX = 1.51
# What the names of files begin with that are decoded to the reference's bits, unless they are in several scans.
USUAL = ("420", "422", "444", "L False", "size", "flat grey", "flat 420", "orientation")
WIDTH, HEIGHT = 96, 64
AS_IT_IS = {"resize": "none", "layout": "NHWC"}
UINT8 = [("PIXELS", "UINT8", [-1, -1, 3])]


def scene(width: int, height: int) -> np.ndarray:
    """A picture with smooth parts, edges and grain."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    levels = np.stack([128 + 90 * np.sin(x / 17 + y / 31), 128 + 80 * np.cos(y / 13), 128 + 100 * np.sin((x - y) / 23)], -1)
    for _ in range(12):
        left, top, side = rng.integers(0, width), rng.integers(0, height), rng.integers(3, 20)
        levels[top : top + side, left : left + 2 * side] = rng.integers(0, 256, 3)
    return np.clip(levels + rng.normal(0, 4, levels.shape), 0, 255).astype(np.uint8)


SCENE = scene(123, 77)


def by_pillow(levels: np.ndarray, kind: str = "JPEG", mode: str = "RGB", **options) -> bytes:
    """A file that Pillow writes."""
    file = io.BytesIO()
    Image.fromarray(levels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def by_opencv(levels: np.ndarray, *flags: int) -> bytes:
    """A JPEG that OpenCV writes."""
    written, file = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90, *flags])
    assert written
    return file.tobytes()


def sampled(name: str, *flags: int) -> bytes:
    """A JPEG of one of OpenCV's samplings, such as 411."""
    return by_opencv(SCENE, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}"), *flags)


def turned(number: int, kind: str = "JPEG") -> bytes:
    """A file that says which way up it is."""
    exif = Image.Exif()
    exif[0x0112] = number
    return by_pillow(SCENE, kind, exif=exif)


def corpus() -> dict[str, bytes]:
    """A file of each kind."""
    files = {}
    for name in ("411", "420", "422", "440", "444"):
        files[f"{name}"] = sampled(name)
        files[f"{name} progressive"] = sampled(name, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
        files[f"{name} restart"] = sampled(name, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    for mode in ("L", "CMYK"):
        for progressive in (False, True):
            files[f"{mode} {progressive}"] = by_pillow(SCENE, mode=mode, quality=90, progressive=progressive)
    files["RGB, not YCbCr"] = by_pillow(SCENE, quality=90, keep_rgb=True)
    for size in ((1, 1), (1, 17), (17, 1), (4, 4), (5, 17), (8, 8), (15, 9), (16, 16), (33, 31)):
        files[f"size {size}"] = by_pillow(scene(*size), quality=95, subsampling="4:2:0")
    full, half = (1, 1), (2, 2)
    for name, sampling in {
        "410": [(4, 2), full, full], "3x1": [(3, 1), full, full], "chroma larger": [full, half, half],
        "grey": [full], "420": [half, full, full],
    }.items():
        for separate in (False, True):
            for restart in (0, 3):
                file = jpegs.flat_blocks((77, 45), sampling, separate, restart)
                files[f"flat {name}, separate {separate}, restart {restart}"] = file
    for number in range(1, 9):
        files[f"orientation {number}"] = turned(number)
    return files


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A server of many models of the image backend."""
    folder = tmp_path_factory.mktemp("images")
    write_model(folder, "as_it_is", AS_IT_IS, outputs=UINT8)
    write_model(folder, "as_stored", AS_IT_IS | {"exif_orientation": "ignore"}, outputs=UINT8)
    for name, parameters in RESIZES.items():
        for antialias in ("false", "true"):
            write_model(folder, f"{name}_{antialias}", parameters | {"antialias": antialias})
    size = {"width": WIDTH, "height": HEIGHT}
    for kind in ("UINT8", "FP16", "FP32", "FP64"):
        for layout, dims in (("NCHW", [3, HEIGHT, WIDTH]), ("NHWC", [HEIGHT, WIDTH, 3])):
            parameters = size | {"layout": layout, "channel_order": "BGR", "mean": "10,20,30", "scale": "1,0.5,0.25"}
            write_model(folder, f"cast_{kind}_{layout}", parameters, outputs=[("PIXELS", kind, dims)])
    write_model(folder, "gray", size | {"channel_order": "GRAY"})
    for name, dims in {"rgb": [-1, -1, 3], "bgr": [-1, -1, 3], "gray": [-1, -1, 1], "nv12": [-1, -1]}.items():
        write_model(folder, f"raw_{name}", AS_IT_IS | {"input_format": name}, 8, [("IMAGE", "UINT8", dims)], UINT8)
    sizes = [("ORIGINAL_SIZE", "INT32", [2]), ("TRANSFORM", "FP32", [4])]
    write_model(folder, "told", RESIZES["letterbox"], outputs=[("PIXELS", "FP32", [3, HEIGHT, WIDTH]), *sizes])
    crop = {"operation": "crop", **size}
    write_model(folder, "crop", crop, 0, outputs=[("PIXELS", "FP32", [-1, 3, HEIGHT, WIDTH]), ("TRANSFORM", "FP32", [-1, 4])])
    write_model(folder, "crop_lines", {"operation": "crop", "resize": "fixed_height", "height": 16, "width_multiple": 8,
                                       "box_format": "cxcywh", "box_units": "normalized"}, 0)
    with running(folder) as server:
        yield server


def decoded(server, file: bytes, model: str = "as_it_is") -> np.ndarray:
    """The pixels of a file as the server sees them."""
    return ask(server, model, {"IMAGE": [file]})["PIXELS"][0]


def reference(file: bytes) -> np.ndarray:
    """The pixels of a file as Pillow sees them, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))


@pytest.mark.parametrize("name", corpus())
def test_every_kind_of_jpeg_is_decoded(images, name):
    file = corpus()[name]
    got, expected = decoded(images, file).astype(int), reference(file).astype(int)
    assert got.shape == expected.shape
    off = np.abs(got - expected)
    is_usual = name.startswith(USUAL) and "progressive" not in name and "separate True" not in name
    assert off.max() <= (0 if is_usual else DECODED_OFF_MAX)
    assert off.mean() <= DECODED_OFF_MEAN


def test_orientation_is_left_alone_if_told_so(images):
    for file in (turned(6), turned(6, "PNG")):
        assert decoded(images, file).shape == (123, 77, 3)
        assert decoded(images, file, "as_stored").shape == (77, 123, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_decoded(images, mode):
    if mode == "I;16":
        file = by_pillow(SCENE[..., 0].astype(np.uint16) * 257, "PNG", mode=mode)
        expected = np.repeat(SCENE[..., :1], 3, -1)
    else:
        file = by_pillow(SCENE, "PNG", mode=mode)
        expected = reference(file)
    np.testing.assert_array_equal(decoded(images, file), expected)
    opencv = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded(images, file), opencv)


RESIZES = {
    "stretch": {"width": WIDTH, "height": HEIGHT},
    "letterbox": {"resize": "letterbox", "width": WIDTH, "height": HEIGHT, "pad_value": 114},
    "top_left": {"resize": "letterbox", "width": WIDTH, "height": HEIGHT, "pad_value": "1,2,3", "anchor": "top_left"},
    "center_crop": {"resize": "center_crop", "width": WIDTH, "height": HEIGHT, "shorter_side": 100},
    "fixed_height": {"resize": "fixed_height", "height": HEIGHT, "width_multiple": 16, "pad_value": -1},
}


def resized(levels: np.ndarray, size: tuple[int, int], antialias: bool) -> np.ndarray:
    """By Pillow, which antialiases, or by OpenCV, which does not."""
    if antialias:
        return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR))
    return cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR)


def on(canvas: tuple[int, int], picture: np.ndarray, offset: tuple[int, int], pad) -> np.ndarray:
    """`picture` with padding, or cut."""
    frame = np.empty((canvas[1], canvas[0], 3), float)
    frame[:] = pad
    left, top = max(offset[0], 0), max(offset[1], 0)
    shown = picture[max(-offset[1], 0) :, max(-offset[0], 0) :][: canvas[1] - top, : canvas[0] - left]
    frame[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return frame


def expected_of(name: str, levels: np.ndarray, antialias: bool) -> np.ndarray:
    """What a resize should make, by formulas of its own."""
    height, width = levels.shape[:2]
    if name == "stretch":
        return resized(levels, (WIDTH, HEIGHT), antialias)
    if name == "center_crop":
        scale = 100 / min(width, height)
        size = (100, int(height * scale)) if width < height else (int(width * scale), 100)
        offset = (-round((size[0] - WIDTH) / 2), -round((size[1] - HEIGHT) / 2))
        return on((WIDTH, HEIGHT), resized(levels, size, antialias), offset, 0)
    if name == "fixed_height":
        fitted = int(np.ceil(HEIGHT * width / height))
        return on((-(-fitted // 16) * 16, HEIGHT), resized(levels, (fitted, HEIGHT), antialias), (0, 0), -1)
    ratio = min(WIDTH / width, HEIGHT / height)
    size = (round(width * ratio), round(height * ratio))
    if name == "top_left":
        return on((WIDTH, HEIGHT), resized(levels, size, antialias), (0, 0), (1, 2, 3))
    return on((WIDTH, HEIGHT), resized(levels, size, antialias), ((WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2), 114)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("name", RESIZES)
def test_every_resize(images, name, antialias):
    for size in ((123, 77), (77, 123), (300, 200), (40, 30), (1, 50), (50, 1)):
        levels = scene(*size)
        model = f"{name}_{str(antialias).lower()}"
        got = ask(images, model, {"IMAGE": [by_pillow(levels, "PNG")]})["PIXELS"][0].transpose(1, 2, 0)
        expected = expected_of(name, levels, antialias)
        assert got.shape == expected.shape, size
        assert np.abs(got - expected).max() <= RESIZED_OFF_MAX, size


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["UINT8", "FP16", "FP32", "FP64"])
def test_every_type_and_layout(images, kind, layout):
    file = by_pillow(SCENE, "PNG")
    plain = ask(images, "stretch_false", {"IMAGE": [file]})["PIXELS"]
    expected = (plain[:, ::-1] - np.float32([10, 20, 30]).reshape(1, 3, 1, 1)) * np.float32([1, 0.5, 0.25]).reshape(1, 3, 1, 1)
    if kind == "UINT8":
        expected = np.clip(np.rint(expected), 0, 255)
    expected = expected.astype(kind.lower().replace("fp", "float"))
    got = ask(images, f"cast_{kind}_{layout}", {"IMAGE": [file]}, tritonclient.http)["PIXELS"]
    np.testing.assert_array_equal(got if layout == "NCHW" else got.transpose(0, 3, 1, 2), expected)


def test_gray_is_that_of_opencv(images):
    got = ask(images, "gray", {"IMAGE": [by_pillow(SCENE, "PNG")]})["PIXELS"]
    expected = cv2.cvtColor(resized(SCENE, (WIDTH, HEIGHT), False), cv2.COLOR_RGB2GRAY)
    assert got.shape == (1, 1, HEIGHT, WIDTH)
    assert np.abs(got[0, 0] - expected).max() <= GRAY_OFF_MAX


def test_pixels_are_taken_as_they_are(images):
    two = np.stack([SCENE, SCENE[::-1]])
    np.testing.assert_array_equal(ask(images, "raw_rgb", {"IMAGE": two})["PIXELS"], two)
    np.testing.assert_array_equal(ask(images, "raw_bgr", {"IMAGE": two})["PIXELS"], two[..., ::-1])
    got = ask(images, "raw_gray", {"IMAGE": two[..., :1].copy()})["PIXELS"]
    np.testing.assert_array_equal(got, np.repeat(two[..., :1], 3, -1))


def test_nv12_is_that_of_opencv(images):
    nv12 = np.random.default_rng(3).integers(0, 256, (48 * 3 // 2, 64), np.uint8)
    expected = cv2.cvtColor(nv12, cv2.COLOR_YUV2RGB_NV12).astype(int)
    got = ask(images, "raw_nv12", {"IMAGE": nv12[None]})["PIXELS"][0].astype(int)
    assert np.abs(got - expected).max() <= 1
    with pytest.raises(InferenceServerException, match="NV12 has an even width and 3 rows for every 2"):
        ask(images, "raw_nv12", {"IMAGE": nv12[None, :-1].copy()})


def test_later_steps_are_told_sizes_and_transforms(images):
    sizes = [(200, 100), (30, 60)]
    got = ask(images, "told", {"IMAGE": [by_pillow(scene(*size), "PNG") for size in sizes]})
    np.testing.assert_array_equal(got["ORIGINAL_SIZE"], [[100, 200], [60, 30]])
    # 96x48 with 8 rows above; 32x64 with 32 columns on the left.
    np.testing.assert_allclose(got["TRANSFORM"], [[0.48, 0.48, 0, 8], [32 / 30, 64 / 60, 32, 0]], rtol=1e-6)


@pytest.mark.parametrize("protocol", [tritonclient.http, tritonclient.grpc])
def test_boxes_are_cropped(images, protocol):
    boxes = np.float32([[10, 20, 60, 50], [0, 0, 123, 77], [99.6, 30.4, 300, 40], [-5, -5, 1, 1]])
    parts = [(10, 20, 60, 50), (0, 0, 123, 77), (100, 30, 123, 40), (0, 0, 1, 1)]
    got = ask(images, "crop", {"IMAGE": by_pillow(SCENE, "PNG"), "BOXES": boxes}, protocol)
    assert got["PIXELS"].shape == (4, 3, HEIGHT, WIDTH)
    for pixels, transform, (left, top, right, bottom) in zip(got["PIXELS"], got["TRANSFORM"], parts):
        expected = resized(SCENE[top:bottom, left:right].copy(), (WIDTH, HEIGHT), False)
        assert np.abs(pixels.transpose(1, 2, 0) - expected).max() <= RESIZED_OFF_MAX
        scale = np.float32([WIDTH / (right - left), HEIGHT / (bottom - top)])
        np.testing.assert_allclose(transform, [*scale, *(-scale * [left, top])], rtol=1e-5)


@pytest.mark.parametrize("protocol", [tritonclient.http, tritonclient.grpc])
def test_no_boxes_are_no_crops(images, protocol):
    got = ask(images, "crop", {"IMAGE": by_pillow(SCENE), "BOXES": np.empty((0, 4), np.float32)}, protocol)
    assert (got["PIXELS"].shape, got["TRANSFORM"].shape) == ((0, 3, HEIGHT, WIDTH), (0, 4))


def test_crops_of_lines_are_as_wide_as_the_widest(images):
    boxes = np.float32([[0.5, 0.5, 1, 1], [0.25, 0.5, 0.5, 1]])
    got = ask(images, "crop_lines", {"IMAGE": by_pillow(scene(80, 40), "PNG"), "BOXES": boxes})["PIXELS"]
    assert got.shape == (2, 3, 16, 32)
    assert (got[1, :, :, 16:] == 0).all() and (got[1, :, :, :16] > 0).any()
    with pytest.raises(InferenceServerException, match=r"input 'BOXES'\[1\]: the box .* not finite"):
        ask(images, "crop_lines", {"IMAGE": by_pillow(SCENE), "BOXES": np.float32([[0, 0, 1, 1], [0, np.nan, 1, 1]])})


def test_a_bad_image_is_named_and_fails_alone(images):
    good, png = by_pillow(SCENE), by_pillow(SCENE, "PNG")
    cases = [
        (png[: len(png) // 2], r"input 'IMAGE'\[1\]: the PNG is truncated"),
        (good[: len(good) // 2], r"input 'IMAGE'\[1\]: the JPEG is truncated"),
        (by_pillow(SCENE, "GIF"), r"input 'IMAGE'\[1\]: not a JPEG or PNG: it is a GIF"),
    ]
    for bad, text in cases:
        with pytest.raises(InferenceServerException, match=text):
            ask(images, "stretch_false", {"IMAGE": [good, bad, good]})
    assert ask(images, "stretch_false", {"IMAGE": [good, png]})["PIXELS"].shape == (2, 3, HEIGHT, WIDTH)
