"""The page of a sheet: where each panel, key and scale stands [inch].

Lengths are measured from the upper left corner of the page.
"""

import dataclasses

from .layout import Place, place_labels
from .marks import Area, Band, Curve, Image, Line, Panel, Points, Row, Sheet, SphereMap
from .tables import Table, table_of_lines
from .typesetting import HEADLINE, SMALL, text_width, wrapped

EDGE = 0.15
TEXT_ROW = 0.185
NOTE_ROW = 0.17
LEFT_OF_AXIS = 0.80
KEY_HANDLE = 0.50
COLOUR_SCALE = 0.95


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where a panel stands.

    Attributes
    ----------
    panel : Panel
        What stands there.
    left, top, width, height : float
        Its rectangle, without the words around it [inch].
    places : tuple of Place
        Where the words of its labelled vertical lines go.
    lane : float
        Height kept free for those words above the data [inch].
    numbers : bool
        Whether it shows the numbers of its vertical axis.
    line_names : bool
        Whether it names its horizontal lines.
    """

    panel: Panel
    left: float
    top: float
    width: float
    height: float
    places: tuple[Place, ...] = ()
    lane: float = 0.0
    numbers: bool = True
    line_names: bool = True


@dataclasses.dataclass(frozen=True)
class Block:
    """A row of the page: its frames, and the corner and width of its key.

    Attributes
    ----------
    row : Row
        What it shows.
    frames : tuple of Frame
        Its panels.
    key : tuple of float
        Left, top and width of the key [inch].
    columns : int
        How many columns the key has.
    bottom : float
        Where the next row may start [inch].
    """

    row: Row
    frames: tuple[Frame, ...]
    key: tuple[float, float, float]
    columns: int
    bottom: float


@dataclasses.dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes
    ----------
    width, height : float
        Size [inch].
    blocks : tuple of Block
        Its rows.
    headline, caption : tuple of str
        Wrapped lines of text.
    """

    width: float
    height: float
    blocks: tuple[Block, ...]
    headline: tuple[str, ...]
    caption: tuple[str, ...]


def labelled_lines(panel: Panel) -> list[Line]:
    """Return the vertical lines of a panel that carry words and lie on it, from left to right.

    Parameters
    ----------
    panel : Panel
        The panel.

    Returns
    -------
    list of Line
        The lines.
    """
    if panel.x_limits is None:
        return []
    low, high = panel.x_limits
    lines = [line for line in panel.of(Line) if line.axis == "x" and line.label and low <= line.at <= high]
    return sorted(lines, key=lambda line: line.at)


def key_words(mark) -> str:
    """Return the words of a mark in the key.

    Parameters
    ----------
    mark : Curve, Points, Area, Band or Line
        The mark.

    Returns
    -------
    str
        Empty if it stays out of the key.
    """
    return mark.key if isinstance(mark, Line) else mark.label


def key_marks(row: Row) -> list:
    """Return the marks that the key of a row explains, each label once.

    Parameters
    ----------
    row : Row
        The row.

    Returns
    -------
    list of marks
        Curves, points, areas, bands, then lines.
    """
    found = {}
    for kind in (Curve, Points, Area, Band, Line):
        for panel in row.panels:
            for mark in panel.of(kind):
                if key_words(mark):
                    found.setdefault(key_words(mark), mark)
    return list(found.values())


def arrange(sheet: Sheet, rooms: tuple[float, ...] = ()) -> Page:
    """Return the page of a sheet.

    Parameters
    ----------
    sheet : Sheet
        What to show.
    rooms : tuple of float, optional
        Least width kept for the longest words of each row's key [inch], so that sheets that follow each other may
        stand alike.

    Returns
    -------
    Page
        Where everything stands.
    """
    inner = sheet.width - 2 * EDGE
    headline = wrapped(sheet.headline, HEADLINE, inner)
    caption = wrapped(sheet.caption, SMALL, inner)
    rooms = rooms or (0.0,) * len(sheet.rows)
    margins = [_margins(row, room) for row, room in zip(sheet.rows, rooms)]
    if sheet.aligned:
        margins = [_shared(margins)] * len(margins)
    top = 0.10 + (0.27 if sheet.title else 0.0) + 0.20 * len(headline) + 0.04
    blocks = []
    for row, margin, room in zip(sheet.rows, margins, rooms):
        wide = _Wide(sheet.width, sheet.aligned, margin, room)
        blocks.append(_block(row, top, wide))
        top = blocks[-1].bottom
    height = top + 0.08 + 0.17 * len(caption) + 0.06
    return Page(sheet.width, height, tuple(blocks), headline, caption)


@dataclasses.dataclass(frozen=True)
class _Wide:
    width: float
    aligned: bool
    margin: tuple[float, float, float, float]
    room: float


