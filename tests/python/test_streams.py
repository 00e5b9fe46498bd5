"""`ModelStreamInfer` with the stock `tritonclient`: many requests on one call."""

import contextlib
import queue
import time
from collections.abc import Iterator

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton
from golden import models
from onnx import TensorProto
from server import EXAMPLES, running
from tritonclient.utils import InferenceServerException


class Stream:
    """An open stream; what comes back waits in a queue."""

    def __init__(self, client: triton.InferenceServerClient) -> None:
        self._client = client
        self._answers: queue.Queue = queue.Queue()

    def open(self, **options) -> None:
        """Opens it."""
        self._client.start_stream(lambda result, error: self._answers.put((result, error)), **options)

    def send(self, model: str, tensors: list[triton.InferInput], request_id: str, **options) -> None:
        """Sends a request."""
        self._client.async_stream_infer(model, tensors, request_id=request_id, **options)

    def next(self) -> tuple:
        """The next response, raw, and the error beside it."""
        result, error = self._answers.get(timeout=clients.TIMEOUT_S)
        return (result and result.get_response(), error)


@contextlib.contextmanager
def stream(server, **options) -> Iterator[tuple]:
    """A client with an open stream, and that."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        opened = Stream(client)
        opened.open(**options)
        yield client, opened


def detector_input(side: int) -> triton.InferInput:
    """A grey picture; at 960x960 it takes a good part of a second."""
    tensor = triton.InferInput("x", [1, 3, side, side], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3, side, side), np.float32))
    return tensor


def test_responses_come_in_the_order_of_the_requests(server, twenty_lines):
    with stream(server) as (_, opened):
        opened.send("text_detector", [detector_input(640)], "slow")
        for index, line in enumerate(twenty_lines):
            opened.send("read_line", [clients.image(triton, line.jpeg)], str(index), enable_empty_final_response=True)
        for expected in ["slow", *map(str, range(len(twenty_lines)))]:
            response, error = opened.next()
            assert error is None and response.id == expected
            assert response.parameters["triton_final_response"].bool_param
            assert len(response.outputs) == len(response.raw_output_contents) > 0


def test_a_request_that_fails_does_not_end_the_stream(server, twenty_lines):
    with stream(server) as (_, opened):
        opened.send("read_line", [clients.image(triton, b"no picture")], "bad")
        opened.send("nope", [clients.image(triton, b"")], "unknown")
        opened.send("read_line", [clients.image(triton, twenty_lines[0].jpeg)], "good")
        for text in ("in ensemble 'read_line'", "Request for unknown model: 'nope' is not found"):
            _, error = opened.next()
            assert text in error.message(), error
        response, error = opened.next()
        assert error is None and response.id == "good"


def test_a_failing_run_ends_the_stream_of_who_asked_for_it(server, twenty_lines):
    with stream(server, headers={"triton_grpc_error": "true"}) as (client, opened):
        # What is wrong with the request itself does not, as in Triton.
        opened.send("nope", [clients.image(triton, b"")], "unknown")
        _, error = opened.next()
        assert "'nope'" in error.message()
        opened.send("read_line", [clients.image(triton, b"no picture")], "bad")
        _, error = opened.next()
        assert (error.status(), "in ensemble 'read_line'" in error.message()) == ("StatusCode.INVALID_ARGUMENT", True)
        # The client has noticed, perhaps a little later.
        with pytest.raises(InferenceServerException, match="(?i)stream"):
            deadline = time.monotonic() + clients.TIMEOUT_S
            while time.monotonic() < deadline:
                opened.send("read_line", [clients.image(triton, twenty_lines[0].jpeg)], "late")


def test_cancelling_the_stream_gives_up_what_waits(fresh_server):
    with stream(fresh_server) as (client, opened):
        for index in range(4):
            opened.send("text_detector", [detector_input(960)], str(index))
        pending = ("nv_inference_pending_request_count", "text_detector")
        clients.wait_until(lambda: clients.metric(fresh_server, pending[0], model=pending[1]) >= 2)
        client.stop_stream(cancel_requests=True)
        clients.wait_until(lambda: clients.metric(fresh_server, pending[0], model=pending[1]) == 0)
        canceled = {"model": "text_detector", "reason": "CANCELED"}
        clients.wait_until(lambda: clients.metric(fresh_server, "nv_inference_request_failure", **canceled) >= 2)
    assert clients.statistics(fresh_server, "text_detector")["execution_count"] <= 2
    clients.wait_until(lambda: clients.metric(fresh_server, "nereid_inflight_bytes") == 0)


def test_bytes_of_an_open_stream_are_given_back_and_it_does_not_hold_up_the_end(twenty_lines):
    jpeg = twenty_lines[0].jpeg
    with contextlib.ExitStack() as stack:
        # Closed only when the server, which has to end by itself, has ended.
        with running(EXAMPLES, f"--inflight-byte-size={20 * len(jpeg)}") as server:
            _, opened = stack.enter_context(stream(server))
            for index in range(100):
                opened.send("read_line", [clients.image(triton, jpeg)], str(index))
                response, error = opened.next()
                assert error is None and response.id == str(index), error
            # The last response's are held until the next one.
            assert clients.metric(server, "nereid_inflight_bytes") <= 2 * len(jpeg)
        _, error = opened.next()
        assert error.status() == "StatusCode.UNAVAILABLE" and "shutting down" in error.message()


def test_compressed_messages(server, twenty_lines):
    tensor = clients.image(triton, twenty_lines[0].jpeg)
    expected = clients.read_by_tritonclient_grpc(server, twenty_lines[0].jpeg)
    with stream(server, compression_algorithm="gzip") as (client, opened):
        result = client.infer("read_line", [tensor], compression_algorithm="gzip")
        assert clients.reading(result) == expected
        for request_id in "ab":
            opened.send("read_line", [tensor], request_id)
            response, error = opened.next()
            assert error is None and response.id == request_id


def test_the_limit_is_that_of_the_decompressed_message():
    with running(EXAMPLES, "--http-max-input-size=100000") as server:
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
            with pytest.raises(InferenceServerException) as caught:
                client.infer("text_detector", [detector_input(96)], compression_algorithm="gzip")
        assert caught.value.status() == "StatusCode.OUT_OF_RANGE", caught.value
        clients.wait_until(lambda: clients.metric(server, "nereid_inflight_bytes") == 0)


def test_a_stream_has_a_limited_number_of_requests_at_once(tmp_path):
    limit = 1024
    models.write_sum(tmp_path, "simple", TensorProto.INT32)
    config = tmp_path / "simple" / "config.pbtxt"
    # The batch is due when one more than a stream may have is there, or in an hour.
    batching = f"preferred_batch_size: {limit + 1} max_queue_delay_microseconds: 3600000000"
    text = config.read_text().replace("max_batch_size: 8", f"max_batch_size: {2 * limit}")
    config.write_text(text + f"dynamic_batching {{ {batching} }}\n")
    tensors = [triton.InferInput(f"INPUT{i}", [1, 16], "INT32") for i in range(2)]
    for tensor in tensors:
        tensor.set_data_from_numpy(np.ones((1, 16), np.int32))
    with running(tmp_path) as server, stream(server) as (client, opened):
        for index in range(limit + 1):
            opened.send("simple", tensors, str(index))
        pending = "nv_inference_pending_request_count"
        clients.wait_until(lambda: clients.metric(server, pending, model="simple") == limit)
        # With one from elsewhere the batch is due. Had the stream's last one been let in, this one would wait.
        client.infer("simple", tensors, client_timeout=clients.TIMEOUT_S)
        for index in range(limit):
            response, error = opened.next()
            assert error is None and response.id == str(index)
        client.stop_stream(cancel_requests=True)
