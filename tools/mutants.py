"""Breaks the shipped code on purpose, one small change at a time, and sees that a test fails.

    python3 tools/mutants.py [--list] [WORD...]

tools/mutants.toml has the changes, each with the one test that must fail by it, and why that matters. With words, only
mutants whose description has one of them. Exits with 1 if a mutant survives, does not compile, or changes text that is
no longer there.

All of it happens in a copy of the working tree, target/mutants, with builds of its own, so nothing is left broken, and
cargo may be used beside it. A test is first run on the unbroken copy: one that fails there proves nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import cache

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tools" / "mutants.toml"
PLACE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "mutants"
TREE = PLACE / "tree"
CARGO = os.environ.get("CARGO", "cargo")
# A mutant that waits for ever is caught, too.
TEST_SECONDS_MAX = 180


class Edit(NamedTuple):
    """A change of one file."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A fault of the shipped code."""

    what: str
    why: str
    test: str  # What `cargo test` is told: a package, a target, and the name of a test.
    edits: list[Edit]


def main() -> None:
    parser = argparse.ArgumentParser(description="Breaks the code on purpose, and sees that a test fails.")
    parser.add_argument("--list", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only mutants whose description has one of them")
    asked = parser.parse_args()
    mutants = [mutant for mutant in read() if not asked.words or any(word in mutant.what for word in asked.words)]
    if asked.list:
        for mutant in mutants:
            print(f"{mutant.what}\n    {mutant.why}\n    cargo test -p {mutant.test}")
        return
    copy_tree()
    for test in sorted({mutant.test for mutant in mutants}):
        if not (compiles(test) and passes(test)):
            cache.fail(f"it does not pass as it is, and so proves nothing: cargo test -p {test}")
    failed = [mutant.what for mutant in mutants if not is_caught(mutant)]
    print(f"{len(mutants) - len(failed)} of {len(mutants)} mutants are caught")
    if failed:
        cache.fail("not caught: " + "; ".join(failed))


def read() -> list[Mutant]:
    """The table."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(row["what"], row["why"], row["test"], [Edit(**edit) for edit in row["edit"]]) for row in rows]


def copy_tree() -> None:
    """Brings the copy to what the working tree is, and leaves alone what is so already: cargo goes by times."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in names if name and (ROOT / name).is_file()}
    for path in TREE.rglob("*"):
        if path.is_file() and str(path.relative_to(TREE)) not in wanted:
            path.unlink()
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)


def is_caught(mutant: Mutant) -> bool:
    """Whether the mutant's test fails by it; says so."""
    since = time.monotonic()
    before = {edit.file: (TREE / edit.file).read_text(encoding="utf-8") for edit in mutant.edits}
    try:
        outcome = try_out(mutant)
    finally:
        for file, text in before.items():
            (TREE / file).write_text(text, encoding="utf-8")
    print(f"{outcome:<20} {mutant.what} ({time.monotonic() - since:.0f} s)", flush=True)
    return outcome == "caught"


def try_out(mutant: Mutant) -> str:
    """What becomes of the mutant."""
    for edit in mutant.edits:
        path = TREE / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            return "OUT OF DATE"
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    if not compiles(mutant.test):
        return "DOES NOT COMPILE"
    return "SURVIVES" if passes(mutant.test) else "caught"


def compiles(test: str) -> bool:
    """Whether the test's binary can be built; the compiler's errors are shown."""
    *target, _name = test.split()
    return cargo(["--no-run", "--package", *target], None)


def passes(test: str) -> bool:
    """Whether the test passes, and is there at all."""
    *target, name = test.split()
    try:
        return cargo(["--package", *target, name, "--", "--exact"], TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False


def cargo(arguments: list[str], seconds_max: int | None) -> bool:
    """Whether `cargo test` succeeds in the copy. A run in which no test is succeeds at nothing."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(PLACE / "build")}
    command = [CARGO, "test", "--quiet", "--locked", *arguments]
    ran = subprocess.run(command, cwd=TREE, env=environment, timeout=seconds_max, capture_output=True, text=True)
    if ran.returncode != 0 and "--no-run" in arguments:
        sys.stderr.write(ran.stderr)
    return ran.returncode == 0 and ("--no-run" in arguments or "1 passed" in ran.stdout)


if __name__ == "__main__":
    main()
