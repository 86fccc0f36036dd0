"""Sheets drawn one after another on one canvas, as quickly as what changes between them allows.

Most of the time of a drawing goes into words and frames, which stay as they are while a curve moves. So the canvas
keeps a picture of all that is still: `Curve`, `Area` and `Points` move, and so do vertical lines with their words, in
panels whose limits are given; the words of a key may change; everything else is still. Where a sheet
shares what is still with one of the last few, only the rest is drawn again, with what lies over it; other sheets are
drawn whole.
Both ways give the same pixels, but for the outer ends of ticks that a solid area touches.

Colours of words and frames are settings of matplotlib while a sheet is drawn, and those are global: draw in one
thread only, the one that owns the session.
"""

import dataclasses
from typing import Any

import matplotlib
import numpy as np
from matplotlib.transforms import Bbox

from .canvas import DOTS, Painted, draw_key, render_page
from .lane import draw_lane
from .marks import Area, Curve, Line, Mark, Panel, Points, Row, Sheet, SphereMap
from .page import Block, Frame, Page, arrange, key_marks, key_width, key_words
from .paint import paint
from .png import png
from .theme import LIGHT, Theme

MOVING = (Curve, Area, Points)
NARROW = 6.6
"""Width below which a key stands under its panels [inch]."""
LEAST_WIDTH, LEAST_PANEL = 4.4, 2.12
"""Width of a sheet, and of each of its columns, below which its words would meet [inch]."""
WIDE_PANEL, BESIDE_PANELS = 2.4, 1.4
"""Width that a key to the right has to leave for each panel, less what numbers and names take [inch]."""
WIDE_SPHERE = 9.0
"""Width below which maps of spheres stand under each other [inch]."""
ROOM_STEP, SPARE_ROOM = 0.25, 0.8
"""To what the room for the words of a key is rounded, and how much more than needed it may stay [inch]."""
MOST_KEPT = 3
"""Still parts that are kept, so that views that take turns are quick: some 10 MB each."""
MOST_WORDS = 200
"""Words of keys that are remembered as pixels."""
WITHOUT_LOOKS = ("name", "label", "key", "at", "start", "stop", "axis")


@dataclasses.dataclass(frozen=True, eq=False)
class Spot:
    """Where a panel came to stand in a picture.

    Attributes
    ----------
    panel : Panel
        What it shows.
    left, top, width, height : float
        Its rectangle as fractions of the picture.
    y_limits : tuple of float
        Ends of its vertical axis.
    """

    panel: Panel
    left: float
    top: float
    width: float
    height: float
    y_limits: tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """A picture of a sheet.

    Attributes
    ----------
    png : bytes
        The picture.
    width, height : float
        Its natural size on a screen [CSS pixel].
    spots : tuple of Spot
        Its panels.
    is_whole : bool
        Whether everything had to be drawn.
    """

    png: bytes
    width: float
    height: float
    spots: tuple[Spot, ...]
    is_whole: bool


class Redraw:
    """One canvas on which sheets are drawn one after another.

    Parameters
    ----------
    theme : Theme, optional
        Colours.
    ratio : float, optional
        Dots of the screen in a CSS pixel.

    Attributes
    ----------
    rooms : tuple of float
        Width kept for the words of each row's key [inch].
    """

    def __init__(self, theme: Theme = LIGHT, ratio: float = 1.0) -> None:
        self.theme, self.ratio = theme, ratio
        self._kept: list[_Kept] = []
        self.rooms: tuple[float, ...] = ()

    def draw(self, sheet: Sheet) -> Drawn:
        """Return the picture of a sheet.

        Parameters
        ----------
        sheet : Sheet
            What to show, at its own width.

        Returns
        -------
        Drawn
            The picture.
        """
        self.rooms = _rooms(sheet, self.rooms)
        page = arrange(sheet, self.rooms)
        still = _still(page)
        kept = next((one for one in self._kept if one.still == still), None)
        others = [one for one in self._kept if one is not kept]
        is_whole, self._kept = kept is None, others
        with matplotlib.rc_context(self.theme.style()):
            kept = _Kept(sheet, page, self.theme, self.ratio) if kept is None else kept
            kept.show(page, is_whole)
        self._kept = [kept, *others[: MOST_KEPT - 1]]
        spots = tuple(_spot(page, painted) for row in kept.figure.painted for painted in row)
        return Drawn(png(kept.pixels()), page.width * DOTS, page.height * DOTS, spots, is_whole)


