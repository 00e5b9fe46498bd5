"""The models of the soak test: each doubles a tensor, and takes as long as the request wants.

`X` holds two numbers in a row, of which the caller makes every row unlike all others; `Y` is twice of that, so an
answer tells whose it is. The model takes as many turns of a loop as the largest number in `TURNS`. ONNX Runtime ends a
run between two operators, so one that nobody waits for is ended within the loop.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

# Old enough for every ONNX Runtime that the server accepts.
OPSET, IR_VERSION = 17, 8
ROWS_MAX = 4
INSTANCES = 4
LEVELS = 3
# Few enough for one stream to fill it.
QUEUE_MAX = 3
QUEUE_TIMEOUT_US = 30_000

PRIORITIES = f"""dynamic_batching {{
  max_queue_delay_microseconds: 300
  priority_levels: {LEVELS} default_priority_level: 2
  default_queue_policy {{
    max_queue_size: {QUEUE_MAX} default_timeout_microseconds: {QUEUE_TIMEOUT_US} allow_timeout_override: true
  }}
}}"""
ORDER = "dynamic_batching { preserve_ordering: true max_queue_delay_microseconds: 300 }"
# Model -> its scheduling. The first two stay as they are, so that their statistics can be compared in the end.
MODELS = {"urgent": PRIORITIES, "ordered": ORDER, "reloaded": ORDER, "changing": PRIORITIES}


def write_repository(folder: Path) -> None:
    """A model repository of all of them."""
    content = model().SerializeToString()
    for name, scheduling in MODELS.items():
        version = folder / name / "1"
        version.mkdir(parents=True)
        (version / "model.onnx").write_bytes(content)
        (folder / name / "config.pbtxt").write_text(
            f'backend: "onnxruntime"\nmax_batch_size: {ROWS_MAX}\n'
            f"instance_group {{ kind: KIND_CPU count: {INSTANCES} }}\n{scheduling}\n"
        )


def model() -> onnx.ModelProto:
    """Both inputs have any number of rows."""
    node = helper.make_node
    tensor = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            node("Identity", ["go_in"], ["go_out"]),
            node("Identity", ["value_in"], ["value_out"]),
        ],
        "turn",
        [
            tensor("turn", TensorProto.INT64, []),
            tensor("go_in", TensorProto.BOOL, []),
            tensor("value_in", TensorProto.INT64, ["rows", 2]),
        ],
        [tensor("go_out", TensorProto.BOOL, []), tensor("value_out", TensorProto.INT64, ["rows", 2])],
    )
    nodes = [
        node("ReduceMax", ["TURNS"], ["turns"], keepdims=0),
        node("Loop", ["turns", "", "X"], ["looped"], body=body),
        node("Add", ["X", "looped"], ["Y"]),
    ]
    inputs = [tensor("X", TensorProto.INT64, ["rows", 2]), tensor("TURNS", TensorProto.INT64, ["rows", 1])]
    graph = helper.make_graph(nodes, "spinning", inputs, [tensor("Y", TensorProto.INT64, ["rows", 2])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
