"""Draws lines over time as a small SVG, in the manner of Grafana's panels: for pictures in the documentation.

Not for data of any size: every point is drawn.
"""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 22, 30, 26
LEGEND_ROW = 15
COLUMNS = 2
COLOURS = ["#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b7a200", "#0a7c86", "#7c5c4b", "#5a6270", "#d44a9c"]
PREFIXES = {9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ"}
UNITS = {"s": "s", "Bps": "B/s", "bytes": "B", "reqps": "/s", "ops": "/s", "percentunit": "", "short": ""}


@dataclass(frozen=True)
class Line:
    """Times in seconds, and values."""

    legend: str
    points: list[tuple[float, float]]


def svg(title: str, unit: str, lines: list[Line]) -> str:
    """A picture of the lines."""
    rows = math.ceil(len(lines) / COLUMNS)
    height = HEIGHT + LEGEND_ROW * rows
    times = [at for line in lines for at, _ in line.points]
    start, end = min(times), max(times)
    step, top = scale(max(value for line in lines for _, value in line.points))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
             'font-family="sans-serif" font-size="11" fill="#333">',
             f'<rect width="{WIDTH}" height="{height}" rx="4" fill="#fff" stroke="#ddd"/>',
             f'<text x="12" y="19" font-size="13" font-weight="600">{escape(title)}</text>']
    for number in range(round(top / step) + 1):
        y = down(number * step, top)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label(number * step, unit)}</text>')
    for part in range(5):
        at = start + (end - start) * part / 4
        x = across(at, start, end)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{at - start:.0f} s</text>')
    for index, line in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        path = "".join(f"{'L' if at else 'M'}{across(time, start, end):.1f} {down(value, top):.1f}"
                       for at, (time, value) in enumerate(line.points))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        x, y = 14 + index % COLUMNS * (WIDTH - 20) / COLUMNS, HEIGHT + 6 + index // COLUMNS * LEGEND_ROW
        parts.append(f'<path d="M{x:.0f} {y - 4}h12" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 17:.0f}" y="{y}">{escape(line.legend)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def scale(highest: float) -> tuple[float, float]:
    """The distance of the lines of the grid, 1, 2 or 5 of a power of ten, and the highest of them."""
    rough = (highest or 1) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return step, step * max(1, math.ceil(highest / step * 0.999))


def label(value: float, unit: str) -> str:
    """A value for people."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    exponent = min(9, max(-6, math.floor(math.log10(value) / 3 + 1e-9) * 3)) if value else 0
    prefix = PREFIXES[exponent]
    return f"{value / 10**exponent:.3g} {prefix}{UNITS[unit]}".rstrip()


def across(at: float, start: float, end: float) -> float:
    return LEFT + (at - start) / ((end - start) or 1) * (WIDTH - LEFT - RIGHT)


def down(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)