class _Kept:
    """A figure, the picture of what is still in it, and that with the keys."""

    def __init__(self, sheet: Sheet, page: Page, theme: Theme, ratio: float) -> None:
        self.figure = render_page(sheet, page, theme)
        self.figure.set_dpi(DOTS * ratio)
        self.still = _still(page)
        self.looks = _looks(page)
        self.keys: list[Any] = []
        self._bare = self._keyed = self._pen = None
        self._over: dict[int, list] = {}

    def show(self, page: Page, is_whole: bool) -> None:
        """Put the marks of a page of the same still part on the canvas."""
        if is_whole:
            self._freeze()
        else:
            for block, row in zip(page.blocks, self.figure.painted):
                row[:] = [_repainted(frame, painted) for frame, painted in zip(block.frames, row)]
            if self.looks != _looks(page):
                self._draw_keys(page)
        canvas = self.figure.canvas
        canvas.restore_region(self._keyed)
        renderer = canvas.get_renderer()
        for row in self.figure.painted:
            for painted in row:
                for artist in _in_order(painted, self._over[id(painted.axes)]):
                    artist.draw(renderer)

    def pixels(self) -> np.ndarray:
        """Return what is on the canvas, uint8, (rows, columns, 4)."""
        return np.asarray(self.figure.canvas.buffer_rgba())

    def _freeze(self) -> None:
        """Draw what is still without what moves and what lies over it, and keep that."""
        canvas, panels = self.figure.canvas, [painted for row in self.figure.painted for painted in row]
        self._over = {id(painted.axes): _inside(painted, canvas.get_renderer()) for painted in panels}
        drawn = list(self.figure.legends)
        self.keys = [drawn.pop(0) if looks else None for looks in self.looks]
        for artist in [
            *self.figure.legends,
            *(one for painted in panels for one in _in_order(painted, self._over[id(painted.axes)])),
        ]:
            artist.set_animated(True)
        canvas.draw()
        self._bare = canvas.copy_from_bbox(self.figure.bbox)
        self._pen = _Pen(canvas)
        self._keep_keys()

    def _draw_keys(self, page: Page) -> None:
        """Draw the keys of a page; one that differs in words only is kept, with others in it."""
        before, self.looks = self.looks, _looks(page)
        for place, block in enumerate(page.blocks):
            key, old, new = self.keys[place], before[place], self.looks[place]
            if key is not None and [look for _, look in old] == [look for _, look in new]:
                for text, (words, _) in zip(key.get_texts(), new):
                    text.set_text(words)
            elif key is not None or new:
                if key is not None:
                    key.remove()
                self.keys[place] = draw_key(self.figure, page, block)
        self.figure.canvas.restore_region(self._bare)
        self._keep_keys()

    def _keep_keys(self) -> None:
        for key in self.keys:
            if key is not None:
                key.set_animated(True)
                key.draw(self._pen)
        self._keyed = self.figure.canvas.copy_from_bbox(self.figure.bbox)


