"""What ran on a CUDA device: the lines that `tests/softcuda/harness` adds to the file `$NEREID_CUDA_REPORT`.

    python3 tools/cuda_report.py FILE     the heading that ends `make test`: how many tests, by crate
"""

import collections
import sys
from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """A test that was to run on a device."""

    outcome: str  # "pass", "skip", "FAIL", or "ran" where only that is known.
    crate: str
    test: str
    reason: str


def main() -> None:
    """Prints the heading."""
    cases = read(Path(sys.argv[1]))
    ran = [case for case in cases if case.outcome != "skip"]
    print(f"== On the software CUDA device (tests/softcuda), and on no GPU: {len(ran)} tests")
    for crate, count in sorted(collections.Counter(case.crate for case in ran).items()):
        failed = sum(case.crate == crate and case.outcome == "FAIL" for case in ran)
        print(f"   {crate}: {count}" + (f", {failed} of them FAILED" if failed else ""))


def read(path: Path) -> list[Case]:
    """Each test once, in the order of their names; none where no test was to run."""
    if not path.exists():
        return []
    cases = {Case(*line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines()}
    return sorted(cases, key=lambda case: (case.crate, case.test))


if __name__ == "__main__":
    main()
