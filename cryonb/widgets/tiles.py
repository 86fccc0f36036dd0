"""Grey images side by side, each a PNG made straight from its numbers, at one physical scale."""

import dataclasses
from pathlib import Path

import anywidget
import numpy as np
from traitlets import Bool, List

from ..plots.layout import bar_length
from ..plots.marks import Image, Panel, Row
from ..plots.png import png

HERE = Path(__file__).parent
LARGEST = 420
"""Width of a tile at most [CSS pixel]."""


class Tiles(anywidget.AnyWidget):
    """Rows of images; wheel and arrow keys over one that has the focus are told as messages ``{"steps": n}``.

    Attributes
    ----------
    rows : list of dict
        As `tiles_of` makes them.
    can_move : bool
        Whether wheel and arrow keys are told.
    """

    # As text: a path is watched by anywidget, and its watcher keeps every widget that was ever made.
    _esm = (HERE / "tiles.js").read_text(encoding="utf-8")
    _css = (HERE / "picture.css").read_text(encoding="utf-8")
    rows = List().tag(sync=True)
    can_move = Bool(False).tag(sync=True)


@dataclasses.dataclass(frozen=True)
class Grey:
    """A grey scale.

    Attributes
    ----------
    low, high : float
        Values drawn as black and as white.
    """

    low: float
    high: float

    def words(self, what: str) -> dict[str, str]:
        """Return what stands beside the scale.

        Parameters
        ----------
        what : str
            What is shown, for example ``"density"``.

        Returns
        -------
        dict of str to str
            Words for ``"what"``, ``"low"`` and ``"high"``.
        """
        return {"what": what, "low": _number(self.low), "high": _number(self.high)}


def are_tiles(row: Row) -> bool:
    """Return whether a row can be shown as tiles: plain grey images, with empty places between them perhaps.

    Parameters
    ----------
    row : Row
        The row.

    Returns
    -------
    bool
        False where colours or hatching lie over an image.
    """
    marks = [mark for panel in row.panels for mark in panel.marks]
    return bool(marks) and all(
        isinstance(mark, Image) and mark.overlay is None and (mark.hatched is None or not mark.hatched.any())
        for mark in marks
    )


def grey_png(image: Image) -> bytes:
    """Return a grey image as a PNG of 8 bits.

    Parameters
    ----------
    image : Image
        The mark; its first row is at the bottom.

    Returns
    -------
    bytes
        One pixel a value; what is not finite is black.
    """
    span = image.high - image.low if image.high > image.low else 1.0
    scaled = (np.asarray(image.array, dtype=np.float32) - np.float32(image.low)) * np.float32(255.0 / span)
    return png(np.nan_to_num(scaled).clip(0.0, 255.0).round().astype(np.uint8)[::-1])


def tiles_of(row: Row, widest: float) -> dict:
    """Return a row of images as the front end shows it.

    Parameters
    ----------
    row : Row
        Panels of images.
    widest : float
        Extent of the widest image of the sheet [angstrom], which takes the whole width of a tile.

    Returns
    -------
    dict
        ``tiles``, one a panel, and ``scale``, the words beside the grey scale that all share, or None.
    """
    images = [image for panel in row.panels for image in panel.of(Image)]
    scales = {Grey(image.low, image.high) for image in images}
    shared = scales.pop().words(row.grey_scale) if len(scales) == 1 and row.grey_scale else None
    return {"tiles": [_tile(panel, widest, row, shared is None) for panel in row.panels], "scale": shared}


def extent(image: Image) -> float:
    """Return how wide an image is.

    Parameters
    ----------
    image : Image
        The mark.

    Returns
    -------
    float
        Width [angstrom], or [pixel] where no size of a pixel is known.
    """
    return image.array.shape[1] * (image.pixel_size if image.pixel_size > 0 else 1.0)


def _tile(panel: Panel, widest: float, row: Row, has_own_scale: bool) -> dict:
    words = {"title": panel.title, "note": panel.note}
    found = panel.of(Image)
    if not found:
        return {**words, "png": None, "share": 0.0, "most": 0, "bar": None, "scale": None}
    image = found[0]
    rows, columns = image.array.shape
    length = bar_length(extent(image)) if image.pixel_size > 0 else 0.0
    bar = {"share": length / extent(image), "words": f"{length:g} Å"} if length else None
    scale = Grey(image.low, image.high).words(row.grey_scale) if has_own_scale and row.grey_scale else None
    share = extent(image) / widest if widest > 0 else 1.0
    drawn = {"png": grey_png(image), "share": share, "most": LARGEST, "bar": bar, "scale": scale}
    return {**words, **drawn, "slope": rows / columns}


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