class _Pen:
    """A renderer that remembers words on plain paper, and copies them where the same ones are to stand there again.

    Parameters
    ----------
    canvas : FigureCanvasAgg
        What it draws on.
    """

    def __init__(self, canvas: Any) -> None:
        self._canvas, self._agg = canvas, canvas.get_renderer()
        self._known: dict[tuple, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agg, name)

    def draw_text(self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, *rest: Any, **more: Any) -> None:
        """Draw words, or copy them."""
        key = (s, x, y, angle, hash(prop), tuple(gc.get_rgb()))
        if key in self._known:
            self._canvas.restore_region(self._known[key])
            return
        self._agg.draw_text(gc, x, y, s, prop, angle, *rest, **more)
        width, height, descent = self._agg.get_text_width_height_descent(s, prop, False)
        foot = self._agg.height - y - descent
        if len(self._known) >= MOST_WORDS:
            self._known.clear()
        ends = (x - 2, foot - 2, x + width + 2, foot + height + 2)
        self._known[key] = self._canvas.copy_from_bbox(Bbox.from_extents(*ends))


def _moves(panel: Panel, mark: Mark) -> bool:
    is_worded = isinstance(mark, Line) and mark.axis == "x" and bool(mark.label)
    return (isinstance(mark, MOVING) or is_worded) and _is_fixed(panel)


def _is_fixed(panel: Panel) -> bool:
    """Return whether the axes of a panel stay where they are, whatever is drawn on it."""
    return panel.x_limits is not None and panel.y_limits is not None


def _still(page: Page) -> tuple:
    """Return all that must be equal for two pages to share their still part."""
    return page.width, page.height, page.headline, page.caption, tuple(map(_still_block, page.blocks))


def _still_block(block: Block) -> tuple:
    frames = []
    for frame in block.frames:
        panel = frame.panel
        marks = tuple(mark for mark in panel.marks if not _moves(panel, mark))
        still = dataclasses.replace(panel, marks=marks)
        places = () if _is_fixed(panel) else frame.places
        frames.append(
            (dataclasses.replace(frame, panel=still, places=places), bool(panel.marks), _reaches_words(panel))
        )
    return dataclasses.replace(block.row, panels=()), block.key, block.columns, tuple(frames)


def _reaches_words(panel: Panel) -> bool:
    """Return whether what moves rises above the data, where the words of vertical lines stand."""
    moving = [mark for mark in panel.marks if isinstance(mark, MOVING) and _moves(panel, mark)]
    return any(np.any((mark.high if isinstance(mark, Area) else mark.y) > panel.y_limits[1]) for mark in moving)


def _looks(page: Page) -> list:
    """Return what the keys of a page say and show."""
    return [[_look(mark) for mark in key_marks(block.row)] if block.row.key else [] for block in page.blocks]


def _look(mark: Mark) -> tuple:
    shown = (field.name for field in dataclasses.fields(mark) if field.name not in WITHOUT_LOOKS)
    values = {name: getattr(mark, name) for name in shown}
    plain = {name: value for name, value in values.items() if not hasattr(value, "shape")}
    return key_words(mark), (type(mark), plain)


def _repainted(frame: Frame, painted: Painted) -> Painted:
    """Return a panel with what moves drawn anew."""
    panel = frame.panel
    moved = [artist for mark, drawn in painted.artists if _moves(painted.frame.panel, mark) for artist in drawn]
    for artist in [*moved, *(painted.lane if _is_fixed(panel) else [])]:
        artist.remove()
    still = iter([pair for pair in painted.artists if not _moves(painted.frame.panel, pair[0])])
    artists = [(mark, paint(painted.axes, mark)) if _moves(panel, mark) else next(still) for mark in panel.marks]
    lane = draw_lane(painted.axes, frame) if _is_fixed(panel) else painted.lane
    return dataclasses.replace(painted, frame=frame, artists=artists, lane=lane)


def _inside(painted: Painted, renderer: Any) -> list:
    """Return what a panel holds besides its marks and may lie over them: spines, lines, and words within its frame."""
    axes, panel = painted.axes, painted.frame.panel
    if not any(_moves(panel, mark) for mark in panel.marks):
        return []
    own = {id(artist) for _, artists in painted.artists for artist in artists} | {id(one) for one in painted.lane}
    others = own | {id(axes.patch), id(axes.xaxis), id(axes.yaxis)}
    words_count = _reaches_words(panel)
    found = []
    for artist in axes.get_children():
        is_words = hasattr(artist, "get_text")
        may_meet = not is_words or (words_count and artist.get_text() and _meets(artist, axes, renderer))
        if id(artist) not in others and may_meet:
            found.append(artist)
    return found


