"""Scheduling over the wire: what `dynamic_batching` states has its effect in the whole server."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clients
from server import EXAMPLES, Server, running

# A run of the slow one takes many times as long as the others' whole way.
SLOW, FAST = 960, 96


def repository(folder: Path, batching: str, instances: int = 1) -> Path:
    """The text detector alone: requests one by one, scheduled as `batching` states."""
    shutil.copytree(EXAMPLES / "text_detector", folder / "text_detector")
    config = folder / "text_detector" / "config.pbtxt"
    text = config.read_text()
    for old, new in [
        ("max_batch_size: 4", "max_batch_size: 1"),
        ("dynamic_batching { }", f"dynamic_batching {{\n{batching}\n}}"),
        ("count: 1", f"count: {instances}"),
    ]:
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)
    return folder


def ask(server: Server, side: int, **parameters: int) -> clients.Answer:
    body, headers = clients.detector_request(side, parameters={"binary_data_output": True, **parameters})
    return clients.post(server, clients.DETECTOR, body, headers)


def wait_for_queue(server: Server, requests: int) -> None:
    name = "nv_inference_pending_request_count"
    clients.wait_until(lambda: clients.metric(server, name, model="text_detector") == requests)


def refusals(server: Server) -> set[str]:
    """What some are told, of several slow requests at once; others are answered."""
    answers = clients.at_once([lambda: ask(server, SLOW)] * 6)
    assert {answer.status for answer in answers} == {200, 503}
    return {answer.error() for answer in answers if answer.status == 503}


def test_a_full_queue_refuses(tmp_path):
    batching = "default_queue_policy { max_queue_size: 1 }"
    with running(repository(tmp_path, batching)) as server:
        assert refusals(server) == {"[request id: <id_unknown>] Exceeds maximum queue size"}


def test_who_waits_too_long_in_a_queue_is_refused(tmp_path):
    batching = "default_queue_policy { default_timeout_microseconds: 100000 }"
    with running(repository(tmp_path, batching)) as server:
        assert refusals(server) == {"[request id: <id_unknown>] Request timeout expired"}


def test_the_higher_priority_is_first(tmp_path):
    batching = "priority_levels: 3 default_priority_level: 2"
    with running(repository(tmp_path, batching)) as server, ThreadPoolExecutor(8) as pool:
        # One runs and one waits, so all that follow are in the queue together.
        slow = [pool.submit(ask, server, SLOW) for _ in range(2)]
        wait_for_queue(server, 1)
        ended = []
        waiting = []
        # Not the fastest, so that the client's threads cannot mix up who was first.
        for number, priority in enumerate([3, 0, 1], start=2):
            future = pool.submit(ask, server, SLOW // 2, priority=priority)
            future.add_done_callback(lambda _, priority=priority: ended.append(priority))
            waiting.append(future)
            wait_for_queue(server, number)
        assert [future.result().status for future in [*slow, *waiting]] == [200] * 5
    assert ended == [1, 0, 3]


def test_nobody_is_lost_where_order_is_preserved(tmp_path):
    batching = "preserve_ordering: true"
    with running(repository(tmp_path, batching, instances=2)) as server:
        calls = [lambda side=side: ask(server, side) for side in [SLOW, FAST, FAST, SLOW, FAST, FAST]]
        assert [answer.status for answer in clients.at_once(calls)] == [200] * len(calls)


def test_all_faults_of_a_scheduler_are_told_with_their_lines(tmp_path):
    batching = "preserve_ordering: true\npreferred_batch_size: 2\npriority_levels: 2"
    folder = repository(tmp_path, batching)
    lines = (folder / "text_detector" / "config.pbtxt").read_text().split("\n")
    first = lines.index("dynamic_batching {") + 1
    with running(folder, "--exit-on-error=false", "--strict-readiness=false") as server:
        log = server.log.text()
    for line, fault in [
        (first, "default_priority_level must be from 1 (the highest) to priority_levels, which is 2; got 0"),
        (first + 2, "preferred_batch_size must be positive and at most max_batch_size, which is 1; got 2"),
        (first + 3, "preserve_ordering needs a single priority level"),
    ]:
        assert f"config.pbtxt:{line}:1: {fault}" in log