def _margins(row: Row, room: float) -> tuple[float, float, float, float]:
    left = LEFT_OF_AXIS if any(panel.y_label for panel in row.panels) else EDGE
    right = EDGE + (COLOUR_SCALE if row.grey_scale else 0.0)
    names = [text_width(line.label, SMALL) for panel in row.panels for line in panel.of(Line) if line.axis == "y"]
    beside = max(names, default=0.0) + (0.06 if names else 0.0)
    right += beside
    if row.key == "right":
        right += max(room, key_width(row)) + 0.15
    right += COLOUR_SCALE if row.panels[-1].of(SphereMap) else 0.0
    has_numbers = any(panel.y_label for panel in row.panels[1:]) and not row.share_y
    gap = LEFT_OF_AXIS + 0.1 if has_numbers else 0.16 if row.panels[0].of(Image) else 0.26
    if any(panel.of(SphereMap) for panel in row.panels[:-1]):
        gap += COLOUR_SCALE
    return left, right, gap, beside


def _shared(margins: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    beside = max(margin[3] for margin in margins)
    right = max(margin[1] - margin[3] for margin in margins) + beside
    return max(margin[0] for margin in margins), right, max(margin[2] for margin in margins), beside


def key_width(row: Row) -> float:
    """Return how wide the longest words of a row's key are, with what stands before them.

    Parameters
    ----------
    row : Row
        The row.

    Returns
    -------
    float
        Width [inch].
    """
    labels = [KEY_HANDLE + text_width(key_words(mark), SMALL) for mark in key_marks(row)]
    return max([*labels, text_width(row.key_title, SMALL)], default=0.0)


def _block(row: Row, top: float, place: _Wide) -> Block:
    (left, right, gap, beside), width, aligned = place.margin, place.width, place.aligned
    column = (width - left - right - gap * (len(row.panels) - 1)) / len(row.panels)
    top += sum(words_above(row)) + 0.06
    top += 0.44 if any(panel.top for panel in row.panels) else 0.0
    wide, height = _panel_size(row, column)
    step = gap + (column if aligned else wide)
    slack = (column - wide) / 2 if aligned else 0.0
    places = [_places(panel, wide) for panel in row.panels]
    text_rows = max((place.row + 1 for each in places for place in each), default=0)
    lane = text_rows * TEXT_ROW + 0.05 if text_rows else 0.0
    last = max((index for index, panel in enumerate(row.panels) if panel.marks), default=0)
    frames = tuple(
        Frame(
            panel,
            left + slack + index * step,
            top,
            wide,
            height,
            tuple(places[index]),
            lane,
            numbers=index == 0 or not row.share_y,
            line_names=index == last,
        )
        for index, panel in enumerate(row.panels)
    )
    bottom = top + height + _below(row)
    if row.key == "below":
        inches = width - left - EDGE
        columns = key_columns(row, inches, place.room)
        return Block(row, frames, (left, bottom, inches), columns, bottom + _key_height(row, columns))
    return Block(row, frames, (width - right + beside + EDGE, top, right), 1, bottom)


def words_above(row: Row) -> tuple[float, float]:
    """Return the heights kept for the titles and for the notes above the panels of a row.

    Parameters
    ----------
    row : Row
        The row.

    Returns
    -------
    tuple of float
        Heights [inch].
    """
    title = 0.20 if any(panel.title for panel in row.panels) else 0.0
    return title, NOTE_ROW * max((len(panel.note.split("\n")) for panel in row.panels if panel.note), default=0)


def _panel_size(row: Row, column: float) -> tuple[float, float]:
    tables = [table for panel in row.panels for table in panel.of(Table)]
    if tables:
        return column, max(table_of_lines(table.columns, table.rows, column).height for table in tables)
    shapes = [image.array.shape for panel in row.panels for image in panel.of(Image)]
    slopes = [rows / columns for rows, columns in shapes] + [0.5 for panel in row.panels if panel.of(SphereMap)]
    if not slopes:
        return column, row.height
    slope = max(slopes)
    wide = min(column, row.height / slope)
    return wide, wide * slope


def _below(row: Row) -> float:
    if any(panel.of(SphereMap) for panel in row.panels):
        return 0.30
    if any(panel.of(Table) for panel in row.panels):
        return 0.10
    named = any(panel.x_label for panel in row.panels)
    numbered = any(panel.x_limits is not None for panel in row.panels)
    return 0.52 if named else 0.30 if numbered else 0.12


def _places(panel: Panel, inches: float) -> list[Place]:
    lines = labelled_lines(panel)
    if not lines:
        return []
    low, high = panel.x_limits
    at = [inches * (line.at - low) / (high - low) for line in lines]
    return place_labels(at, [text_width(line.label, SMALL) for line in lines], inches)


def key_columns(row: Row, inches: float, room: float = 0.0) -> int:
    """Return how many columns a key below the panels has.

    Parameters
    ----------
    row : Row
        The row.
    inches : float
        Width of the key [inch].
    room : float, optional
        Least width kept for its longest words [inch].

    Returns
    -------
    int
        Number of columns, 1 or more.
    """
    return max(1, min(len(key_marks(row)), int(inches / (max(room, key_width(row)) + 0.3))))


def _key_height(row: Row, columns: int) -> float:
    lines = -(-len(key_marks(row)) // columns)
    return 0.06 + 0.2 * (lines + bool(row.key_title))
