"""What is bounded, and who waits no longer: sizes, bytes in flight, deadlines, clients that go away."""

import http.client
import json
import socket

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton
from server import EXAMPLES, Server, running
from tritonclient.utils import InferenceServerException


def test_a_request_that_is_too_large_is_refused():
    with running(EXAMPLES, "--http-max-input-size=100000") as server:
        body, headers = clients.detector_request(96)
        answer = clients.post(server, clients.DETECTOR, body, headers)
        assert (answer.status, "--http-max-input-size" in answer.error()) == (413, True), answer.body
        chunked = http.client.HTTPConnection("127.0.0.1", server.http)
        chunked.request("POST", clients.DETECTOR, iter([body]), headers, encode_chunked=True)
        assert chunked.getresponse().status == 413
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
            tensor = triton.InferInput("x", [1, 3, 96, 96], "FP32")
            tensor.set_data_from_numpy(np.zeros((1, 3, 96, 96), np.float32))
            with pytest.raises(InferenceServerException) as caught:
                client.infer("text_detector", [tensor])
        assert caught.value.status() == "StatusCode.OUT_OF_RANGE"
        assert clients.get(server, "/v2/health/ready").status == 200


@pytest.mark.parametrize("path, status", [("/v2/models/nope/infer", 404), (clients.DETECTOR, 413)])
def test_who_sends_all_before_reading_gets_the_error_and_keeps_the_connection(path, status):
    # More than what the buffers of both sides hold, so that the client can send it only if it is read.
    body = bytes(20 << 20)
    with running(EXAMPLES, "--http-max-input-size=100000") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=clients.TIMEOUT_S)
        for _ in range(2):
            connection.request("POST", path, body)
            answer = connection.getresponse()
            assert answer.status == status, answer.read()
            assert json.loads(answer.read())["error"]


def test_bytes_in_flight_are_bounded_and_given_back(twenty_lines):
    jpeg = twenty_lines[0].jpeg
    with running(EXAMPLES, "--inflight-byte-size=200000") as server:
        body, headers = clients.detector_request(160)
        answer = clients.post(server, clients.DETECTOR, body, headers)
        assert (answer.status, "--inflight-byte-size" in answer.error()) == (503, True), answer.body
        assert answer.headers["Retry-After"]
        with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
            tensor = triton.InferInput("x", [1, 3, 160, 160], "FP32")
            tensor.set_data_from_numpy(np.zeros((1, 3, 160, 160), np.float32))
            with pytest.raises(InferenceServerException) as caught:
                client.infer("text_detector", [tensor])
            assert caught.value.status() == "StatusCode.UNAVAILABLE", caught.value
            assert "--inflight-byte-size" in caught.value.message()
            # Many small ones, over both protocols: nothing that was taken is kept.
            for _ in range(20):
                clients.read_by_raw_request(server, jpeg)
                clients.read_by_tritonclient_grpc(server, jpeg)
        clients.wait_until(lambda: clients.metric(server, "nereid_inflight_bytes") == 0)


def test_a_deadline_is_kept_in_the_queue_and_in_a_run(fresh_server):
    body, headers = clients.detector_request(960, parameters={"timeout": 20_000})
    answer = clients.post(fresh_server, clients.DETECTOR, body, headers)
    assert (answer.status, answer.error()) == (503, "[request id: <id_unknown>] Request timeout expired")
    tensor = triton.InferInput("x", [1, 3, 960, 960], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3, 960, 960), np.float32))
    with triton.InferenceServerClient(f"127.0.0.1:{fresh_server.grpc}") as client:
        with pytest.raises(InferenceServerException) as caught:
            client.infer("text_detector", [tensor], timeout=20_000)
    assert caught.value.status() == "StatusCode.UNAVAILABLE", caught.value


def test_a_client_that_goes_away_leaves_the_queue(fresh_server):
    body, headers = clients.detector_request(960)
    busy = http.client.HTTPConnection("127.0.0.1", fresh_server.http, timeout=clients.TIMEOUT_S)
    busy.request("POST", clients.DETECTOR, body, headers)
    # The first is taken by the only instance, the second waits behind it.
    clients.wait_until(lambda: clients.metric(fresh_server, "nereid_inflight_bytes") >= len(body))
    leaving = http.client.HTTPConnection("127.0.0.1", fresh_server.http, timeout=clients.TIMEOUT_S)
    leaving.request("POST", clients.DETECTOR, body, headers)
    clients.wait_until(lambda: pending(fresh_server) == 1)
    leaving.sock.shutdown(socket.SHUT_RDWR)
    leaving.close()
    assert busy.getresponse().status == 200
    canceled = {"model": "text_detector", "reason": "CANCELED"}
    clients.wait_until(lambda: clients.metric(fresh_server, "nv_inference_request_failure", **canceled) == 1)
    assert clients.statistics(fresh_server, "text_detector")["execution_count"] == 1


def pending(server) -> float:
    return clients.metric(server, "nv_inference_pending_request_count", model="text_detector")


def test_each_request_is_logged_to_who_wants_it():
    with Server(EXAMPLES, "--log-verbose=1") as server:
        body = {"id": "number\n7", "inputs": []}
        assert clients.post(server, clients.READ_LINE, body).status == 400
        # In one line, whatever its client calls it.
        assert server.log.wait_for(r"\[request id: number 7\] .*read_line")
        body, headers = clients.detector_request(96, id="number-8")
        assert clients.post(server, clients.DETECTOR, body, headers).status == 200
        assert server.log.wait_for(r"\[request id: number-8\] model 'text_detector' version 1: answered")


def test_requests_in_flight_are_bounded(tmp_path):
    with running(EXAMPLES, "--inflight-request-count=2") as server:
        body, headers = clients.detector_request(960)
        answers = clients.at_once([lambda: clients.post(server, clients.DETECTOR, body, headers)] * 5)
        assert {answer.status for answer in answers} == {200, 503}
        for answer in answers:
            if answer.status == 503:
                assert answer.headers["Retry-After"] == "1" and "--inflight-request-count" in answer.error()
        assert clients.metric(server, "nereid_inflight_requests") == 0
        # Whoever was answered has left its place.
        assert clients.post(server, clients.DETECTOR, *clients.detector_request(96)).status == 200
