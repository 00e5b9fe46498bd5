"""TLS and mutual TLS over both protocols, by stock clients and by plain sockets."""

import contextlib
import datetime
import http.client
import os
import socket
import ssl
import subprocess
from pathlib import Path

import certificates
import clients
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from certificates import Authority, Identity
from server import Log, binary, launch, running
from tritonclient.utils import InferenceServerException

PROTOCOLS = ["http", "grpc"]
MODEL = "text_detector"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """Who signs all sound certificates."""
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    """Whom no server trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def tls_server(authority, one_model):
    """A server with TLS."""
    with running(one_model, *flags(authority.issue("server"))) as server:
        yield server


@pytest.fixture(scope="module")
def mutual_server(authority, one_model):
    """A server with mutual TLS."""
    with running(one_model, *flags(authority.issue("mutual-server"), authority.root)) as server:
        yield server


def flags(identity: Identity, client_roots: Path | None = None) -> list[str]:
    """The flags of TLS for both protocols."""
    found = []
    for protocol in PROTOCOLS:
        found += [f"--{protocol}-server-cert={identity.certificate}", f"--{protocol}-server-key={identity.key}"]
        if client_roots:
            found += [f"--{protocol}-use-ssl-mutual=true", f"--{protocol}-root-cert={client_roots}"]
        else:
            found.append(f"--{protocol}-use-ssl=true")
    return found


def is_live(server, protocol: str, root: Path, identity: Identity | None = None) -> bool:
    """What the stock client is told, with its own options of TLS."""
    if protocol == "http":
        options = {"ca_certs": str(root)}
        if identity:
            options |= {"certfile": str(identity.certificate), "keyfile": str(identity.key)}
        with tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.http}", ssl=True, ssl_options=options) as client:
            return client.is_server_live()
    options = {"root_certificates": str(root)}
    if identity:
        options |= {"certificate_chain": str(identity.certificate), "private_key": str(identity.key)}
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}", ssl=True, **options) as client:
        return client.is_server_live(client_timeout=clients.TIMEOUT_S)


@contextlib.contextmanager
def refused(protocol: str):
    """What is inside must fail before any answer."""
    # Under TLS 1.3 the client ends its handshake first, and sees that it was refused by the closed connection.
    errors = (ssl.SSLError, OSError) if protocol == "http" else (InferenceServerException,)
    with pytest.raises(errors):
        yield


def context(root: Path, identity: Identity | None = None) -> ssl.SSLContext:
    """A client's context for plain sockets."""
    made = ssl.create_default_context(cafile=root)
    if identity:
        made.load_cert_chain(identity.certificate, identity.key)
    return made


