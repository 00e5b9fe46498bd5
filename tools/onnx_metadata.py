"""Reads the metadata of an ONNX file with nothing but the standard library.

Only what the label file needs: `ModelProto.metadata_props` (field 14), a list of `StringStringEntryProto` with `key`
(field 1) and `value` (field 2), as `onnx.proto` numbers them. Everything else is skipped by its wire type
(https://protobuf.dev/programming-guides/encoding/). The file is trusted: its SHA-256 was checked before.
"""

from collections.abc import Iterator

METADATA_PROPS, KEY, VALUE = 14, 1, 2
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5


def metadata(model: bytes) -> dict[str, str]:
    """The metadata of the model as key and value."""
    entries = (dict(fields(entry)) for number, entry in fields(model) if number == METADATA_PROPS)
    return {entry[KEY].decode(): entry[VALUE].decode() for entry in entries}


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Every length-delimited field of a message as number and content."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == LENGTH_DELIMITED:
            length, at = varint(message, at)
            yield number, message[at : at + length]
            at += length
        elif wire_type == VARINT:
            _, at = varint(message, at)
        elif wire_type in (FIXED32, FIXED64):
            at += 4 if wire_type == FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type} at byte {at} is none that ONNX files use")


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The base-128 number at `at`, and where the next byte after it is."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
