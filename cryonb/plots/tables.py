"""Tables as marks, and how one is broken into lines and columns [inch]."""

import dataclasses
from collections.abc import Sequence

from .typesetting import SMALL, text_width, wrapped

LINE, CELL_GAP, ROW_GAP = 0.165, 0.16, 0.09
"""Height of a line of a table; room beside a cell, and below a row [inch]."""


@dataclasses.dataclass(frozen=True)
class Table:
    """Words in rows and columns; the only mark of its panel.

    Attributes
    ----------
    columns : tuple of str
        Headings, with units.
    rows : tuple of tuple of str
        Cells.
    name : str
        Word for programs.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    name: str


@dataclasses.dataclass(frozen=True)
class Lines:
    """A table broken into lines.

    Attributes
    ----------
    lefts : tuple of float
        Where each column begins [inch].
    tops : tuple of float
        Where each row begins, the heading first [inch].
    cells : tuple of tuple of tuple of str
        Lines of each cell of each row.
    height : float
        Of the whole [inch].
    """

    lefts: tuple[float, ...]
    tops: tuple[float, ...]
    cells: tuple[tuple[tuple[str, ...], ...], ...]
    height: float


def table_of_lines(columns: Sequence[str], rows: Sequence[Sequence[str]], inches: float) -> Lines:
    """Return a table broken into lines such that its columns fit a width.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells.
    inches : float
        Width [inch].

    Returns
    -------
    Lines
        Places of columns and rows, and the lines of each cell.
    """
    every = [columns, *rows]
    widths = _column_widths(every, inches)
    cells = tuple(tuple(wrapped(cell, SMALL, width) or ("",) for cell, width in zip(row, widths)) for row in every)
    heights = [LINE * max(map(len, row)) + ROW_GAP for row in cells]
    lefts = [sum(widths[:index]) + CELL_GAP * index for index in range(len(widths))]
    tops = [sum(heights[:index]) for index in range(len(heights))]
    return Lines(tuple(lefts), tuple(tops), cells, sum(heights))


def _column_widths(every: Sequence[Sequence[str]], inches: float) -> list[float]:
    """Return the width of each column: its longest cell, or less where that is too much, but no less than a word."""
    bold = 1.12
    whole, least = [], []
    for column in zip(*every):
        scales = [bold if not index else 1.0 for index in range(len(column))]
        whole.append(max(scale * text_width(cell, SMALL) for scale, cell in zip(scales, column)))
        words = [(scale, word) for scale, cell in zip(scales, column) for word in cell.split() or [""]]
        least.append(max(scale * text_width(word, SMALL) for scale, word in words))
    room = inches - CELL_GAP * (len(whole) - 1)
    if sum(whole) <= room:
        return whole
    spare, wanted = max(0.0, room - sum(least)), sum(whole) - sum(least)
    return [low + (high - low) * spare / wanted for low, high in zip(least, whole)]
