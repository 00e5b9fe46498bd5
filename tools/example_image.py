"""Renders examples/images/line.jpg, the picture that the README sends: a committed file, made once by this.

    "$(python3 tools/python_env.py)" tools/example_image.py     needs the fonts of tools/font.py
"""

from pathlib import Path

import font
from PIL import Image, ImageDraw, ImageFont

TEXT = "Hello from Nereid 2026"
PLACE = Path(__file__).resolve().parent.parent / "examples" / "images" / "line.jpg"


def main() -> None:
    """Writes the picture."""
    typeface = ImageFont.truetype(str(font.place("DejaVuSans.ttf")), 40)
    left, top, right, bottom = typeface.getbbox(TEXT)
    margin = 8
    image = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), (244, 240, 230))
    ImageDraw.Draw(image).text((margin - left, margin - top), TEXT, fill=(24, 40, 72), font=typeface)
    image.save(PLACE, "JPEG", quality=90)


if __name__ == "__main__":
    main()
