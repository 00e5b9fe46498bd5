"""The seed's pipeline: a JPEG of 720p becomes a tensor of 3x1080x1920, which nine models read. The models are those of
`make bench-pipeline`."""

import clients
import numpy as np
import pytest
import repositories
import tritonclient.grpc as triton
from server import running


@pytest.mark.parametrize("data_type", ["FP32", "FP64"])
def test_nine_models_share_one_tensor_without_a_copy(tmp_path, data_type):
    repositories.write(tmp_path, data_type, is_reference=False)
    jpeg = triton.InferInput("jpeg", [1, 1], "BYTES")
    jpeg.set_data_from_numpy(np.array([[repositories.photograph()]], np.object_))
    with running(tmp_path) as server, triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        features = client.infer("nine", [jpeg]).as_numpy("features")[0]
        # All readers tell the same of the same picture; the chain doubles that twice.
        read = features[: repositories.FEATURES]
        assert np.all((0.2 < read) & (read < 0.8)), features
        chained = 4 * read
        expected = np.concatenate([*[read] * (repositories.READERS - 1), chained])
        np.testing.assert_allclose(features, expected, rtol=1e-6)
        for model in ("prepare", *repositories.NINE, "combine"):
            assert clients.statistics(server, model)["execution_count"] == 1, model
        copied = clients.metrics(server, "nereid_copy_bytes_total")
        assert len(copied) > len(repositories.NINE) and set(copied.values()) == {0}, copied
