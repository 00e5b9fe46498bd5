"""Fixtures: the example repository served, and the twenty lines to read."""

from collections.abc import Iterator
from pathlib import Path

import font
import pytest
from lines import Line, random_lines
from server import EXAMPLES, Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests that do not count what it did before."""
    with running(EXAMPLES) as server:
        yield server


@pytest.fixture
def fresh_server() -> Iterator[Server]:
    """A server of its own for a test that counts."""
    with running(EXAMPLES) as server:
        yield server


@pytest.fixture(scope="session")
def one_model(tmp_path_factory) -> Path:
    """A repository of one of the example's models, which loads fast."""
    folder = tmp_path_factory.mktemp("one_model")
    (folder / "text_detector").symlink_to(EXAMPLES / "text_detector")
    return folder


@pytest.fixture(scope="session")
def twenty_lines() -> list[Line]:
    """Twenty lines, the same in each run."""
    assert font.place("DejaVuSans.ttf").exists(), "the fonts are missing: run tools/font.py, or `make test-python`"
    return random_lines(20, seed=2026)
