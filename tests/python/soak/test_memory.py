"""A model that is loaded again and again leaves nothing behind."""

import clients
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from server import running
from soak import spinning

# Of a square weight of 10 MB.
SIDE = 1600
LOADS_FIRST, LOADS_LAST = 50, 200
WINDOW = 50
# In each load, on average.
GROWTH_BYTES_MAX = 10 << 10
# Of a request.
BIG_BYTES = 32 << 20


def write_repository(folder) -> None:
    """A product with the weight."""
    weight = numpy_helper.from_array(np.arange(SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE), "w")
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", SIDE]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "large", *zip(tensors), [weight])
    opset = helper.make_opsetid("", spinning.OPSET)
    version = folder / "large" / "1"
    version.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=spinning.IR_VERSION)
    onnx.save(model, version / "model.onnx")


def test_loads_leave_no_memory_behind(tmp_path, monkeypatch):
    # glibc gives large blocks back at once, instead of keeping one for the next load: a step of 10 MB is no slope.
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", str(1 << 20))
    write_repository(tmp_path)
    with running(tmp_path, "--model-control-mode=explicit", "--load-model=*") as server:
        resident = []
        for _ in range(LOADS_LAST):
            assert clients.post(server, "/v2/repository/models/large/load", b"").status == 200
            resident.append(server.resident_bytes())
    # After some loads the version before is not gone yet, on a busy machine after many in a row: the least tells what is
    # kept.
    first, last = min(resident[LOADS_FIRST:][:WINDOW]), min(resident[-WINDOW:])
    slope = (last - first) / (LOADS_LAST - LOADS_FIRST - WINDOW)
    print(f"{first >> 10} KiB at first, {last >> 10} KiB in the end, {slope:.0f} bytes a load")
    assert slope < GROWTH_BYTES_MAX, [size >> 10 for size in resident]


def test_what_a_big_request_leaves_is_kept_a_while_and_given_back(tmp_path):
    write_repository(tmp_path)
    with running(tmp_path) as server:
        before = server.resident_bytes()
        # It is received as a whole, and then refused.
        assert clients.post(server, "/v2/models/large/infer", b"-" * BIG_BYTES).status == 400
        assert server.resident_bytes() > before + BIG_BYTES // 2
        clients.wait_until(lambda: server.resident_bytes() < before + BIG_BYTES // 2)
