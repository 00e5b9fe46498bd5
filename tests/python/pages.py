"""Draws pages of several lines, for `read_page` to find and read; each line is where the page says it drew it."""

import io
import random
from dataclasses import dataclass

import font
import lines
from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Written:
    """A line of a page: its text, and the ink's left, top, right and bottom."""

    text: str
    box: Box


@dataclass(frozen=True)
class Page:
    """A page as a file, and its lines from top to bottom."""

    file: bytes
    lines: list[Written]


def random_page(seed: int, size: tuple[int, int], count: int, letters_px: range, kind: str = "JPEG") -> Page:
    """A page of `count` lines at equal distances, each in a font, size and place by chance."""
    chance = random.Random(seed)
    width, height = size
    image = Image.new("RGB", size, (244, 240, 230))
    draw = ImageDraw.Draw(image)
    written = []
    for index in range(count):
        typeface = ImageFont.truetype(str(font.place(chance.choice(lines.FONTS))), chance.choice(letters_px))
        words = lines.random_words(chance)
        while len(words) > 1 and (
            lines.aspect(" ".join(words), typeface) > lines.ASPECT_MAX or typeface.getlength(" ".join(words)) > 0.9 * width
        ):
            words.pop()
        text = " ".join(words)
        left = chance.uniform(0.03, 0.97 - typeface.getlength(text) / width) * width
        place = (int(left), int((index + 0.25) * height / count))
        draw.text(place, text, fill=(24, 40, 72), font=typeface)
        written.append(Written(text, draw.textbbox(place, text, font=typeface)))
    encoded = io.BytesIO()
    image.save(encoded, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return Page(encoded.getvalue(), written)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    area = lambda box: max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
    common = area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    return common / (area(one) + area(other) - common)
