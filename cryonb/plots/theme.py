"""The paper that a figure is drawn on: white for files, and a light and a dark one for screens."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .marks import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, SKY, VERMILLION


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of the paper and of what is drawn on it.

    Attributes
    ----------
    name : str
        Word for programs.
    paper, ink, frame : str
        Colours of the background, of words, and of the frames of panels with their ticks.
    lines : mapping of str to str
        Colours of marks, as `marks` names them, and how lines and areas show them; others stay as they are.
    words : mapping of str to str
        Those that words show otherwise than lines.

    Examples
    --------
    >>> DARK.line(BLACK), PRINT.line(BLACK), DARK.line("#123456")
    ('#F2F2F2', '#000000', '#123456')
    """

    name: str
    paper: str
    ink: str
    frame: str
    lines: Mapping[str, str] = dataclasses.field(default_factory=dict)
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def line(self, colour: str) -> str:
        """Return how lines and areas show a colour.

        Parameters
        ----------
        colour : str
            Colour of a mark.

        Returns
        -------
        str
            Colour on this paper.
        """
        return self.lines.get(colour, colour)

    def word(self, colour: str) -> str:
        """Return how words show a colour.

        Parameters
        ----------
        colour : str
            Colour of a mark.

        Returns
        -------
        str
            Colour on this paper.
        """
        return self.words.get(colour, self.line(colour))

    def style(self) -> dict[str, object]:
        """Return the settings of matplotlib that go with it.

        Returns
        -------
        dict
            For ``matplotlib.rc_context``.
        """
        inked = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
        framed = ("axes.edgecolor", "xtick.color", "ytick.color")
        return {
            "font.family": "DejaVu Sans",
            "axes.linewidth": 0.8,
            "axes.facecolor": self.paper,
            "axes.unicode_minus": True,
            "axes.grid": False,
            "text.usetex": False,
            "text.parse_math": False,  # labels are words as people typed them
            "hatch.linewidth": 0.6,
            **dict.fromkeys(inked, self.ink),
            **dict.fromkeys(framed, self.frame),
        }


PRINT = Theme("print", "#FFFFFF", "#222222", "#444444")
"""For files: the colours of the marks as they are."""

LIGHT = Theme(
    "light",
    "#FFFFFF",
    "#222222",
    "#444444",
    {
        ORANGE: "#C98500",
        SKY: "#2E9BE6",
        GREEN: "#00805A",
        BLUE: "#00509A",
        VERMILLION: "#A83C00",
        PURPLE: "#BE6FA0",
        GREY: "#5A5A5A",
        PALE: "#8C8C8C",
    },
    {ORANGE: "#8F5F00", SKY: "#0F6CB0", PURPLE: "#95487A", PALE: "#6B6B6B"},
)
"""For screens: as in print, with the pale colours darkened so far that thin lines stand out from the paper."""

DARK = Theme(
    "dark",
    "#1B1C1F",
    "#ECECEC",
    "#A8ABB0",
    {
        BLACK: "#F2F2F2",
        ORANGE: "#FFC44D",
        SKY: "#6AD2FF",
        GREEN: "#17B57E",
        BLUE: "#3F8EE6",
        VERMILLION: "#E2662A",
        PURPLE: "#EE8AC9",
        GREY: "#979797",
        PALE: "#7C8087",
    },
    {PALE: "#A3A7AD", VERMILLION: "#F0844F"},
)
"""For screens: the same hues, lightened so far that they stand out from dark paper."""

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
"""Those that a screen may ask for, by name."""


def theme_of(axes: Any) -> Theme:
    """Return the theme of the figure that some axes stand in.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.

    Returns
    -------
    Theme
        `PRINT` where the figure has none.
    """
    return getattr(axes.figure, "theme", PRINT)
