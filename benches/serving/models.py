"""The models of small requests, for Nereid and for the reference: `simple`, the sum and the difference of twice 16
numbers, as Triton's own example, and `tiny`, a product with a matrix and an addition.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8
ROWS_MAX = 8
NUMBERS = 16
# What runs ONNX in the reference, which has no other backend: the pipeline's.
REFERENCE_MODEL = Path(__file__).parent.parent / "pipeline" / "reference" / "onnx_model.py"
ONE_THREAD = 'parameters { key: "intra_op_thread_count" value { string_value: "1" } }'
TYPES = {TensorProto.INT32: "TYPE_INT32", TensorProto.FLOAT: "TYPE_FP32"}


def write(folder: Path, *, is_reference: bool) -> None:
    """A repository of both."""
    write_simple(folder, is_reference=is_reference)
    write_tiny(folder, "tiny", is_reference=is_reference)


def write_simple(folder: Path, *, is_reference: bool) -> None:
    """INPUT0, INPUT1 -> their sum in OUTPUT0, their difference in OUTPUT1; INT32 [batch, 16]."""
    inputs, outputs = (
        [tensor(f"{name}{index}", TensorProto.INT32, NUMBERS) for index in range(2)] for name in ("INPUT", "OUTPUT")
    )
    nodes = [
        helper.make_node(operator, ["INPUT0", "INPUT1"], [output.name])
        for operator, output in zip(("Add", "Sub"), outputs)
    ]
    graph = helper.make_graph(nodes, "simple", inputs, outputs)
    write_model(folder / "simple", graph, is_reference=is_reference)


def write_tiny(folder: Path, name: str, *, is_reference: bool) -> None:
    """x, FP32 [batch, 4] -> y = x W + b, FP32 [batch, 3]."""
    weights = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
    constants = [numpy_helper.from_array(weights, "W"), numpy_helper.from_array(weights[0], "b")]
    nodes = [helper.make_node("MatMul", ["x", "W"], ["product"]), helper.make_node("Add", ["product", "b"], ["y"])]
    given, made = tensor("x", TensorProto.FLOAT, 4), tensor("y", TensorProto.FLOAT, 3)
    graph = helper.make_graph(nodes, name, [given], [made], constants)
    write_model(folder / name, graph, is_reference=is_reference)


def write_big(folder: Path, name: str, columns: int, *, is_reference: bool) -> None:
    """x, FP32 [batch, columns] -> y, its first four columns: what a big tensor costs that is hardly read."""
    bounds = {"start": [0], "end": [4], "axis": [1]}
    constants = [numpy_helper.from_array(np.array(value, np.int64), key) for key, value in bounds.items()]
    node = helper.make_node("Slice", ["x", *bounds], ["y"])
    given, made = tensor("x", TensorProto.FLOAT, columns), tensor("y", TensorProto.FLOAT, 4)
    graph = helper.make_graph([node], name, [given], [made], constants)
    write_model(folder / name, graph, is_reference=is_reference)


def write_product(folder: Path, name: str, delay_us: int) -> None:
    """x, FP32 [batch, 1024] -> y, multiplied by two matrices; the oldest request waits so long for company."""
    generator = np.random.default_rng(3)
    weights = [generator.random((1024, 1024), np.float32) / 1024 for _ in range(2)]
    constants = [numpy_helper.from_array(weight, f"W{index}") for index, weight in enumerate(weights)]
    nodes = [helper.make_node("MatMul", ["x", "W0"], ["middle"]), helper.make_node("MatMul", ["middle", "W1"], ["y"])]
    given, made = (tensor(each, TensorProto.FLOAT, 1024) for each in ("x", "y"))
    graph = helper.make_graph(nodes, name, [given], [made], constants)
    write_model(folder / name, graph, is_reference=False)
    config = folder / name / "config.pbtxt"
    batching = f"dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}\n{ONE_THREAD}"
    config.write_text(config.read_text().replace("dynamic_batching { }", batching))


def write_net(folder: Path, name: str, file: Path) -> Path:
    """A net of one image at a time, run by one thread; the file that is served."""
    version = folder / name / "1"
    version.mkdir(parents=True)
    served = version / "model.onnx"
    served.write_bytes(file.read_bytes())
    lines = ['backend: "onnxruntime"', "max_batch_size: 0", "instance_group { kind: KIND_CPU count: 1 }", ONE_THREAD]
    (folder / name / "config.pbtxt").write_text("\n".join(lines) + "\n")
    return served


def net_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    """The input that is no weight: old files list those, too."""
    weights = {weight.name for weight in graph.initializer}
    return next(each for each in graph.input if each.name not in weights)


def tensor(name: str, data_type: int, columns: int) -> onnx.ValueInfoProto:
    """A tensor of any number of rows."""
    return helper.make_tensor_value_info(name, data_type, ["batch", columns])


def write_model(folder: Path, graph: onnx.GraphProto, *, is_reference: bool) -> None:
    """Version 1, with one instance and dynamic batching."""
    version = folder / "1"
    version.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.save(model, version / "model.onnx")
    if is_reference:
        (version / "model.py").write_text(REFERENCE_MODEL.read_text())
    lines = [
        f'backend: "{"python" if is_reference else "onnxruntime"}"',
        f"max_batch_size: {ROWS_MAX}",
        "dynamic_batching { }",
        "instance_group { kind: KIND_CPU count: 1 }",
    ]
    for field, tensors in (("input", graph.input), ("output", graph.output)):
        lines += [f"{field} {{ {tensor_config(each)} }}" for each in tensors]
    (folder / "config.pbtxt").write_text("\n".join(lines) + "\n")


def tensor_config(each: onnx.ValueInfoProto) -> str:
    """Name, type and shape of a row."""
    kind = each.type.tensor_type
    return f'name: "{each.name}" data_type: {TYPES[kind.elem_type]} dims: [ {kind.shape.dim[1].dim_value} ]'
