"""The repository decides at any time (--model-control-mode=poll): what is added, changed or removed follows."""

import os
import shutil
import signal

import clients
import pytest
from server import EXAMPLES, Server, running

POLL = ("--model-control-mode=poll", "--repository-poll-secs=1")
STEPS = ["line_image", "line_recogniser", "line_text"]


@pytest.fixture
def repository(tmp_path):
    """A repository that serves `line_text` only."""
    add(tmp_path, "line_text")
    return tmp_path


def add(repository, model: str) -> None:
    shutil.copytree(EXAMPLES / model, repository / model, symlinks=False)


def touch(file, seconds: int) -> None:
    """Another time than whatever the file has, so that no clock's tick matters."""
    os.utime(file, (seconds, seconds))


def states(server) -> dict[str, str]:
    index = clients.post(server, "/v2/repository/index", b"").json()
    return {entry["name"]: " ".join([entry["state"], entry.get("reason", "")]).strip() for entry in index}


def wait_for_state(server, model: str, state: str) -> None:
    clients.wait_until(lambda: states(server).get(model, "").startswith(state))


def shown_rows(server) -> int:
    return clients.get(server, "/v2/models/line_text/config").json()["max_batch_size"]


def test_models_come_change_and_go_with_their_folders(repository):
    config = repository / "line_text" / "config.pbtxt"
    with running(repository, *POLL) as server:
        assert states(server) == {"line_text": "READY"}
        assert shown_rows(server) == 8

        config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 6"))
        touch(config, 1_000_000_000)
        clients.wait_until(lambda: shown_rows(server) == 6)

        add(repository, "line_image")
        wait_for_state(server, "line_image", "READY")

        shutil.rmtree(repository / "line_text")
        wait_for_state(server, "line_text", "UNAVAILABLE unloaded")
        assert clients.get(server, "/v2/health/ready").status == 200
        add(repository, "line_text")
        wait_for_state(server, "line_text", "READY")
        assert shown_rows(server) == 8


def test_a_reload_that_fails_leaves_what_serves_and_waits_for_another_change(repository):
    config = repository / "line_text" / "config.pbtxt"
    good = config.read_text()
    with running(repository, *POLL) as server:
        config.write_text(good.replace("ctc_greedy_decode", "no_such_operation"))
        server.log.wait_for("failed to load 'line_text': .*no_such_operation")
        assert states(server) == {"line_text": "READY"}
        # Scans that come after it: this model is taken up by one of them.
        add(repository, "line_image")
        wait_for_state(server, "line_image", "READY")
        assert server.log.text().count("model 'line_text' has changed") == 1
        config.write_text(good.replace("max_batch_size: 8", "max_batch_size: 5"))
        clients.wait_until(lambda: shown_rows(server) == 5)


def test_an_ensemble_comes_when_its_last_step_does(repository, twenty_lines):
    with running(repository, *POLL) as server:
        add(repository, "read_line")
        server.log.wait_for("failed to load 'read_line'")
        wait_for_state(server, "read_line", "UNAVAILABLE")
        for step in STEPS:
            if step != "line_text":
                add(repository, step)
        wait_for_state(server, "read_line", "READY")
        assert clients.read_by_raw_request(server, twenty_lines[0].jpeg).text


def test_a_model_that_failed_and_is_removed_holds_up_readiness_no_more(repository):
    with running(repository, *POLL) as server:
        broken = repository / "broken"
        broken.mkdir()
        (broken / "config.pbtxt").write_text("nonsense")
        wait_for_state(server, "broken", "UNAVAILABLE")
        assert clients.get(server, "/v2/health/ready").status == 400
        shutil.rmtree(broken)
        wait_for_state(server, "broken", "UNAVAILABLE unloaded")
        assert clients.get(server, "/v2/health/ready").status == 200


def test_clients_may_not_load_or_unload_meanwhile(repository):
    with running(repository, *POLL) as server:
        for act in ("load", "unload"):
            answer = clients.post(server, f"/v2/repository/models/line_text/{act}", b"")
            text = "explicit model load / unload is not allowed if polling is enabled"
            assert (answer.status, answer.error()) == (503, text)


def test_the_interval_does_not_hold_up_the_end(repository):
    with Server(repository, "--model-control-mode=poll", "--repository-poll-secs=3600") as server:
        server.signal(signal.SIGTERM)
        # It waits for a minute at most, and not for the hour.
        assert server.wait() == 0, server.log.text()
