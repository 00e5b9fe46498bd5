"""Who may ask for what: API keys and their roles, restricted groups, the control port, and pages of other origins."""

import contextlib
import json

import clients
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from server import Log, launch, running
from tritonclient.utils import InferenceServerException

MODEL = "text_detector"
INFER, CONTROL, ADMIN = "infer-key-0123456789", "control-key-0123456789", "admin-key-0123456789"
KEYS = f"# One for each\ninfer {INFER}\ncontrol {CONTROL}\nadmin {ADMIN}\n"
INDEX = "/v2/repository/index"


@pytest.fixture(scope="module")
def keyed_server(one_model, tmp_path_factory):
    """A server that wants keys."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(KEYS)
    file.chmod(0o600)
    explicit = ["--model-control-mode=explicit", f"--load-model={MODEL}", "--log-verbose=2"]
    with running(one_model, f"--api-keys-file={file}", *explicit) as server:
        yield server
        log = server.log.text()
    for key in (INFER, CONTROL, ADMIN):
        assert key not in log


def http_status(server, call: str, headers: dict, port: int | None = None) -> int:
    """What a call over plain HTTP is answered; what is answered to nobody is 0."""
    path, body = {
        "health": ("/v2/health/ready", None),
        "metadata": (f"/v2/models/{MODEL}", None),
        "config": (f"/v2/models/{MODEL}/config", None),
        "statistics": ("/v2/models/stats", None),
        "index": (INDEX, b"{}"),
        "load": (f"/v2/repository/models/{MODEL}/load", b"{}"),
        "trace": ("/v2/trace/setting", None),
    }.get(call, (None, None))
    if call == "infer":
        body, more = clients.detector_request(32)
        return clients.ask(port or server.http, "POST", clients.DETECTOR, body, more | headers).status
    return clients.ask(port or server.http, "POST" if body else "GET", path, body, headers).status


def grpc_status(server, call: str, headers: dict, port: int | None = None) -> str:
    """The status of a call of the stock client."""
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{port or server.grpc}") as client:
        calls = {
            "health": lambda: client.is_server_ready(headers=headers),
            "metadata": lambda: client.get_model_metadata(MODEL, headers=headers),
            "config": lambda: client.get_model_config(MODEL, headers=headers),
            "statistics": lambda: client.get_inference_statistics(headers=headers),
            "index": lambda: client.get_model_repository_index(headers=headers),
            "load": lambda: client.load_model(MODEL, headers=headers),
            "trace": lambda: client.get_trace_settings(headers=headers),
            "infer": lambda: client.infer(MODEL, [pixels(tritonclient.grpc)], headers=headers),
        }
        try:
            calls[call]()
        except InferenceServerException as error:
            return error.status().removeprefix("StatusCode.")
        return "OK"


def pixels(protocol, side: int = 32):
    """The detector's input, for `tritonclient.http` or `.grpc`."""
    tensor = protocol.InferInput("x", [1, 3, side, side], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3, side, side), np.float32))
    return tensor


# Who may make which call.
ROLES = {
    "metadata": [INFER, CONTROL, ADMIN],
    "config": [INFER, CONTROL, ADMIN],
    "infer": [INFER],
    "index": [CONTROL],
    "load": [CONTROL],
    "statistics": [ADMIN],
}


@pytest.mark.parametrize("call", ROLES)
def test_keys_open_the_calls_of_their_roles(keyed_server, call):
    for key in (INFER, CONTROL, ADMIN):
        expected = (200, "OK") if key in ROLES[call] else (403, "PERMISSION_DENIED")
        headers = {"authorization": f"Bearer {key}"}
        assert (http_status(keyed_server, call, headers), grpc_status(keyed_server, call, headers)) == expected
        headers = {"x-api-key": key}
        assert (http_status(keyed_server, call, headers), grpc_status(keyed_server, call, headers)) == expected
    for headers in ({}, {"x-api-key": "unknown-0123456789"}, {"authorization": f"Basic {INFER}"}):
        assert http_status(keyed_server, call, headers) == 401
        assert grpc_status(keyed_server, call, headers) == "UNAUTHENTICATED"


def test_health_needs_no_key(keyed_server):
    assert (http_status(keyed_server, "health", {}), grpc_status(keyed_server, "health", {})) == (200, "OK")


