"""Big tensors over gRPC come to lie aligned, wherever in their message they are, and are not copied for the engine."""

import clients
import numpy as np
import tritonclient.grpc as triton
from golden import models
from onnx import TensorProto, helper
from server import running

MODEL = "same"
# The place of a tensor in its message moves by a byte with each.
IDS = ["i" * length for length in range(1, 17)]


def write_identity(folder) -> None:
    """INT64 [batch, columns], given back."""
    given, made = (helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "columns"]) for name in "xy")
    models.write_model(folder, MODEL, [helper.make_node("Identity", ["x"], ["y"])], [given], [made])


def realigned(server) -> float:
    """Bytes that were copied since they were not aligned."""
    return clients.metric(server, "nereid_copy_bytes_total", model=MODEL, direction="realign")


def test_big_tensors_are_not_copied_for_their_alignment(tmp_path):
    write_identity(tmp_path)
    with running(tmp_path) as server, triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        for columns in (100, 10_000, 400_000):
            values = np.arange(columns, dtype=np.int64)[np.newaxis]
            asked = triton.InferInput("x", list(values.shape), "INT64")
            asked.set_data_from_numpy(values)
            for request_id in IDS:
                answer = client.infer(MODEL, [asked], request_id=request_id)
                np.testing.assert_array_equal(answer.as_numpy("y"), values)
            # Small ones are, but for those that happen to be aligned.
            small = 8 * 100 * len(IDS) * 7 // 8
            assert realigned(server) == small, columns
