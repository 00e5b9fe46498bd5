"""Makes the models that the recordings were made with, as ONNX files with the configuration that the recordings show.

Triton ran them through a shim in Python, so `platform`, `backend` and file names differ. The sequence and decoupled
models are missing, as their exchanges are (copy_recordings.py).
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

# Old enough for every ONNX Runtime that the server accepts.
OPSET = 17
IR_VERSION = 8
ROWS_MAX = 8


def write_repository(folder: Path) -> None:
    """A model repository of the four models."""
    write_sum(folder, "simple", TensorProto.INT32)
    write_sum(folder, "simple_int8", TensorProto.INT8)
    write_sum(folder, "simple_string", TensorProto.STRING)
    identity = helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])
    values = [values_of(name, TensorProto.STRING, "length") for name in ("INPUT0", "OUTPUT0")]
    write_model(folder, "simple_identity", [identity], values[:1], values[1:])


def write_sum(folder: Path, name: str, data_type: int) -> None:
    """Two inputs of 16 numbers, their sum and their difference. Computed in INT32, and converted on both sides: ONNX
    Runtime adds neither INT8 nor the decimal strings of `simple_string`."""
    inputs = [values_of(f"INPUT{i}", data_type, 16) for i in range(2)]
    outputs = [values_of(f"OUTPUT{i}", data_type, 16) for i in range(2)]
    numbers = [f"number{i}" for i in range(2)]
    nodes = [helper.make_node("Cast", [given.name], [number], to=TensorProto.INT32)
             for given, number in zip(inputs, numbers)]
    nodes += [helper.make_node("Add", numbers, ["sum"]), helper.make_node("Sub", numbers, ["difference"])]
    nodes += [helper.make_node("Cast", [result], [output.name], to=data_type)
              for result, output in zip(("sum", "difference"), outputs)]
    write_model(folder, name, nodes, inputs, outputs)


def values_of(name: str, data_type: int, columns: int | str) -> onnx.ValueInfoProto:
    """A tensor of any number of rows."""
    return helper.make_tensor_value_info(name, data_type, ["batch", columns])


def write_model(folder: Path, name: str, nodes: list, inputs: list, outputs: list) -> None:
    """Version 1 of a model and its config.pbtxt."""
    save(folder, name, nodes, inputs, outputs)
    (folder / name / "config.pbtxt").write_text(config(name, inputs, outputs))


def save(folder: Path, name: str, nodes: list, inputs: list, outputs: list) -> None:
    """Version 1 of a model."""
    graph = helper.make_graph(nodes, name, inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    version = folder / name / "1"
    version.mkdir(parents=True)
    onnx.save(model, version / "model.onnx")


def config(name: str, inputs: list, outputs: list) -> str:
    """What the recorded configuration has, less what Triton completes."""
    lines = [f'name: "{name}"', 'backend: "onnxruntime"', f"max_batch_size: {ROWS_MAX}"]
    for field, tensors in (("input", inputs), ("output", outputs)):
        lines += [f"{field} {{ {tensor_config(tensor)} }}" for tensor in tensors]
    return "\n".join(lines) + "\n"


def tensor_config(tensor: onnx.ValueInfoProto) -> str:
    """Name, type and shape, -1 for what may vary."""
    data_type = TensorProto.DataType.Name(tensor.type.tensor_type.elem_type)
    columns = tensor.type.tensor_type.shape.dim[1]
    dims = columns.dim_value if columns.HasField("dim_value") else -1
    return f'name: "{tensor.name}" data_type: TYPE_{data_type} dims: [ {dims} ]'
