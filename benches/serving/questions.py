"""What is asked: one request in each protocol, as files for the load generators."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tritonclient.grpc import service_pb2

HEADER_LENGTH = "Inference-Header-Content-Length"
GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Tensor:
    """An input; shape and type are those of its values."""

    name: str
    values: np.ndarray

    def datatype(self) -> str:
        """As the protocol calls it."""
        return {"int32": "INT32", "float32": "FP32", "float64": "FP64"}[self.values.dtype.name]

    def about(self) -> dict:
        """All but its values."""
        return {"name": self.name, "shape": list(self.values.shape), "datatype": self.datatype()}


def simple() -> list[Tensor]:
    """The inputs of `simple`."""
    numbers = np.arange(16, dtype=np.int32)[np.newaxis]
    return [Tensor("INPUT0", numbers), Tensor("INPUT1", numbers + 1)]


def tiny() -> list[Tensor]:
    """The input of `tiny`."""
    return [Tensor("x", np.array([[0.5, 1, 1.5, 2]], np.float32))]


def http_json(tensors: list[Tensor]) -> tuple[dict[str, str], bytes]:
    """Headers and body: all numbers as JSON."""
    inputs = [tensor.about() | {"data": tensor.values.ravel().tolist()} for tensor in tensors]
    return {"Content-Type": "application/json"}, json.dumps({"inputs": inputs}, separators=(",", ":")).encode()


def http_binary(tensors: list[Tensor]) -> tuple[dict[str, str], bytes]:
    """Headers and body: all tensors as binary data, those of the answer, too."""
    inputs = [tensor.about() | {"parameters": {"binary_data_size": tensor.values.nbytes}} for tensor in tensors]
    header = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    header = json.dumps(header, separators=(",", ":")).encode()
    body = b"".join([header, *(tensor.values.tobytes() for tensor in tensors)])
    return {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}, body


def grpc(model: str, tensors: list[Tensor]) -> bytes:
    """A message of gRPC behind its prefix."""
    request = service_pb2.ModelInferRequest(model_name=model)
    for tensor in tensors:
        request.inputs.add(**tensor.about())
        request.raw_input_contents.append(tensor.values.tobytes())
    message = request.SerializeToString()
    return b"\0" + len(message).to_bytes(4, "big") + message


def write_lua(path: Path, headers: dict[str, str], body: bytes) -> None:
    """The script by which wrk posts it; whatever is not answered with 200 ends up among wrk's errors."""
    data = path.with_suffix(".body")
    data.write_bytes(body)
    lines = ['wrk.method = "POST"', f'wrk.body = assert(io.open("{data}", "rb")):read("*a")']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    path.write_text("\n".join(lines) + "\n")
