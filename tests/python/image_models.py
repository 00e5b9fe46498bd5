"""Models of the image backend, and what they answer."""

from pathlib import Path

import numpy as np
import tritonclient.grpc
import tritonclient.http

# Of config.pbtxt: a tensor's name, type and dims.
Tensor = tuple[str, str, list[int]]


def write_model(folder: Path, name: str, parameters: dict[str, object], rows_max: int = 8, inputs: list[Tensor] = (),
                outputs: list[Tensor] = (), kind: str = "KIND_CPU") -> None:
    """A model with these parameters. What is not stated is completed by the server."""
    (folder / name / "1").mkdir(parents=True)
    lines = ['backend: "image"', f"max_batch_size: {rows_max}", f"instance_group [ {{ count: 1 kind: {kind} }} ]"]
    for field, tensors in (("input", inputs), ("output", outputs)):
        lines += [f'{field} [ {{ name: "{tensor}" data_type: TYPE_{of} dims: {dims} }} ]' for tensor, of, dims in tensors]
    for key, value in parameters.items():
        lines.append(f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}')
    (folder / name / "config.pbtxt").write_text("\n".join(lines) + "\n")


def ask(server, model: str, inputs: dict[str, object], protocol=tritonclient.grpc) -> dict[str, np.ndarray]:
    """All outputs. An input is an array, or the files of a batch as a list of bytes; a file alone is not batched."""
    port = server.grpc if protocol is tritonclient.grpc else server.http
    with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
        answer = client.infer(model, [tensor(protocol, name, value) for name, value in inputs.items()])
        outputs = answer.get_response()
        outputs = [o["name"] for o in outputs["outputs"]] if isinstance(outputs, dict) else [o.name for o in outputs.outputs]
        return {name: answer.as_numpy(name) for name in outputs}


def tensor(protocol, name: str, value):
    """An input for `tritonclient`."""
    if isinstance(value, bytes):
        value = np.array([value], dtype=object)
    elif isinstance(value, list):
        value = np.array([[file] for file in value], dtype=object)
    kind = {"O": "BYTES", "u": "UINT8", "f": "FP32"}[value.dtype.kind]
    given = protocol.InferInput(name, list(value.shape), kind)
    given.set_data_from_numpy(value)
    return given