def shaken(port: int, of: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection that has shaken hands."""
    plain = socket.create_connection(("127.0.0.1", port), clients.TIMEOUT_S)
    try:
        return of.wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_stock_clients_speak_tls(tls_server, authority, stranger, protocol):
    assert is_live(tls_server, protocol, authority.root)
    with refused(protocol):
        is_live(tls_server, protocol, stranger.root)


def test_inference_over_tls(tls_server, authority):
    body, headers = clients.detector_request(96)
    over_tls = http.client.HTTPSConnection("127.0.0.1", tls_server.http, context=context(authority.root))
    for _ in range(2):  # On one connection.
        over_tls.request("POST", clients.DETECTOR, body, headers)
        answer = over_tls.getresponse()
        assert (answer.status, len(answer.read()) > 96 * 96) == (200, True)
    over_tls.close()
    tensor = tritonclient.grpc.InferInput("x", [1, 3, 96, 96], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3, 96, 96), np.float32))
    root = str(authority.root)
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{tls_server.grpc}", ssl=True, root_certificates=root) as client:
        assert client.infer(MODEL, [tensor]).get_response().model_name == MODEL


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_is_spoken_is_negotiated(tls_server, authority, version):
    for port, ours, theirs in [(tls_server.http, "http/1.1", "h2"), (tls_server.grpc, "h2", "http/1.1")]:
        of = context(authority.root)
        of.minimum_version = of.maximum_version = version
        of.set_alpn_protocols([theirs, ours])
        with shaken(port, of) as connection:
            assert connection.selected_alpn_protocol() == ours
        of.set_alpn_protocols([theirs])
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            shaken(port, of)


def test_old_versions_of_tls_are_refused(tls_server, authority):
    of = context(authority.root)
    with pytest.warns(DeprecationWarning):
        of.minimum_version, of.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    of.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shaken(tls_server.http, of)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_mutual_tls_admits_the_right_clients_only(mutual_server, authority, stranger, protocol):
    root = authority.root
    assert is_live(mutual_server, protocol, root, authority.issue("client"))
    for wrong in [None, stranger.issue("client"), authority.issue("late", -datetime.timedelta(days=1))]:
        with refused(protocol):
            is_live(mutual_server, protocol, root, wrong)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_expired_certificate_of_the_server_is_refused_by_clients(one_model, authority, protocol):
    expired = authority.issue("expired", -datetime.timedelta(days=1))
    with running(one_model, *flags(expired)) as server, refused(protocol):
        is_live(server, protocol, authority.root)


def test_clear_text_at_a_tls_port(tls_server):
    answer = clients.get(tls_server, "/v2/health/live")
    assert (answer.status, answer.error()) == (400, "this port speaks TLS: ask by https://")
    with (
        pytest.raises(InferenceServerException),
        tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{tls_server.grpc}") as client,
    ):
        client.is_server_live(client_timeout=clients.TIMEOUT_S)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_stalls_holds_up_nobody(tls_server, authority, protocol):
    port = getattr(tls_server, protocol)
    stalled = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        for connection in stalled:
            connection.sendall(b"\x16\x03\x01\x02\x00")  # The beginning of a handshake.
        assert is_live(tls_server, protocol, authority.root)
    finally:
        for connection in stalled:
            connection.close()


def test_who_stalls_does_not_hold_up_the_end(one_model, authority):
    with contextlib.ExitStack() as open_until_then:
        # Its exit status is checked: 1 would say that it waited for them until its time was up.
        with running(one_model, *flags(authority.issue("ending")), "--exit-timeout-secs=5") as server:
            assert server.log.text().count(" over TLS") == 2
            for port in (server.http, server.grpc):
                stalled = open_until_then.enter_context(socket.create_connection(("127.0.0.1", port)))
                stalled.sendall(b"\x16\x03\x01\x02\x00")


def test_probes_need_no_tls_at_the_metrics_port(mutual_server):
    for health in ("live", "ready"):
        command = [binary(), "probe", health, f"--http-port={mutual_server.metrics}"]
        assert subprocess.run(command, check=False).returncode == 0
    assert clients.ask(mutual_server.metrics, "GET", "/v2/models/text_detector").body == b""


def served(port: int, of: ssl.SSLContext) -> int:
    """The serial number of the certificate that a port shows."""
    with shaken(port, of) as connection:
        return certificates.serial_number(connection.getpeercert(binary_form=True))


def copy(source: Identity, target: Identity) -> None:
    """Replaces a certificate and its key, one after the other, as people do."""
    for name in ("certificate", "key"):
        new = getattr(target, name).with_suffix(".new")
        new.write_bytes(getattr(source, name).read_bytes())
        os.replace(new, getattr(target, name))


def test_a_certificate_that_changes_is_read_anew(one_model, authority, tmp_path):
    identity = Identity(tmp_path / "server.pem", tmp_path / "server.key")
    first, second = authority.issue("first"), authority.issue("second")
    copy(first, identity)
    of = context(authority.root)
    with running(one_model, *flags(identity)) as server, shaken(server.http, of) as kept:
        ports = [server.http, server.grpc]
        assert [served(port, of) for port in ports] == [certificates.serial_number_of(first)] * 2
        identity.key.write_text("no key at all")
        for name in ("HTTP", "gRPC"):
            server.log.wait_for(rf"(?m)^E.*certificate of {name} changed and cannot be used.*{identity.key}.*private key")
        assert [served(port, of) for port in ports] == [certificates.serial_number_of(first)] * 2
        copy(second, identity)
        expected = certificates.serial_number_of(second)
        clients.wait_until(lambda: [served(port, of) for port in ports] == [expected] * 2)
        # A connection lives on with what it began with.
        kept.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(1024).startswith(b"HTTP/1.1 200 ")


def test_roots_of_clients_that_change_are_read_anew(one_model, authority, stranger, tmp_path):
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root.read_bytes())
    theirs = stranger.issue("new-client")
    with running(one_model, *flags(authority.issue("rooted"), roots)) as server:
        with refused("grpc"):
            is_live(server, "grpc", authority.root, theirs)
        roots.write_bytes(stranger.root.read_bytes())
        server.log.wait_for("certificate of gRPC changed and was read anew")
        assert is_live(server, "grpc", authority.root, theirs)
        with refused("grpc"):
            is_live(server, "grpc", authority.root, authority.issue("old-client"))


@pytest.mark.parametrize("wrong", ["missing", "swapped", "mismatched", "encrypted", "flag"])
def test_what_cannot_be_used_stops_the_server_and_is_named(one_model, authority, tmp_path, wrong):
    sound, other = authority.issue("sound"), authority.issue("other")
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    identity, expected = {
        "missing": (Identity(tmp_path / "nothing.pem", sound.key), ["nothing.pem", "certificates in PEM", "No such file"]),
        "swapped": (Identity(sound.key, sound.certificate), [str(sound.key), "expected: certificates in PEM"]),
        "mismatched": (Identity(sound.certificate, other.key), [str(sound.certificate), str(other.key)]),
        "encrypted": (Identity(sound.certificate, encrypted), [str(encrypted), "the key is encrypted"]),
        "flag": (sound, ["--http-use-ssl-mutual needs --http-root-cert"]),
    }[wrong]
    extra = ["--http-use-ssl-mutual=true"] if wrong == "flag" else []
    process = launch("--model-repository", str(one_model), *flags(identity), *extra)
    text = Log(process.stderr).wait_for_end()
    assert process.wait() == 1 and "Started" not in text, text
    for part in expected:
        assert part in text, text


def test_a_key_that_all_can_read_is_warned_of(one_model, authority):
    identity = authority.issue("careless")
    identity.key.chmod(0o644)
    with running(one_model, *flags(identity)) as server:
        server.log.wait_for(rf"(?m)^W.*{identity.key} can be read by every user")
