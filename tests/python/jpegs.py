"""JPEGs that no encoder at hand writes: any sampling, colours in one scan or in separate ones, restart markers.

Every block is flat, so that a file is little more than its layout (ITU-T T.81).
"""

import struct

import numpy as np

BLOCK = 8
# Codes of five bits for the sizes 0 to 11 of differences; of AC coefficients only the end of a block, of one bit.
DC_BITS, DC_SIZES = 5, bytes(range(12))
END_OF_BLOCK = "0"


def flat_blocks(size: tuple[int, int], sampling: list[tuple[int, int]], separate: bool = False, restart: int = 0,
                seed: int = 0) -> bytes:
    """A baseline JPEG of `size` (columns, rows) in random levels. `sampling` has the factors (x, y) of each component,
    `restart` the MCUs between two markers."""
    rng = np.random.default_rng(seed)
    width, height = size
    most = [max(factors) for factors in zip(*sampling)]
    mcus = [-(-side // (BLOCK * factor)) for side, factor in zip(size, most)]
    # Levels of all blocks of a component, those beyond the edge too.
    levels = [rng.integers(-60, 60, (mcus[1] * y, mcus[0] * x)) for x, y in sampling]
    components = b"".join(bytes([i + 1, x << 4 | y, 0]) for i, (x, y) in enumerate(sampling))
    parts = [
        b"\xff\xd8",
        segment(0xDB, bytes([0]) + bytes([1] * 64)),
        segment(0xC0, struct.pack(">BHHB", 8, height, width, len(sampling)) + components),
        segment(0xC4, bytes([0]) + counts(DC_BITS, len(DC_SIZES)) + DC_SIZES),
        segment(0xC4, bytes([0x10]) + counts(1, 1) + bytes([0])),
    ]
    if restart:
        parts.append(segment(0xDD, struct.pack(">H", restart)))
    if separate or len(sampling) == 1:
        for i, (x, y) in enumerate(sampling):
            blocks = [-(-(-(-side * factor // whole)) // BLOCK) for side, factor, whole in zip(size, (x, y), most)]
            units = [[(i, levels[i][row, column])] for row in range(blocks[1]) for column in range(blocks[0])]
            parts.append(scan([i], units, restart))
    else:
        units = [
            [
                (i, levels[i][row * y + v, column * x + u])
                for i, (x, y) in enumerate(sampling) for v in range(y) for u in range(x)
            ]
            for row in range(mcus[1]) for column in range(mcus[0])
        ]
        parts.append(scan(list(range(len(sampling))), units, restart))
    return b"".join(parts) + b"\xff\xd9"


def segment(marker: int, data: bytes) -> bytes:
    """A marker and its data."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def counts(bits: int, codes: int) -> bytes:
    """How many Huffman codes there are of each length."""
    return bytes(codes if length == bits else 0 for length in range(1, 17))


def scan(components: list[int], units: list[list[tuple[int, int]]], restart: int) -> bytes:
    """A scan of MCUs, each a list of component and level."""
    chosen = b"".join(bytes([i + 1, 0]) for i in components)
    head = segment(0xDA, bytes([len(components)]) + chosen + bytes([0, 63, 0]))
    interval = restart or len(units)
    intervals = [units[at : at + interval] for at in range(0, len(units), interval)]
    data = [coded(interval) for interval in intervals]
    markers = [bytes([0xFF, 0xD0 + i % 8]) for i in range(len(data) - 1)] + [b""]
    return head + b"".join(data + marker for data, marker in zip(data, markers))


def coded(units: list[list[tuple[int, int]]]) -> bytes:
    """The bits of an interval: of each block the difference to the last of its component."""
    before: dict[int, int] = {}
    bits = []
    for component, level in (block for unit in units for block in unit):
        # A coefficient of 8 is one level.
        difference = 8 * int(level) - before.get(component, 0)
        before[component] = 8 * int(level)
        size = abs(difference).bit_length()
        value = difference if difference >= 0 else difference + (1 << size) - 1
        bits.append(f"{size:0{DC_BITS}b}" + (f"{value:0{size}b}" if size else "") + END_OF_BLOCK)
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")
