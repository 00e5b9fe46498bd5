"""Renders the pictures that the READMEs send, examples/images/*.jpg: committed files, made once by this.

    "$(python3 tools/python_env.py)" tools/example_image.py     needs the fonts of tools/font.py
"""

from pathlib import Path

import font
from PIL import Image, ImageDraw, ImageFont

TEXT = "Hello from Nereid 2026"
# The lines of a page: left, top, size of the letters.
PAGE = {
    "Harbor Guide": (40, 40, 72),
    "Ferries to the island": (40, 190, 44),
    "Monday 1045": (80, 300, 44),
    "Sunday 0930": (80, 390, 44),
    "Tickets": (560, 345, 44),
}
PAPER, INK = (244, 240, 230), (24, 40, 72)
PLACE = Path(__file__).resolve().parent.parent / "examples" / "images"


def main() -> None:
    """Writes the pictures."""
    typeface = letters(40)
    left, top, right, bottom = typeface.getbbox(TEXT)
    margin = 8
    image = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), PAPER)
    ImageDraw.Draw(image).text((margin - left, margin - top), TEXT, fill=INK, font=typeface)
    image.save(PLACE / "line.jpg", "JPEG", quality=90)
    page = Image.new("RGB", (800, 500), PAPER)
    for text, (left, top, size) in PAGE.items():
        ImageDraw.Draw(page).text((left, top), text, fill=INK, font=letters(size))
    page.save(PLACE / "page.jpg", "JPEG", quality=90)


def letters(size: int) -> ImageFont.FreeTypeFont:
    """The typeface, `size` pixels high."""
    return ImageFont.truetype(str(font.place("DejaVuSans.ttf")), size)


if __name__ == "__main__":
    main()
