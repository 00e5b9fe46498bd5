"""The models of the seed's pipeline, for Nereid and for the reference: a JPEG of 1280x720 becomes 3x1080x1920, nine small
models read it (six side by side, three in a chain), and one puts their results together.

Both serve the same graphs with the same ONNX Runtime. Nereid prepares pictures in its image backend; the reference does
as its users do, in a `model.py` with OpenCV, and runs ONNX in a `model.py`, since the server that pip ships
has no other backend.
"""

import io
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

HEIGHT, WIDTH = 1080, 1920
NINE = [f"model_{index}" for index in range(9)]
HOPS = [f"hop_{index}" for index in range(9)]
# Those that read the picture; the last two read the one before them.
READERS = 7
FEATURES = 4
TYPES = {"FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE}
OPSET, IR_VERSION = 17, 8
REFERENCE = Path(__file__).parent / "reference"


def photograph() -> bytes:
    """A JPEG of 1280x720 that compresses as a photograph does: about 240 KB."""
    generator = np.random.default_rng(7)
    coarse = Image.fromarray(generator.integers(0, 256, (45, 80, 3), np.uint8).astype(np.uint8))
    smooth = np.asarray(coarse.resize((1280, 720), Image.Resampling.BICUBIC), np.int16)
    noisy = np.clip(smooth + generator.normal(0, 9, smooth.shape), 0, 255).astype(np.uint8)
    written = io.BytesIO()
    Image.fromarray(noisy).save(written, "JPEG", quality=80, subsampling="4:2:0")
    return written.getvalue()


def write(folder: Path, data_type: str, *, is_reference: bool) -> None:
    """A repository whose pictures have this element type."""
    for index, name in enumerate(NINE):
        dims = [3, HEIGHT, WIDTH] if index < READERS else [FEATURES]
        graph = reader(data_type) if index < READERS else follower(data_type)
        write_model(folder, name, graph, (data_type, is_reference), {"x": dims}, {"y": [FEATURES]})
    inputs = {f"x{index}": [FEATURES] for index in range(READERS)}
    write_model(folder, "combine", combiner(data_type), (data_type, is_reference), inputs, {"y": [READERS * FEATURES]})
    write_prepare(folder / "prepare", data_type, is_reference)
    for name in HOPS:
        write_model(folder, name, identity(data_type), (data_type, is_reference), {"x": [FEATURES]}, {"y": [FEATURES]})
    picture = ("jpeg", "STRING", [1, 1])
    write_ensemble(folder / "one", picture, (data_type, FEATURES), steps_of_one())
    write_ensemble(folder / "nine", picture, (data_type, READERS * FEATURES), steps_of_nine())
    for count in (1, len(HOPS)):
        numbers = ("numbers", data_type, [1, FEATURES])
        write_ensemble(folder / f"hops_{count}", numbers, (data_type, FEATURES), steps_of_hops(count))


def reader(data_type: str) -> tuple:
    """Means of some pixels of the picture: 0.1 ms."""
    values = {"starts": [0, 0], "ends": [HEIGHT, WIDTH], "axes": [2, 3], "steps": [60, 60], "shape": [1, FEATURES, -1]}
    nodes = [helper.make_node("Constant", [], [name], value_ints=ints) for name, ints in values.items()]
    nodes += [
        helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["some"]),
        helper.make_node("Reshape", ["some", "shape"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["y"], axes=[2], keepdims=0),
    ]
    return nodes, [tensor("x", data_type, 3, HEIGHT, WIDTH)], [tensor("y", data_type, FEATURES)]


def follower(data_type: str) -> tuple:
    """Adds what it gets to itself."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return nodes, [tensor("x", data_type, FEATURES)], [tensor("y", data_type, FEATURES)]


def identity(data_type: str) -> tuple:
    """Gives what it gets."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return nodes, [tensor("x", data_type, FEATURES)], [tensor("y", data_type, FEATURES)]


def combiner(data_type: str) -> tuple:
    """Puts the results side by side."""
    names = [f"x{index}" for index in range(READERS)]
    nodes = [helper.make_node("Concat", names, ["y"], axis=1)]
    inputs = [tensor(name, data_type, FEATURES) for name in names]
    return nodes, inputs, [tensor("y", data_type, READERS * FEATURES)]


def tensor(name: str, data_type: str, *dims: int) -> onnx.ValueInfoProto:
    """A batch of one, so that the models can be asked one by one."""
    return helper.make_tensor_value_info(name, TYPES[data_type], [1, *dims])


def write_model(folder: Path, name: str, graph: tuple, kind: tuple, inputs: dict, outputs: dict) -> None:
    """A model of one graph; its batch axis is one of its dims, since each request is one picture."""
    data_type, is_reference = kind
    version = folder / name / "1"
    version.mkdir(parents=True)
    made = helper.make_graph(graph[0], name, graph[1], graph[2])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.save(model, version / "model.onnx")
    if is_reference:
        (version / "model.py").write_text((REFERENCE / "onnx_model.py").read_text())
    lines = ['backend: "python"' if is_reference else 'backend: "onnxruntime"', "max_batch_size: 0"]
    for field, tensors in (("input", inputs), ("output", outputs)):
        lines += [f'{field} {{ name: "{key}" data_type: TYPE_{data_type} dims: {[1, *dims]} }}' for key, dims in tensors.items()]
    lines.append("instance_group { kind: KIND_CPU count: 1 }")
    (folder / name / "config.pbtxt").write_text("\n".join(lines) + "\n")


def write_prepare(folder: Path, data_type: str, is_reference: bool) -> None:
    """JPEG in, [1, 3, 1080, 1920] out; two instances, so that two pictures are prepared at once."""
    (folder / "1").mkdir(parents=True)
    # Nereid's image backend puts the batch axis in front; the reference would not join that with models that have none.
    batch = "1, " if is_reference else ""
    lines = [
        f'backend: "{"python" if is_reference else "image"}"',
        f"max_batch_size: {0 if is_reference else 1}",
        f'input {{ name: "jpeg" data_type: TYPE_STRING dims: [ {batch}1 ] }}',
        f'output {{ name: "picture" data_type: TYPE_{data_type} dims: [ {batch}3, {HEIGHT}, {WIDTH} ] }}',
        "instance_group { kind: KIND_CPU count: 2 }",
    ]
    if is_reference:
        (folder / "1" / "model.py").write_text((REFERENCE / "prepare_model.py").read_text())
    else:
        options = {"resize": "stretch", "width": WIDTH, "height": HEIGHT, "scale": 1 / 255}
        lines += [f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in options.items()]
    (folder / "config.pbtxt").write_text("\n".join(lines) + "\n")


def write_ensemble(folder: Path, given: tuple[str, str, list[int]], made: tuple[str, int], steps: list[str]) -> None:
    """From one input to features."""
    (folder / "1").mkdir(parents=True)
    lines = [
        'platform: "ensemble"', "max_batch_size: 0",
        f'input {{ name: "{given[0]}" data_type: TYPE_{given[1]} dims: {given[2]} }}',
        f'output {{ name: "features" data_type: TYPE_{made[0]} dims: [ 1, {made[1]} ] }}',
        "ensemble_scheduling {", *steps, "}",
    ]
    (folder / "config.pbtxt").write_text("\n".join(lines) + "\n")


def steps_of_one() -> list[str]:
    """Preparation, and one model."""
    return [step("prepare", {"jpeg": "jpeg"}, {"picture": "picture"}), step(NINE[0], {"x": "picture"}, {"y": "features"})]


def steps_of_nine() -> list[str]:
    """Preparation, six models side by side and a chain of three, and what combines them."""
    steps = [step("prepare", {"jpeg": "jpeg"}, {"picture": "picture"})]
    for index, name in enumerate(NINE):
        read = "picture" if index < READERS else f"y{index - 1}"
        steps.append(step(name, {"x": read}, {"y": f"y{index}"}))
    last = len(NINE) - 1
    results = [*range(READERS - 1), last]
    steps.append(step("combine", {f"x{place}": f"y{index}" for place, index in enumerate(results)}, {"y": "features"}))
    return steps


def steps_of_hops(count: int) -> list[str]:
    """A chain of models that do nothing: what it costs beyond the first is the cost of a hop."""
    names = ["numbers", *(f"y{index}" for index in range(1, count)), "features"]
    return [step(name, {"x": given}, {"y": made}) for name, given, made in zip(HOPS, names, names[1:])]


def step(model: str, inputs: dict, outputs: dict) -> str:
    """One step of an ensemble."""
    maps = [(name, key, value) for name, mapped in (("input_map", inputs), ("output_map", outputs)) for key, value in mapped.items()]
    text = " ".join(f'{name} {{ key: "{key}" value: "{value}" }}' for name, key, value in maps)
    return f'  step {{ model_name: "{model}" model_version: -1 {text} }}'
