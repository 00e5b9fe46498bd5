"""Builds the fuzz targets of `fuzz/` with libFuzzer, and runs them: `make fuzz`.

    python3 tools/fuzz.py [--time SECONDS] [TARGET]     every target, or one, for that long
    python3 tools/fuzz.py TARGET --input FILE           one input again

The compiler is the stable one: coverage is a pass of LLVM that it has. What was found to reach new code is kept in the
cache, and the next run begins with it; what breaks a target is written to `fuzz/crashes`.
"""

import argparse
import os
import subprocess
from pathlib import Path

import cache

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "fuzz" / "seeds"
CRASHES = ROOT / "fuzz" / "crashes"
CARGO = os.environ.get("CARGO", "cargo")

# Counts edges and tells libFuzzer what is compared with what.
COVERAGE = [
    "-Cpasses=sancov-module",
    "-Ccodegen-units=1",
    *(
        f"-Cllvm-args={flag}"
        for flag in (
            "-sanitizer-coverage-level=4",
            "-sanitizer-coverage-inline-8bit-counters",
            "-sanitizer-coverage-pc-table",
            "-sanitizer-coverage-trace-compares",
            "-simplifycfg-branch-fold-threshold=0",
        )
    ),
]
# A slow input is a fault, too. The limits of memory are the targets' own; this one ends what escapes them.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"]


def main() -> None:
    targets = sorted(seeds.name for seeds in SEEDS.iterdir())
    parser = argparse.ArgumentParser(description="Fuzzes every decoder.")
    parser.add_argument("target", nargs="?", choices=targets)
    parser.add_argument("--time", type=int, default=600, help="seconds for each target")
    parser.add_argument("--input", type=Path, help="a file to run once, of fuzz/crashes for instance")
    asked = parser.parse_args()
    if asked.input and not asked.target:
        parser.error("say which target the input is for")
    binary = build()
    failed = [name for name in ([asked.target] if asked.target else targets) if not run(binary, name, asked)]
    if failed:
        cache.fail(f"{', '.join(failed)} broke: see {CRASHES.relative_to(ROOT)}")


def build() -> Path:
    """The program, which has every target."""
    host = next(
        line.removeprefix("host: ")
        for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
        if line.startswith("host: ")
    )
    # With a target named, the flags are not for build scripts, which have no libFuzzer.
    command = [CARGO, "build", "--locked", "--package", "nereid-fuzz", "--features", "libfuzzer"]
    command += ["--profile", "fuzz", "--target", host]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"RUSTFLAGS": " ".join(COVERAGE)}, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / host / "fuzz" / "fuzz"


def run(binary: Path, name: str, asked: argparse.Namespace) -> bool:
    """Whether nothing broke."""
    command = [str(binary), *LIMITS]
    if asked.input:
        command.append(str(asked.input))
    else:
        corpus = cache.directory() / "fuzz" / name
        corpus.mkdir(parents=True, exist_ok=True)
        CRASHES.mkdir(exist_ok=True)
        words = ROOT / "fuzz" / "words" / f"{name}.dict"
        command += [f"-dict={words}"] if words.exists() else []
        command += [f"-max_total_time={asked.time}", f"-artifact_prefix={CRASHES}/{name}-", "-print_final_stats=1"]
        command += [str(corpus), str(SEEDS / name)]
        cache.say(f"== {name}: {asked.time} s")
    is_good = subprocess.run(command, env=os.environ | {"NEREID_FUZZ_TARGET": name}).returncode == 0
    if not is_good and not asked.input:
        cache.say(f"run it again: make fuzz TARGET={name} INPUT={CRASHES.relative_to(ROOT)}/{name}-<what was written>")
    return is_good


if __name__ == "__main__":
    main()
