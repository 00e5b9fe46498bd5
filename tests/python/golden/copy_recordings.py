"""Copies the recorded exchanges that concern what the server has: copy_recordings.py FOLDER

FOLDER holds http.jsonl and grpc.jsonl as they were recorded from Triton 2.51.0, one exchange a line. Copied are, byte
for byte and in order, the lines whose exchange does not concern what the server does not have yet: sequences, decoupled
models and `generate`, system shared memory, trace settings, log settings. A line concerns one of these by its path (HTTP) or
its label (gRPC, where the recording has no request). When the server gets one of them, take it off the list, copy
again, and write its requests into grpc_requests.py.
"""

import json
import re
import sys
from pathlib import Path

LEFT_OUT = {
    "http": r"simple_sequence|repeat_int32|/generate|systemsharedmemory|/trace/|/v2/logging",
    "grpc": r"seq |stream seq|decoupled|shm |trace |log ",
}
# Their paths are those of every inference request, but they use a region of system memory that is registered before.
SYSTEM_SHARED_MEMORY = {"infer shm out", "infer shm small", "infer shm oob", "infer shm in ok"}


def concerns(protocol: str, exchange: dict) -> bool:
    """Whether an exchange is to be copied."""
    subject = exchange["path"] if protocol == "http" else exchange["label"]
    left_out = re.search(LEFT_OUT[protocol], subject) or exchange["label"] in SYSTEM_SHARED_MEMORY
    return not left_out


def main() -> None:
    """Copies both files to where this one is."""
    for protocol in LEFT_OUT:
        lines = Path(sys.argv[1], f"{protocol}.jsonl").read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if concerns(protocol, json.loads(line))]
        Path(__file__).with_name(f"{protocol}.jsonl").write_bytes(b"".join(kept))
        print(f"{protocol}: {len(kept)} of {len(lines)}")


if __name__ == "__main__":
    main()
