"""What a figure is made of: plain dataclasses that hold numbers and words, and draw nothing.

A plot function turns a Dataset into a `Sheet` of rows of panels of marks. `canvas.render` turns a sheet into a
figure. Tests, screen readers and other faces read the sheet.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from .tables import Table

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#6E6E6E"
PALE = "#B5B5B5"

SERIES = (
    (BLUE, "-"),
    (GREEN, "--"),
    (PURPLE, "-."),
    (BLACK, ":"),
    (ORANGE, "-"),
    (SKY, "--"),
    (GREY, "-."),
)
"""Colours that colour-blind readers tell apart (Okabe & Ito), each with a line style.

Vermillion is kept for the particle Nyquist."""


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A line through points; NaN breaks it.

    Attributes
    ----------
    x, y : ndarray
        float64 coordinates in the units of the panel's axes.
    name : str
        Word by which programs find it.
    label : str
        Words in the key; empty to stay out of it.
    colour, style, width
        Colour, matplotlib line style and width [point].
    """

    x: np.ndarray
    y: np.ndarray
    name: str
    label: str = ""
    colour: str = BLUE
    style: Any = "-"
    width: float = 1.8


@dataclasses.dataclass(frozen=True)
class Line:
    """A thin straight line across the whole panel, with its own words beside it.

    Attributes
    ----------
    at : float
        Where, on the axis that it crosses.
    name, label : str
        Word for programs; words beside the line.
    axis : {"x", "y"}
        The axis that it crosses: an "x" line is vertical.
    colour, style
        Colour and line style.
    key : str
        Words in the key; empty to stay out of it.
    """

    at: float
    name: str
    label: str = ""
    axis: str = "x"
    colour: str = GREY
    style: Any = "--"
    key: str = ""


@dataclasses.dataclass(frozen=True)
class Band:
    """A range of the horizontal axis over the whole height.

    Attributes
    ----------
    start, stop : float
        The range.
    name, label : str
        Word for programs; words in the key.
    colour : str
        Tint, or the colour of the hatching.
    hatch : str
        Hatch pattern; empty for a plain tint.
    """

    start: float
    stop: float
    name: str
    label: str = ""
    colour: str = PALE
    hatch: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Area:
    """The region between two curves: a spread, an interval, or one layer of a stack.

    Attributes
    ----------
    x, low, high : ndarray
        float64 coordinates.
    name, label, colour : str
        Word for programs; words in the key; colour.
    hatch : str
        Hatch pattern, which tells areas apart without colour; empty for none.
    opacity : float
        How much of what lies behind it is covered, 0 to 1.
    """

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    name: str
    label: str = ""
    colour: str = BLUE
    hatch: str = ""
    opacity: float = 0.22


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """Separate points.

    Attributes
    ----------
    x, y : ndarray
        float64 coordinates.
    name, label : str
        Word for programs; words in the key.
    colour, marker : str
        Colour and matplotlib marker.
    size : float
        Diameter [point].
    filled : bool
        Whether the marker is filled.
    """

    x: np.ndarray
    y: np.ndarray
    name: str
    label: str = ""
    colour: str = BLUE
    marker: str = "o"
    size: float = 5.0
    filled: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
    """A grey image, perhaps with values drawn over it in colours.

    Attributes
    ----------
    array : ndarray
        float, (rows, columns), first row at the bottom.
    name : str
        Word for programs.
    low, high : float
        Values drawn as black and as white.
    pixel_size : float
        Size of a pixel [angstrom]; sets the scale bar, 0 for none.
    overlay : ndarray or None
        Values in colours, of the shape of `array`; grey shows where they are NaN.
    overlay_low, overlay_high : float
        Ends of the colour scale.
    hatched : ndarray or None
        bool, of the shape of `array`; where it is hatched.
    """

    array: np.ndarray
    name: str
    low: float
    high: float
    pixel_size: float = 0.0
    overlay: np.ndarray | None = None
    overlay_low: float = 0.0
    overlay_high: float = 1.0
    hatched: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SphereMap:
    """Values on cells of directions, drawn as an equal-area map of the sphere.

    Attributes
    ----------
    rot : ndarray
        Middle of each cell [degree], shape (n,).
    tilt_low, tilt_high : ndarray
        Edges of each cell [degree], shape (n,); cells form rings of equal tilt.
    values : ndarray
        One number a cell, shape (n,).
    name, label : str
        Word for programs; words beside the colour scale, which is left out without any.
    low, high : float
        Ends of the colour scale.
    """

    rot: np.ndarray
    tilt_low: np.ndarray
    tilt_high: np.ndarray
    values: np.ndarray
    name: str
    label: str = ""
    low: float = 0.0
    high: float = 1.0


