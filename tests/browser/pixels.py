"""What is seen of a place of the page: coloured pixels, and whether two pictures differ."""

import io

import numpy as np
from PIL import Image

COLOURED = 24
"""Levels by which the colours of a pixel differ, from which on it is coloured and not grey."""


def picture(place) -> np.ndarray:
    """Return what a place (a locator) shows, shape (rows, columns, 3), dtype int16."""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(np.int16)


def coloured(pixels: np.ndarray) -> int:
    """Return how many pixels have a colour."""
    return int(np.count_nonzero(pixels.max(axis=-1) - pixels.min(axis=-1) > COLOURED))


def changed(first: np.ndarray, second: np.ndarray) -> float:
    """Return the part of all pixels that two pictures of one size differ in, 1 for pictures of different sizes."""
    if first.shape != second.shape:
        return 1.0
    return float(np.mean(np.abs(first - second).max(axis=-1) > 8))
