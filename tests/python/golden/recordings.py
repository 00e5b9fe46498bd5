"""The recorded exchanges, and what of an answer is compared with them.

Not compared is what no two runs or builds share: platform, backend and file names, times, counts and versions of the
software. Of the lists of all models, those that the tests have no model of (copy_recordings.py) are passed over.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
DIFFERENCES_PAGE = FOLDER.parent.parent.parent / "docs" / "differences.md"
# What the server has of Triton's extensions, in their order.
EXTENSIONS = [
    "classification", "model_repository", "model_repository(unload_dependents)", "schedule_policy",
    "model_configuration", "cuda_shared_memory", "binary_tensor_data", "parameters", "statistics",
]
NOT_SERVED = {"repeat_int32", "simple_dyna_sequence", "simple_sequence", "simple_string_dyna_sequence"}
# Members of JSON objects whose value says nothing about the server's behaviour, over HTTP and gRPC alike.
# `memory_usage`: see the row of it in docs/differences.md; Rust's tests hold what it tells.
NOT_COMPARED = {
    "platform", "backend", "default_model_filename", "count", "ns", "last_inference", "inference_count",
    "execution_count", "memory_usage",
}


@dataclass(frozen=True)
class Difference:
    """An exchange that differs on purpose: the row of docs/differences.md that says why, and Nereid's own answer."""

    row: str
    answer: object


def load(protocol: str) -> dict[str, dict]:
    """Label -> exchange, in the order of the recording."""
    lines = (FOLDER / f"{protocol}.jsonl").read_text().splitlines()
    return {exchange["label"]: exchange for exchange in map(json.loads, lines)}


def expected(difference: Difference | None, recorded: object) -> object:
    """What Nereid answers: what was recorded, but where it differs on purpose."""
    return difference.answer if difference else recorded


def comparable(value: object) -> object:
    """A JSON value without what is not compared."""
    if isinstance(value, dict):
        kept = {key: comparable(member) for key, member in value.items() if key not in NOT_COMPARED}
        is_about_the_server = "extensions" in value
        if kept.get("state") == "UNLOADING":
            # The recording caught the moment; where it ends is this.
            kept |= {"state": "UNAVAILABLE", "reason": "unloaded"}
        return {key: member for key, member in kept.items() if not (is_about_the_server and key == "version")}
    if isinstance(value, list):
        return [comparable(item) for item in value if not is_of_another_model(item)]
    return value


def is_of_another_model(item: object) -> bool:
    """Whether an entry of a list of models is of one that is not served here."""
    return isinstance(item, dict) and item.get("name") in NOT_SERVED


def is_in_the_documentation(row: str) -> bool:
    """Whether docs/differences.md has a row of this name."""
    return re.search(rf"^\| {re.escape(row)} \|", DIFFERENCES_PAGE.read_text(), re.MULTILINE) is not None
