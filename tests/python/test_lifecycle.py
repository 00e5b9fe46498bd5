"""How the server starts and stops: drained by a signal, and refusing what it cannot serve in words for people."""

import http.client
import re
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import clients
import pytest
import tritonclient.grpc
from server import EXAMPLES, Log, Server, binary, launch, running

IN_FLIGHT = 48


def test_sigterm_answers_what_is_in_flight_then_ends_well(twenty_lines):
    jpeg = twenty_lines[0].jpeg
    with Server(EXAMPLES) as server, ThreadPoolExecutor(IN_FLIGHT) as pool:
        expected = clients.read_by_raw_request(server, jpeg).text
        futures = [pool.submit(clients.read_by_raw_request, server, jpeg) for _ in range(IN_FLIGHT)]
        # Past the first step, a request has surely been received; the second is slow enough to be still at it.
        clients.wait_until(lambda: clients.statistics(server, "line_image")["inference_count"] == 1 + IN_FLIGHT)
        server.signal(signal.SIGTERM)
        clients.wait_until(lambda: not is_ready(server))
        unanswered = sum(not future.done() for future in futures)
        assert [future.result().text for future in futures] == [expected] * IN_FLIGHT
        assert server.wait() == 0, server.log.text()
    assert unanswered > 0, "all was answered before readiness went off: this run showed nothing"


def test_readiness_goes_off_before_the_ports_close(twenty_lines):
    jpeg = twenty_lines[0].jpeg
    with Server(EXAMPLES, "--shutdown-delay-secs=600") as server:
        expected = clients.read_by_raw_request(server, jpeg).text
        assert [probe(server, health).returncode for health in ("ready", "live")] == [0, 0]
        server.signal(signal.SIGTERM)
        server.log.wait_for("SIGTERM: not ready from now on, serving for another 600 s")
        assert clients.get(server, "/v2/health/ready").status == 400
        assert clients.get(server, "/v2/models/read_line/ready").status == 400
        assert clients.metric(server, "nereid_server_ready") == 0
        with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
            assert (client.is_server_ready(), client.is_server_live()) == (False, True)
        not_ready = probe(server, "ready")
        assert (not_ready.returncode, "says no: HTTP/1.1 400" in not_ready.stderr) == (1, True), not_ready.stderr
        assert probe(server, "live").returncode == 0
        # New connections, and new requests: both ways.
        assert clients.read_by_raw_request(server, jpeg).text == expected
        assert clients.read_by_tritonclient_grpc(server, jpeg).text == expected
        server.signal(signal.SIGINT)  # Who asks twice does not want to wait.
        assert server.wait() == 0, server.log.text()
    assert probe(server, "live").returncode == 1


def probe(server, health: str) -> subprocess.CompletedProcess:
    """What the binary itself finds out about a server."""
    command = [binary(), "probe", health, f"--http-port={server.http}"]
    return subprocess.run(command, check=False, stderr=subprocess.PIPE, encoding="utf-8")


def is_ready(server) -> bool:
    """Whether the server says so; one that no longer listens is not."""
    try:
        return clients.get(server, "/v2/health/ready").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_well(number):
    with Server(EXAMPLES) as server:
        server.signal(number)
        assert server.wait() == 0, server.log.text()


def test_a_client_that_keeps_its_connection_does_not_hold_up_the_end():
    with Server(EXAMPLES) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.http)
        connection.request("GET", "/v2/health/live")
        assert connection.getresponse().status == 200
        server.signal(signal.SIGTERM)
        # Status 1 would say that it waited for the connection until its time was up.
        assert server.wait() == 0, server.log.text()
        connection.close()


def test_what_is_still_in_flight_when_the_time_is_up_is_no_success():
    with Server(EXAMPLES, "--exit-timeout-secs=0") as server:
        body, headers = clients.detector_request(960)
        connection = http.client.HTTPConnection("127.0.0.1", server.http)
        connection.request("POST", clients.DETECTOR, body, headers)
        clients.wait_until(lambda: clients.metric(server, "nereid_inflight_bytes") >= len(body))
        server.signal(signal.SIGTERM)
        assert server.wait() == 1, server.log.text()
        assert "are lost" in server.log.text()


def refusal(*flags: str) -> str:
    """What a server that must not start writes, with exit status 1."""
    process = launch(*flags)
    try:
        text = Log(process.stderr).wait_for_end()
        assert process.wait() == 1, text
        return text
    finally:
        process.kill()


def test_an_unknown_flag_is_named():
    assert "--nope" in refusal("--model-repository", str(EXAMPLES), "--nope")


def test_a_missing_repository_is_named(tmp_path):
    assert "no-such-folder" in refusal("--model-repository", str(tmp_path / "no-such-folder"))


def test_a_mistake_in_a_configuration_is_shown_by_line_and_column(tmp_path):
    model = tmp_path / "line_text"
    shutil.copytree(EXAMPLES / "line_text", model)
    config = model / "config.pbtxt"
    lines = config.read_text().splitlines()
    at = lines.index("max_batch_size: 8")
    lines[at] = "max_batch_sise: 8"
    config.write_text("\n".join(lines))
    text = refusal("--model-repository", str(tmp_path))
    assert re.search(rf"config\.pbtxt:{at + 1}:1\b", text), text
    assert "max_batch_sise" in text and "max_batch_size" in text, text


def test_a_model_that_cannot_load_leaves_the_others_when_asked_to(tmp_path, twenty_lines):
    shutil.copytree(EXAMPLES, tmp_path, symlinks=True, dirs_exist_ok=True)
    detector = tmp_path / "text_detector" / "1" / "model.onnx"
    detector.unlink()
    detector.write_bytes(b"no model")
    assert "text_detector" in refusal("--model-repository", str(tmp_path))
    with running(tmp_path, "--exit-on-error=false", "--strict-readiness=false") as server:
        assert clients.read_by_raw_request(server, twenty_lines[0].jpeg).text
        index = clients.post(server, "/v2/repository/index", b"").json()
        (entry,) = [entry for entry in index if entry["name"] == "text_detector"]
        assert entry["state"] == "UNAVAILABLE" and entry["reason"], entry


def test_connections_without_a_request_are_not_waited_for():
    """Half a header over HTTP, and nothing at all over gRPC: nobody's request is lost."""
    with Server(EXAMPLES) as server:
        half, silent = (socket.create_connection(("127.0.0.1", port)) for port in (server.http, server.grpc))
        with half, silent:
            half.sendall(b"POST /v2/models/read_line/infer HTTP/1.1\r\nHost: x\r\n")
            # A round trip on other connections: both were accepted before.
            assert clients.get(server, "/v2/health/ready").status == 200
            server.signal(signal.SIGTERM)
            assert server.wait() == 0, server.log.text()