def _meets(words: Any, axes: Any, renderer: Any) -> bool:
    extent, frame = words.get_window_extent(renderer), axes.bbox
    return extent.x0 < frame.x1 and extent.x1 > frame.x0 and extent.y0 < frame.y1 and extent.y1 > frame.y0


def _in_order(painted: Painted, over: list) -> list:
    """Return what moves in a panel and what lies over it, from back to front."""
    panel = painted.frame.panel
    moving = {id(artist) for mark, artists in painted.artists if _moves(panel, mark) for artist in artists}
    moving |= {id(artist) for artist in painted.lane if _is_fixed(panel)}
    if not moving:
        return []
    every = [artist for _, artists in painted.artists for artist in artists] + painted.lane + over
    every.sort(key=lambda artist: artist.get_zorder())
    first = next(index for index, artist in enumerate(every) if id(artist) in moving)
    return every[first:] + (list(painted.top.spines.values()) if painted.top is not None else [])


def _spot(page: Page, painted: Painted) -> Spot:
    frame = painted.frame
    across, down = (frame.left / page.width, frame.width / page.width), (frame.top / page.height, frame.height)
    low, high = painted.axes.get_ylim()
    return Spot(frame.panel, across[0], down[0], across[1], down[1] / page.height, (float(low), float(high)))


def _rooms(sheet: Sheet, before: tuple[float, ...]) -> tuple[float, ...]:
    """Return the width kept for the key of each row, that of the sheet before where it does."""
    needed = [-(-key_width(row) // ROOM_STEP) * ROOM_STEP if row.key else 0.0 for row in sheet.rows]
    if len(before) != len(needed):
        return tuple(needed)
    return tuple(old if need <= old <= need + SPARE_ROOM else need for old, need in zip(before, needed))


def fitted(sheet: Sheet, pixels: float) -> Sheet:
    """Return what of a sheet a picture shows: its rows, as wide as there is room, without the words around them.

    Parameters
    ----------
    sheet : Sheet
        The whole.
    pixels : float
        Room [CSS pixel]; 0 for as wide as the sheet wants to be.

    Returns
    -------
    Sheet
        At most as wide as the sheet was, and wide enough for its panels; its keys stand below where it is narrow.
    """
    most = max((len(row.panels) for row in sheet.rows), default=1)
    least = max(LEAST_WIDTH, LEAST_PANEL * most)
    width = max(least, min(pixels / DOTS, sheet.width)) if pixels > 0 else sheet.width
    rows = sheet.rows
    if width < NARROW or any(row.key == "right" and _room_for_panels(row, width) < WIDE_PANEL for row in rows):
        rows = tuple(_with_key_below(row) for row in rows)
    if width < WIDE_SPHERE:
        rows = tuple(part for row in rows for part in _under_each_other(row))
    return dataclasses.replace(sheet, rows=rows, title="", headline="", caption="", width=width)


def _room_for_panels(row: Row, width: float) -> float:
    """Return what a key to the right leaves of a row for each of its panels, about [inch]."""
    return (width - key_width(row) - BESIDE_PANELS) / max(1, len(row.panels))


def _under_each_other(row: Row) -> tuple[Row, ...]:
    """Return maps of spheres as rows of their own: their colour scales need room beside each."""
    spheres = [panel for panel in row.panels if panel.of(SphereMap)]
    if len(spheres) < max(2, len(row.panels)):
        return (row,)
    return tuple(dataclasses.replace(row, panels=(panel,), height=max(row.height, 2.2)) for panel in spheres)


def _with_key_below(row: Row) -> Row:
    return dataclasses.replace(row, key="below") if row.key == "right" else row
