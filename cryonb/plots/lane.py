"""Vertical lines that carry words, and the words above the data."""

from typing import Any

from .page import TEXT_ROW, Frame, labelled_lines
from .theme import theme_of
from .typesetting import SMALL


def draw_lane(axes: Any, frame: Frame) -> list[Any]:
    """Draw the vertical lines of a panel that carry words, each up to its words.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw; they have their limits.
    frame : Frame
        The panel, with the places of its words.

    Returns
    -------
    list of matplotlib.artist.Artist
        Lines and words.
    """
    start, stop = axes.get_xlim()
    scale, theme, drawn = (stop - start) / frame.width, theme_of(axes), []
    for line, place in zip(labelled_lines(frame.panel), frame.places):
        middle = frame.height - frame.lane + TEXT_ROW * (place.row + 0.5) + 0.025
        reach = middle + (0.07 if place.beside else -0.09)
        style = dict(color=theme.line(line.colour), linestyle=line.style, linewidth=1.0, zorder=2.2)
        drawn.append(axes.axvline(line.at, 0.0, reach / frame.height, **style))
        words = axes.text(
            start + place.start * scale,
            middle / frame.height,
            line.label,
            transform=axes.get_xaxis_transform(),
            size=SMALL,
            color=theme.word(line.colour),
            va="center",
            ha="left",
            zorder=6,
            bbox=None if place.beside else dict(facecolor=theme.paper, edgecolor="none", pad=0.5),
        )
        drawn.append(words)
    return drawn
