"""The pieces of which a sheet consists on the page: pictures, tables and tiles."""

import dataclasses
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from typing import Any

from ipywidgets import HTML

from ..plots.marks import Image, Row, Sheet
from ..plots.redraw import Redraw, fitted
from ..plots.tables import Table
from ..plots.theme import THEMES
from .part import close_all, prose
from .picture import Picture
from .readings import readings
from .tiles import Tiles, are_tiles, extent, tiles_of

FINEST = 2.0
"""Dots in a CSS pixel that a picture has at most."""
NEWS = 16.0
"""How much its column must change for a picture to be drawn again [CSS pixel]."""


class PicturePiece:
    """Rows of panels, drawn as one picture.

    Parameters
    ----------
    screen : Screen
        The front end.
    attempt : callable
        Wraps what happens on a change, so that an error becomes a sentence.

    Attributes
    ----------
    widget : Picture
        What stands on the page.
    """

    kind = "picture"

    def __init__(self, screen: Any, attempt: Callable) -> None:
        self._screen, self._sheet, self._redraw, self._width = screen, None, None, 0.0
        self.widget = Picture(room=screen.room)
        self._changed = attempt(self._follow)
        self.widget.observe(self._changed, "room")
        screen.observe(self._changed, ["theme", "pixel_ratio"])

    def show(self, sheet: Sheet) -> None:
        """Draw the rows of a sheet.

        Parameters
        ----------
        sheet : Sheet
            What to show; its words are not drawn.
        """
        self._sheet, self._width = sheet, self.widget.room
        fits = fitted(sheet, self.widget.room)
        drawn = self._canvas().draw(fits)
        with self.widget.hold_sync():
            self.widget.png, self.widget.size = drawn.png, (drawn.width, drawn.height)
            self.widget.panels = readings(drawn, self._canvas().theme)
            self.widget.alt, self.widget.words = sheet.title or "Figure", sheet.description

    def close(self) -> None:
        """Stop listening, and let go of the canvas."""
        self._screen.unobserve(self._changed, ["theme", "pixel_ratio"])
        self._sheet = self._redraw = None
        close_all(self.widget)

    def _follow(self) -> None:
        """Draw again where the column or the screen has changed by something that is seen."""
        room, before = self.widget.room, self._redraw
        self._screen.room = room or self._screen.room
        is_same = self._canvas() is before
        if self._sheet is not None and not (is_same and abs(room - self._width) < NEWS):
            self.show(self._sheet)

    def _canvas(self) -> Redraw:
        theme, ratio = THEMES[self._screen.theme], min(max(self._screen.pixel_ratio, 1.0), FINEST)
        if self._redraw is None or (self._redraw.theme, self._redraw.ratio) != (theme, ratio):
            self._redraw = Redraw(theme, ratio)
        return self._redraw


class TablePiece:
    """Rows of tables, as HTML.

    Parameters
    ----------
    screen : Screen
        The front end.
    attempt : callable
        As for other pieces.

    Attributes
    ----------
    widget : ipywidgets.HTML
        What stands on the page.
    """

    kind = "table"

    def __init__(self, screen: Any, attempt: Callable) -> None:
        self.widget: HTML = prose("cryonb-words")

    def show(self, sheet: Sheet) -> None:
        """Write the tables of a sheet.

        Parameters
        ----------
        sheet : Sheet
            What to show.
        """
        panels = [panel for row in sheet.rows for panel in row.panels]
        self.widget.value = "".join(
            _table(table, panel.title, panel.note) for panel in panels for table in panel.of(Table)
        )

    def close(self) -> None:
        """Take it off the page."""
        close_all(self.widget)


class TilesPiece:
    """Rows of grey images.

    Parameters
    ----------
    screen : Screen
        The front end.
    attempt : callable
        As for other pieces.

    Attributes
    ----------
    widget : Tiles
        What stands on the page.
    """

    kind = "tiles"

    def __init__(self, screen: Any, attempt: Callable) -> None:
        self.widget = Tiles()

    def show(self, sheet: Sheet) -> None:
        """Show the images of a sheet, all at one physical scale.

        Parameters
        ----------
        sheet : Sheet
            What to show.
        """
        widest = max(extent(image) for image in sheet.of(Image))
        self.widget.rows = [tiles_of(row, widest) for row in sheet.rows]

    def close(self) -> None:
        """Take it off the page."""
        close_all(self.widget)


PIECES = {piece.kind: piece for piece in (PicturePiece, TablePiece, TilesPiece)}
"""Kinds of pieces by name."""


def pieces_of(sheet: Sheet, with_tiles: bool) -> Iterator[tuple[str, Sheet]]:
    """Yield the pieces of a sheet from top to bottom.

    Parameters
    ----------
    sheet : Sheet
        The whole.
    with_tiles : bool
        Whether plain images are shown as tiles; else they are drawn like everything else.

    Yields
    ------
    kind : str
        Name of a kind of piece.
    part : Sheet
        The rows that follow each other and are of that kind.
    """
    for kind, rows in groupby(sheet.rows, lambda row: _kind(row, with_tiles)):
        yield kind, dataclasses.replace(sheet, rows=tuple(rows))


def _kind(row: Row, with_tiles: bool) -> str:
    filled = [panel for panel in row.panels if panel.marks]
    if filled and all(panel.of(Table) for panel in filled):
        return TablePiece.kind
    return TilesPiece.kind if with_tiles and are_tiles(row) else PicturePiece.kind


def lines(words: str) -> str:
    """Return words as HTML; lines stay lines.

    Parameters
    ----------
    words : str
        Plain text.

    Returns
    -------
    str
        HTML in which nothing is a tag but the breaks.
    """
    return escape(words).replace("\n", "<br>")


def _table(table: Table, title: str, note: str) -> str:
    about = "<br>".join(lines(words) for words in (title, note) if words)
    head = "".join(f'<th scope="col">{lines(column)}</th>' for column in table.columns)
    body = "".join(f"<tr>{''.join(f'<td>{lines(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    caption = f"<caption>{about}</caption>" if about else ""
    return f'<table class="cryonb-table">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