def test_who_has_no_key_is_told_how_to_send_one(keyed_server):
    answer = clients.get(keyed_server, f"/v2/models/{MODEL}")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "authorization: Bearer <key>" in answer.error()


def test_a_large_request_without_a_key_gets_its_answer(keyed_server):
    side = 1024  # More than what sockets hold.
    body, headers = clients.detector_request(side)
    assert clients.post(keyed_server, clients.DETECTOR, body, headers).status == 401
    with (
        pytest.raises(InferenceServerException) as caught,
        tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{keyed_server.grpc}") as client,
    ):
        client.infer(MODEL, [pixels(tritonclient.grpc, side)])
    assert caught.value.status() == "StatusCode.UNAUTHENTICATED"


def test_a_stream_needs_a_key(keyed_server):
    for key, is_admitted in [(INFER, True), (CONTROL, False)]:
        answers = []
        with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{keyed_server.grpc}") as client:
            client.start_stream(lambda result, error: answers.append((result, error)), headers={"x-api-key": key})
            # A stream that is refused may end before the client asks.
            with contextlib.suppress(*[] if is_admitted else [InferenceServerException]):
                client.async_stream_infer(MODEL, [pixels(tritonclient.grpc)])
            clients.wait_until(lambda: answers)
            client.stop_stream(cancel_requests=True)
        assert (answers[0][1] is None) == is_admitted, answers


def test_the_stock_http_client_sends_a_key(keyed_server):
    with tritonclient.http.InferenceServerClient(f"127.0.0.1:{keyed_server.http}") as client:
        tensor = pixels(tritonclient.http)
        assert client.infer(MODEL, [tensor], headers={"x-api-key": INFER}).get_response()["model_name"] == MODEL
        with pytest.raises(InferenceServerException, match="lacks the role 'infer'"):
            client.infer(MODEL, [tensor], headers={"x-api-key": ADMIN})


def test_keys_that_change_are_read_anew(one_model, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"infer {INFER}\n")
    with running(one_model, f"--api-keys-file={file}") as server:
        server.log.wait_for(rf"(?m)^W.*{file} can be read by every user")
        assert http_status(server, "infer", {"x-api-key": INFER}) == 200
        file.write_text(f"nobody {ADMIN}\n")
        server.log.wait_for(rf"(?m)^E.*API keys changed and cannot be used.*{file}:1: an unknown role")
        assert http_status(server, "infer", {"x-api-key": INFER}) == 200
        file.write_text(f"infer {CONTROL}\n")
        server.log.wait_for("API keys changed and was read anew")
        assert [http_status(server, "infer", {"x-api-key": key}) for key in (INFER, CONTROL)] == [401, 200]
        assert grpc_status(server, "infer", {"x-api-key": INFER}) == "UNAUTHENTICATED"
        assert not any(key in server.log.text() for key in (INFER, CONTROL, ADMIN))


def refusal(*flags: str) -> str:
    """What a server that must not start writes."""
    process = launch(*flags)
    text = Log(process.stderr).wait_for_end()
    assert process.wait() == 1 and "Started" not in text, text
    return text


def test_flags_that_say_nothing_sound_stop_the_server(one_model, tmp_path):
    models = f"--model-repository={one_model}"
    file = tmp_path / "keys"
    file.write_text("infer short\n")
    assert f"{file}:1: a key of less than 16 characters" in refusal(models, f"--api-keys-file={file}")
    assert "cannot read /no/such/file" in refusal(models, "--api-keys-file=/no/such/file")
    assert "unknown group of calls 'heart'" in refusal(models, "--http-restricted-api=heart:key=value")
    twice = ["--grpc-restricted-protocol=health:a=b", "--grpc-restricted-protocol=health,trace:c=d"]
    assert "--grpc-restricted-protocol: 'health' is restricted twice" in refusal(models, *twice)
    assert "is no origin, expected one as https://" in refusal(models, "--http-cors-origin=https://a/b")


