"""Pixels as a PNG, written quickly rather than small."""

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
_LEVEL = 1


def png(pixels: np.ndarray) -> bytes:
    """Return pixels as a PNG.

    Parameters
    ----------
    pixels : ndarray
        uint8, (rows, columns) grey or (rows, columns, 3 or 4) red, green, blue and opacity; first row on top.

    Returns
    -------
    bytes
        The file. No row is predicted from the one above, which costs more time than it saves bytes here.
    """
    rows, columns, *channels = pixels.shape
    count = channels[0] if channels else 1
    lines = np.zeros((rows, 1 + columns * count), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, _COLOUR_TYPES[count], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
