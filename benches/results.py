"""Writes what was measured into benches/RESULTS.md: each bench only between its own two marks. What people wrote around
them, and what other benches have measured, stays.
"""

import datetime
import os
import re
import textwrap
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
END = "<!-- end -->"


def write(command: str, title: str, text: str) -> None:
    """Replaces what `command` wrote before; the first time there is a new section with that title."""
    mark = f"<!-- {command} -->"
    written = f"{mark}\n{text.strip()}\n{END}"
    old = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    if mark in old:
        between = re.compile(f"{re.escape(mark)}.*?{re.escape(END)}", re.DOTALL)
        RESULTS.write_text(between.sub(lambda _: written, old, count=1))
    else:
        RESULTS.write_text(f"{old.rstrip()}\n\n## {title}\n\n{written}\n")


def machine() -> str:
    """When and on what this runs, and what else does."""
    about = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in about if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    return f"{datetime.date.today()}, {os.cpu_count()} cores ({model}), a load of {load:.1f} before it began"


def paragraph(text: str) -> str:
    """In lines of the length that this repository has."""
    return textwrap.fill(" ".join(text.split()), 125, break_on_hyphens=False, break_long_words=False)


def table(columns: list[str], rows: list[list[str]]) -> str:
    """As Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