def test_restricted_groups_need_their_header(one_model):
    restricted = ["model-repository,statistics:Admin-Key=secret=1", "inference:infer-key=value"]
    flags = [f"--http-restricted-api={text}" for text in restricted]
    flags += [f"--grpc-restricted-protocol={text}" for text in restricted]
    with running(one_model, *flags) as server:
        for call, header, value in [
            ("index", "admin-key", "secret=1"), ("statistics", "admin-key", "secret=1"), ("infer", "infer-key", "value"),
        ]:
            grpc_header = f"triton-grpc-protocol-{header}"
            assert http_status(server, call, {header: value}) == 200
            assert grpc_status(server, call, {grpc_header: value}) == "OK"
            for wrong in ({}, {header: "x", grpc_header: "x"}):
                assert http_status(server, call, wrong) == 403
                assert grpc_status(server, call, wrong) == "UNAVAILABLE"
        for call in ("health", "metadata", "config"):
            assert (http_status(server, call, {}), grpc_status(server, call, {})) == (200, "OK")
        answer = clients.post(server, INDEX, {})
        assert answer.error() == "This API is restricted, expecting header 'admin-key'"
        with (
            pytest.raises(InferenceServerException) as caught,
            tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client,
        ):
            client.get_model_repository_index()
        text = "This protocol is restricted, expecting header 'triton-grpc-protocol-admin-key'"
        assert caught.value.message() == text
        assert "secret" not in server.log.text()


def test_control_has_a_port_of_its_own(one_model):
    flags = ["--model-control-mode=explicit", f"--load-model={MODEL}", "--control-http-port=0", "--control-grpc-port=0"]
    with running(one_model, *flags) as server:
        control = {
            protocol: int(server.log.wait_for(rf"Started {name} at 127.0.0.1:(\d+)")[1])
            for protocol, name in (("http", "HTTPControl"), ("grpc", "GRPCControl"))
        }
        for call in ("index", "load"):
            assert http_status(server, call, {}) == 403
            assert grpc_status(server, call, {}) == "PERMISSION_DENIED"
            assert http_status(server, call, {}, control["http"]) == 200
            assert grpc_status(server, call, {}, control["grpc"]) == "OK"
        assert http_status(server, "trace", {}) == 403
        assert "control port only" in clients.post(server, INDEX, {}).error()
        for call in ("health", "infer", "metadata", "statistics"):
            assert (http_status(server, call, {}), grpc_status(server, call, {})) == (200, "OK")
        assert http_status(server, "infer", {}, control["http"]) == 200


def test_control_ports_are_open_where_the_others_are_not(one_model):
    process = launch(f"--model-repository={one_model}", "--allow-http=false", "--control-http-port=0")
    try:
        log = Log(process.stderr)
        port = int(log.wait_for(r"Started HTTPControl at 127.0.0.1:(\d+)")[1])
        log.wait_for("ready")
        assert clients.ask(port, "GET", "/v2/health/live").status == 200
        assert "HTTPService" not in log.text()
    finally:
        process.kill()


PAGE = "https://page.example"
PREFLIGHT = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


def test_pages_of_admitted_origins_may_read_answers(one_model, tmp_path):
    file = tmp_path / "keys"
    file.write_text(KEYS)
    with running(one_model, f"--http-cors-origin={PAGE}", f"--api-keys-file={file}") as server:
        before = clients.ask(server.http, "OPTIONS", clients.DETECTOR, None, PREFLIGHT)
        assert before.status == 200
        assert before.headers["Access-Control-Allow-Origin"] == PAGE
        assert set(before.headers["Access-Control-Allow-Methods"].split(",")) == {"GET", "POST"}
        assert before.headers["Access-Control-Allow-Headers"] == "x-api-key"
        body, headers = clients.detector_request(32)
        answer = clients.post(server, clients.DETECTOR, body, headers | {"Origin": PAGE, "x-api-key": INFER})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
        assert answer.headers["Access-Control-Expose-Headers"].lower() == "inference-header-content-length"
        refused = clients.post(server, clients.DETECTOR, body, headers | {"Origin": PAGE})
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, PAGE)
        other = clients.ask(server.http, "OPTIONS", clients.DETECTOR, None, PREFLIGHT | {"Origin": "https://other.example"})
        assert other.headers["Access-Control-Allow-Origin"] is None


def test_pages_may_read_nothing_unless_asked_for(server):
    before = clients.ask(server.http, "OPTIONS", clients.DETECTOR, None, PREFLIGHT)
    assert (before.status, before.headers["Access-Control-Allow-Origin"]) == (405, None)
    answer = clients.ask(server.http, "GET", "/v2", None, {"Origin": PAGE})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, None)
    assert json.loads(answer.body)["name"] == "nereid"
