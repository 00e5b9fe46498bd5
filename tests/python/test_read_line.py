"""The ensemble reads rendered lines right, by every way to call it, alone and in batches."""

import json
import re
import subprocess
from functools import partial

import clients
import numpy as np
import pytest
import tritonclient.grpc as triton
from lines import edit_distance
from server import REPOSITORY

STEPS = ["line_image", "line_recogniser", "line_text"]
# Of some 350 characters. What the recogniser itself gets wrong of these lines is less.
WRONG_MAX = 2


@pytest.mark.parametrize("way", clients.WAYS)
def test_lines_are_read_right(server, twenty_lines, way):
    readings = [clients.WAYS[way](server, line.jpeg) for line in twenty_lines]
    wrong = {line.text: reading.text for line, reading in zip(twenty_lines, readings) if line.text != reading.text}
    assert sum(edit_distance(text, other) for text, other in wrong.items()) <= WRONG_MAX, wrong
    assert all(0.5 < reading.score <= 1 for reading in readings), readings


def test_all_ways_give_the_same_answer(server, twenty_lines):
    for line in twenty_lines:
        readings = {read(server, line.jpeg) for read in clients.WAYS.values()}
        assert len({reading.text for reading in readings}) == 1, readings
        assert max(r.score for r in readings) - min(r.score for r in readings) < 1e-5, readings


def test_the_readme_curl_line_prints_the_text(server):
    """The very lines of the README, with this server's port: what they print is what stands below them."""
    readme = (REPOSITORY / "README.md").read_text()
    command, printed = re.search(r"^\$ (curl --data-binary(?:.*\\\n)*.*)\n(.*)$", readme, re.MULTILINE).groups()
    command = command.replace("localhost:8000", f"127.0.0.1:{server.http}")
    answer = subprocess.run(command, cwd=REPOSITORY, shell=True, check=True, capture_output=True)
    text, score = (output["data"] for output in json.loads(answer.stdout)["outputs"])
    expected_text, expected_score = (output["data"] for output in json.loads(printed)["outputs"])
    assert text == expected_text == ["Hello from Nereid 2026"]
    assert score == pytest.approx(expected_score, abs=1e-3)


def test_a_raw_request_is_answered_in_json_only_to_who_asks_for_it(server, twenty_lines):
    jpeg, url = twenty_lines[0].jpeg, clients.READ_LINE
    binary = clients.post(server, url, jpeg, clients.RAW)
    assert binary.headers["Content-Type"] == "application/octet-stream"
    plain = clients.post(server, url, jpeg, {**clients.RAW, "Accept": "application/json"})
    assert plain.headers["Content-Type"] == "application/json"
    (text,) = plain.json()["outputs"][0]["data"]
    assert binary.tensor("TEXT")[4:].decode() == text


def test_lines_sent_at_once_form_batches_and_give_the_same_texts(fresh_server, twenty_lines):
    alone = [clients.read_by_raw_request(fresh_server, line.jpeg).text for line in twenty_lines]
    before = clients.statistics(fresh_server, "line_recogniser")
    assert before["inference_count"] == before["execution_count"] == len(twenty_lines)
    calls = [partial(clients.read_by_raw_request, fresh_server, line.jpeg) for line in twenty_lines * 3]
    together = [reading.text for reading in clients.at_once(calls)]
    assert together == alone * 3
    after = clients.statistics(fresh_server, "line_recogniser")
    assert after["inference_count"] - before["inference_count"] == len(calls)
    assert after["execution_count"] - before["execution_count"] < len(calls)
    sizes = {entry["batch_size"]: entry["compute_infer"]["count"] for entry in after["batch_stats"]}
    assert any(size > 1 for size in sizes) and max(sizes) <= 8, sizes
    assert sum(sizes.values()) == after["execution_count"]
    assert sum(size * count for size, count in sizes.items()) == after["inference_count"]


def test_nothing_is_copied_between_the_steps(fresh_server, twenty_lines):
    for line in twenty_lines:
        clients.read_by_raw_request(fresh_server, line.jpeg)
    for step in STEPS:
        assert clients.metric(fresh_server, "nv_inference_exec_count", model=step) == len(twenty_lines)
        assert clients.metric(fresh_server, "nereid_copy_bytes_total", model=step) == 0, step


def test_several_lines_in_one_request_give_a_row_each(server, twenty_lines):
    lines = twenty_lines[:3]
    tensor = triton.InferInput("IMAGE", [3, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[line.jpeg] for line in lines], dtype=object))
    with triton.InferenceServerClient(f"127.0.0.1:{server.grpc}") as client:
        texts = client.infer("read_line", [tensor]).as_numpy("TEXT")
    assert texts.shape == (3, 1)
    # The three share the width of the widest, so a letter may differ from the line read alone.
    wrong = sum(edit_distance(text.decode(), line.text) for text, line in zip(texts[:, 0], lines))
    assert wrong <= WRONG_MAX, texts
