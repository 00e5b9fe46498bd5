"""Renders lines of random English words and numbers as JPEGs, for the recogniser to read back.

Everything follows from the seed, so a run that fails can be repeated. What a picture shows is a `Line`; how far an
answer is from it is its `edit_distance`. The lines keep clear of what the recogniser itself is weak at, since it is
the server that is tested: a word is letters or digits, never both, and none begins with O (it is read as 0); two
numbers never meet (the space between them gets lost).
"""

import io
import random
from dataclasses import dataclass

import font
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORDS = """
able about above after again almost along always amber anchor animal answer apple april arrow autumn balance basket
before better between bicycle blanket border bottle bottom branch bread bridge bright brother butter candle castle
center change circle city clear clever cloud coffee common corner cotton country dance dark deep desert dinner doctor
dream early earth eight engine evening every family father field finger fire flower forest friend garden gentle glass
gold grass green guitar hammer harbor heart heavy honest hotel house hundred island january jungle kitchen ladder
language lemon letter light little machine market meadow middle minute mirror modern morning mother mountain music
narrow nature never night north number paper pencil people piano picture planet pocket
question quick quiet rabbit railway rain river round sailor school season second shadow silver simple sister small
smooth south spring station stone story street strong summer sunday sweet table teacher thunder ticket tiger travel
under valley village violin water weather weekend white window winter wonder yellow young zebra
""".split()
FONTS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf"]
SIZES_PX = range(18, 65)
# Below this difference of brightness, of 255, a person has to look twice.
CONTRAST_MIN = 110
# The recogniser was trained on lines up to this many times wider than high; longer ones lose letters.
ASPECT_MAX = 12


@dataclass(frozen=True)
class Line:
    """A picture of a line of text and the text it shows."""

    text: str
    jpeg: bytes


def random_lines(count: int, seed: int) -> list[Line]:
    """`count` lines that follow from `seed`."""
    chance = random.Random(seed)
    return [random_line(chance) for _ in range(count)]


def random_line(chance: random.Random) -> Line:
    """A line of two to five words in a font, size and pair of colours by chance."""
    typeface = ImageFont.truetype(str(font.place(chance.choice(FONTS))), chance.choice(SIZES_PX))
    words = random_words(chance)
    while aspect(" ".join(words), typeface) > ASPECT_MAX:
        words.pop()
    text = " ".join(words)
    return Line(text, render(text, typeface, chance))


def random_words(chance: random.Random) -> list[str]:
    """Words of the list, some with a capital, and a number between them where chance wants it."""
    words = [chance.choice(WORDS) for _ in range(chance.randint(2, 4))]
    words = [word.capitalize() if chance.random() < 0.4 else word for word in words]
    if chance.random() < 0.6:
        words[chance.randrange(len(words))] = str(chance.randrange(10, 10_000))
    return words


def aspect(text: str, typeface: ImageFont.FreeTypeFont) -> float:
    """How many times wider than high the text is."""
    left, _, right, _ = typeface.getbbox(text)
    ascent, descent = typeface.getmetrics()
    return (right - left) / (ascent + descent)


def render(text: str, typeface: ImageFont.FreeTypeFont, chance: random.Random) -> bytes:
    """The text as a JPEG, with a margin and a background by chance."""
    left, _, right, _ = typeface.getbbox(text)
    ascent, descent = typeface.getmetrics()
    margin = max(2, (ascent + descent) // 8)
    background, ink = colours(chance)
    image = Image.new("RGB", (right - left + 2 * margin, ascent + descent + 2 * margin), background)
    if chance.random() < 0.5:
        image = grainy(image, chance)
    ImageDraw.Draw(image).text((margin - left, margin), text, fill=ink, font=typeface)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=chance.randint(75, 95), progressive=chance.random() < 0.3)
    return encoded.getvalue()


def colours(chance: random.Random) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """A background and an ink that a person can tell apart."""
    while True:
        background, ink = (tuple(chance.randrange(256) for _ in range(3)) for _ in range(2))
        if abs(brightness(background) - brightness(ink)) >= CONTRAST_MIN:
            return background, ink


def brightness(colour: tuple[int, int, int]) -> float:
    """The luma of a colour, 0 to 255 (ITU-R BT.601)."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def grainy(image: Image.Image, chance: random.Random) -> Image.Image:
    """The image under a soft grain, as paper has it."""
    noise = Image.frombytes("L", image.size, chance.randbytes(image.width * image.height))
    grain = noise.filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    return Image.blend(image, grain, 0.08)


def edit_distance(one: str, other: str) -> int:
    """The fewest characters to insert, delete or replace to make one text the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]
