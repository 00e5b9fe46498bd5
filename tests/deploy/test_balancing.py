"""Three servers behind a real Envoy, configured as deploy/envoy says: how requests spread, and what is lost when a server
is killed, added, or stopped. What each test prints is what docs/operations.md tells."""

import contextlib
import signal

import clients
import load
import pytest
from golden import models
from proxy import Envoy
from server import Server

# Longer than Envoy's interval and timeout of health checks together.
DELAY_S = 3
ENOUGH = 300


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The models that are served."""
    folder = tmp_path_factory.mktemp("models")
    models.write_repository(folder)
    return folder


@pytest.fixture
def servers(repository):
    """Three servers, and what starts one more."""
    with contextlib.ExitStack() as running:
        def start() -> Server:
            return running.enter_context(Server(repository, f"--shutdown-delay-secs={DELAY_S}"))

        yield [start() for _ in range(3)], start


def answered(server) -> int:
    """How many requests a server has answered."""
    return int(clients.metric(server, "nv_inference_request_success", model=load.MODEL))


@contextlib.contextmanager
def both(envoy):
    """Load over gRPC and HTTP at the same time; nothing may fail."""
    with load.over_grpc(envoy) as grpc, load.over_http(envoy) as http:
        yield grpc, http
    for protocol, callers in (("gRPC", grpc), ("HTTP", http)):
        print(f"{protocol}: {callers.answered()} answered, failed: {callers.failures() or 0}")
    print("asked again over gRPC, HTTP:", envoy.retries())
    assert (grpc.failures(), http.failures()) == ({}, {})


def wait_for_more(callers) -> None:
    for caller in callers:
        caller.wait_for_more(ENOUGH)


def test_requests_of_one_channel_spread_evenly(servers, tmp_path):
    three, _ = servers
    with Envoy(tmp_path, three) as envoy:
        with load.over_grpc(envoy) as callers:
            callers.wait_for_more(3000)
        shares = [answered(server) / callers.answered() for server in three]
    print(f"{callers.answered()} requests of one channel, shares: {[f'{share:.3f}' for share in shares]}")
    assert callers.failures() == {}
    # Of two servers at random the less busy: a third each, and not a tenth more or less by chance alone.
    assert all(abs(share - 1 / 3) < 0.1 for share in shares), shares


def test_nothing_is_lost_when_a_server_is_killed(servers, tmp_path):
    three, _ = servers
    with Envoy(tmp_path, three) as envoy, both(envoy) as callers:
        wait_for_more(callers)
        three[0].signal(signal.SIGKILL)
        clients.wait_until(lambda: envoy.healthy() == (2, 2))
        wait_for_more(callers)


def test_a_server_that_is_added_gets_requests(servers, tmp_path):
    three, start = servers
    with Envoy(tmp_path, three) as envoy, both(envoy) as callers:
        wait_for_more(callers)
        added = start()
        envoy.point_to([*three, added])
        clients.wait_until(lambda: envoy.healthy() == (4, 4))
        clients.wait_until(lambda: answered(added) > 100)


def test_nothing_is_lost_when_a_server_is_stopped(servers, tmp_path):
    three, _ = servers
    with Envoy(tmp_path, three) as envoy, both(envoy) as callers:
        wait_for_more(callers)
        three[0].signal(signal.SIGTERM)
        # It says so while it still serves.
        three[0].log.wait_for("not ready from now on")
        assert clients.get(three[0], "/v2/health/ready").status == 400
        assert clients.get(three[0], "/v2/health/live").status == 200
        assert three[0].wait() == 0, three[0].log.text()
        assert envoy.healthy() == (2, 2)
        wait_for_more(callers)
        # Readiness alone has moved the traffic, before a port closed.
        assert envoy.retries() == (0, 0)
