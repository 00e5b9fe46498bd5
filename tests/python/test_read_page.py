"""The ensemble finds and reads the lines of rendered pages, over HTTP and gRPC, alone and under load."""

from dataclasses import dataclass
from functools import partial

import clients
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from lines import edit_distance
from pages import Page, overlap, random_page
from server import EXAMPLES, copy_examples, running

PROTOCOLS = {"http": tritonclient.http, "grpc": tritonclient.grpc}
# The detector's box has a margin around the ink, of a part of the line's height.
OVERLAP_MIN = 0.4
ROWS_MAX = 8
STEPS = ["page_pixels", "page_image", "text_detector", "page_boxes", "page_lines", "line_recogniser",
         "line_text"]


@dataclass(frozen=True)
class Reading:
    """What `read_page` answers: boxes `[N, 4]`, and a text and a score for each."""

    boxes: np.ndarray
    texts: list[str]
    scores: np.ndarray


def read(server, protocol: str, file: bytes) -> Reading:
    """One page by `tritonclient`."""
    port = getattr(server, protocol)
    with PROTOCOLS[protocol].InferenceServerClient(f"127.0.0.1:{port}") as client:
        result = client.infer("read_page", [clients.image(PROTOCOLS[protocol], file, (1,))])
    boxes, texts, scores = (result.as_numpy(name) for name in ("BOXES", "TEXTS", "SCORES"))
    assert boxes.shape == (len(boxes), 4) and texts.shape == scores.shape == (len(boxes), 1)
    return Reading(boxes, [text.decode() for text in texts[:, 0]], scores[:, 0])


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    """What pages may be like."""
    return {
        "a few lines": random_page(1, (960, 720), 6, range(24, 52)),
        "more lines than a batch": random_page(2, (900, 1200), 19, range(22, 34)),
        "large": random_page(3, (2400, 3200), 12, range(80, 130)),
        "PNG": random_page(4, (640, 480), 4, range(24, 40), "PNG"),
    }


def check(page: Page, reading: Reading) -> None:
    """Each line is found where it was drawn, from top to bottom, and read right."""
    assert len(reading.texts) == len(page.lines), reading
    wrong = 0
    for line, box, text, score in zip(page.lines, reading.boxes, reading.texts, reading.scores):
        assert overlap(line.box, box) >= OVERLAP_MIN, (line, box)
        assert 0.5 < score <= 1, (line, text, score)
        # The recogniser loses spaces between small words; its letters are what says that it saw the right pixels.
        wrong += edit_distance(line.text.replace(" ", ""), text.replace(" ", ""))
    assert wrong <= 1, list(zip(page.lines, reading.texts))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["a few lines", "more lines than a batch", "large", "PNG"])
def test_pages_are_read_right(server, pages, kind, protocol):
    check(pages[kind], read(server, protocol, pages[kind].file))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_empty_page_has_no_lines(server, protocol):
    reading = read(server, protocol, random_page(5, (640, 480), 0, range(24, 25)).file)
    assert len(reading.boxes) == 0 and reading.texts == []


def test_pages_sent_at_once_share_batches_and_are_read_right(tmp_path):
    """Pages of three lines, fewer than a batch takes: what the recogniser runs together is of several pages."""
    # Lines of one batch are equally wide, so four pages of each kind.
    small = [random_page(seed, (640, 400), 3, range(24, 34)) for seed in (10, 11)] * 4
    with running(copy_examples(tmp_path, "line_recogniser")) as server:
        together = clients.at_once([partial(read, server, ("http", "grpc")[at % 2], page.file)
                                    for at, page in enumerate(small)])
        for page, reading in zip(small, together):
            check(page, reading)
        recogniser = clients.statistics(server, "line_recogniser")
    assert recogniser["inference_count"] == sum(len(page.lines) for page in small)
    # A page is one request of three rows, so fewer runs than pages means that pages shared one.
    assert recogniser["execution_count"] < len(small), recogniser
    sizes = {entry["batch_size"] for entry in recogniser["batch_stats"]}
    assert max(sizes) <= ROWS_MAX, sizes


def test_copies_are_those_that_join_and_gather(fresh_server, pages):
    """One page at a time: nothing is copied between steps, and the parts of a long step are joined once."""
    few, many = pages["a few lines"], pages["more lines than a batch"]
    for page, is_joined in [(few, False), (many, True)]:
        read(fresh_server, "http", page.file)
        for step in STEPS:
            assert clients.metric(fresh_server, "nereid_copy_bytes_total", model=step) == 0, step
        joined = clients.metric(fresh_server, "nereid_copy_bytes_total", model="read_page", direction="gather")
        total = clients.metric(fresh_server, "nereid_copy_bytes_total", model="read_page")
        assert joined == total and (joined > 0) == is_joined, (joined, total)


def test_the_page_of_the_readme_is_read(server):
    """In JSON, by the request of the README's curl line."""
    page = (EXAMPLES.parent / "images" / "page.jpg").read_bytes()
    answer = clients.post(server, "/v2/models/read_page/infer", page, {**clients.RAW, "Accept": "application/json"})
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    assert outputs["BOXES"]["shape"] == [5, 4] and outputs["SCORES"]["shape"] == [5, 1]
    texts = ["Harbor Guide", "Ferries to the island", "Monday 1045", "Tickets", "Sunday 0930"]
    assert outputs["TEXTS"]["data"] == texts