@dataclasses.dataclass(frozen=True)
class Text:
    """Words in a panel.

    Attributes
    ----------
    words : str
        What is said.
    name : str
        Word for programs.
    across, up : float
        Position as fractions of the panel.
    align : {"left", "center", "right"}
        Horizontal alignment.
    colour : str
        Colour.
    """

    words: str
    name: str
    across: float = 0.5
    up: float = 0.5
    align: str = "center"
    colour: str = GREY


Mark = Curve | Line | Band | Area | Points | Image | SphereMap | Text | Table


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes and what is drawn on it.

    Attributes
    ----------
    marks : tuple of marks
        From back to front.
    title, note : str
        Words above the panel, and smaller ones below them, perhaps in several lines.
    x_label, y_label : str
        Axis labels with their unit.
    x_limits, y_limits : tuple of float or None
        Ends of the axes; None to fit.
    top : {"", "frequency", "inverse_square"}
        What the bottom axis holds, where resolution [angstrom] goes along the top.
    y_scale : {"linear", "log"}
        Vertical scale.
    counts : bool
        Whether the horizontal axis counts something, so that its numbers are whole.
    """

    marks: tuple[Mark, ...]
    title: str = ""
    note: str = ""
    x_label: str = ""
    y_label: str = ""
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    top: str = ""
    y_scale: str = "linear"
    counts: bool = False

    def of(self, kind: type, name: str | None = None) -> list:
        """Return the marks of a type, optionally of one name.

        Parameters
        ----------
        kind : type
            A mark class.
        name : str, optional
            Name that the marks must have.

        Returns
        -------
        list
            The marks, back to front.
        """
        return [mark for mark in self.marks if isinstance(mark, kind) and name in (None, mark.name)]


@dataclasses.dataclass(frozen=True)
class Row:
    """Panels beside each other.

    Attributes
    ----------
    panels : tuple of Panel
        From left to right.
    height : float
        Height of the panels [inch].
    key : {"", "right", "below"}
        Where the key goes.
    key_title : str
        Heading of the key.
    grey_scale : str
        Words beside the shared grey scale; empty for none.
    share_y : bool
        Whether only the leftmost panel shows the numbers of the vertical axis.
    """

    panels: tuple[Panel, ...]
    height: float = 3.0
    key: str = ""
    key_title: str = ""
    grey_scale: str = ""
    share_y: bool = False


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A whole figure.

    Attributes
    ----------
    rows : tuple of Row
        From top to bottom.
    title, headline : str
        What is shown; what it says, in one sentence.
    caption : str
        The settings that made the numbers, with units.
    description : str
        The figure in words, for a screen reader.
    width : float
        Width [inch].
    aligned : bool
        Whether the panels of all rows stand in the same columns.
    """

    rows: tuple[Row, ...]
    title: str = ""
    headline: str = ""
    caption: str = ""
    description: str = ""
    width: float = 9.5
    aligned: bool = False

    def panels(self) -> Iterator[Panel]:
        """Yield every panel, row by row.

        Yields
        ------
        Panel
            Each panel.
        """
        for row in self.rows:
            yield from row.panels

    def of(self, kind: type, name: str | None = None) -> list:
        """Return the marks of a type in all panels.

        Parameters
        ----------
        kind : type
            A mark class.
        name : str, optional
            Name that the marks must have.

        Returns
        -------
        list
            The marks, panel by panel.
        """
        return [mark for panel in self.panels() for mark in panel.of(kind, name)]
