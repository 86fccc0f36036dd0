"""Put single marks on matplotlib axes."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .marks import GREY, SKY, Area, Band, Curve, Image, Line, Mark, Points, SphereMap, Text
from .tables import LINE, ROW_GAP, Table, table_of_lines
from .theme import PRINT, Theme, theme_of
from .typesetting import SMALL, TICK

OVERLAY_COLOURS = "viridis"
"""Evenly perceived, and legible for colour-blind readers."""


def paint(axes: Any, mark: Mark) -> list:
    """Draw one mark; bands, and vertical lines with words, wait until the axes have their limits.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    mark : Mark
        What to draw.

    Returns
    -------
    list of matplotlib.artist.Artist
        What draws it; empty where others do.
    """
    return (_PAINTERS[type(mark)](axes, mark) or []) if type(mark) in _PAINTERS else []


def key_handle(mark: Mark, theme: Theme = PRINT) -> Line2D | Patch:
    """Return what stands for a mark in the key.

    Parameters
    ----------
    mark : Curve, Points, Area, Band or Line
        The mark.
    theme : Theme, optional
        Its colours.

    Returns
    -------
    matplotlib.lines.Line2D or matplotlib.patches.Patch
        A sample of it.
    """
    colour = theme.line(mark.colour)
    if isinstance(mark, Curve):
        return Line2D([], [], color=colour, linestyle=mark.style, linewidth=mark.width)
    if isinstance(mark, Line):
        return Line2D([], [], color=colour, linestyle=mark.style, linewidth=1.0)
    if isinstance(mark, Points):
        return Line2D([], [], linestyle="", **_marker(mark, theme))
    if isinstance(mark, Band) and mark.hatch:
        return Patch(facecolor=theme.paper, edgecolor=colour, hatch=mark.hatch, linewidth=0.0)
    if isinstance(mark, Area):
        edge = colour if mark.hatch else "none"
        face = to_rgba(colour, mark.opacity)
        return Patch(facecolor=face, edgecolor=edge, hatch=mark.hatch or None, linewidth=0.0)
    return Patch(facecolor=colour, alpha=0.25, linewidth=0.0)


def _marker(mark: Points, theme: Theme) -> dict:
    return dict(
        marker=mark.marker,
        markersize=mark.size,
        markeredgecolor=theme.line(mark.colour),
        markerfacecolor=theme.line(mark.colour) if mark.filled else theme.paper,
        markeredgewidth=1.2,
    )


def _draw_curve(axes, mark: Curve) -> list:
    return axes.plot(
        mark.x,
        mark.y,
        color=theme_of(axes).line(mark.colour),
        linestyle=mark.style,
        linewidth=mark.width,
        zorder=3.0 if mark.width > 1.2 else 2.4,
    )


def _draw_line(axes, mark: Line) -> list:
    colour = theme_of(axes).line(mark.colour)
    if mark.axis == "y":
        return [axes.axhline(mark.at, color=colour, linestyle=mark.style, linewidth=0.9, zorder=2)]
    if mark.label:
        return []
    return [axes.axvline(mark.at, color=colour, linestyle=mark.style, linewidth=1.0, zorder=2)]


def paint_band(axes: Any, mark: Band, height: float) -> None:
    """Draw a band up to a height.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    mark : Band
        The band.
    height : float
        Fraction of the panel that it fills, from the bottom.
    """
    colour = theme_of(axes).line(mark.colour)
    if mark.hatch:
        style = dict(facecolor="none", edgecolor=colour, hatch=mark.hatch, linewidth=0.0, zorder=0.5)
    else:
        style = dict(facecolor=colour, alpha=0.16, linewidth=0.0, zorder=0.4)
    axes.axvspan(mark.start, mark.stop, 0.0, height, **style)


def _draw_area(axes, mark: Area) -> list:
    theme, solid = theme_of(axes), mark.opacity >= 0.5
    colour, place = theme.line(mark.colour), dict(linewidth=0.0, zorder=1.5 if solid else 2.5)
    styles = [dict(facecolor=theme.paper)] if solid else []
    styles.append(dict(facecolor=colour, alpha=mark.opacity))
    styles += [dict(facecolor="none", edgecolor=colour, hatch=mark.hatch)] if mark.hatch else []
    return [axes.fill_between(mark.x, mark.low, mark.high, **style, **place) for style in styles]


def _draw_points(axes, mark: Points) -> list:
    return axes.plot(mark.x, mark.y, linestyle="", zorder=4, clip_on=False, **_marker(mark, theme_of(axes)))


def _draw_image(axes, mark: Image) -> None:
    high = mark.high if mark.high > mark.low else mark.low + 1.0
    style = dict(origin="lower", interpolation="nearest")
    axes.imshow(mark.array, cmap="gray", vmin=mark.low, vmax=high, **style)
    if mark.overlay is not None:
        ends = dict(vmin=mark.overlay_low, vmax=max(mark.overlay_high, mark.overlay_low + 1e-6))
        axes.imshow(np.ma.masked_invalid(mark.overlay), cmap=OVERLAY_COLOURS, alpha=0.75, **ends, **style)
    if mark.hatched is not None and mark.hatched.any():
        filled = axes.contourf(mark.hatched.astype(float), [0.5, 1.5], colors="none", hatches=["////"])
        filled.set(edgecolor=SKY, linewidth=0.0)


def _draw_sphere(axes, mark: SphereMap) -> None:
    latitude, longitude = np.linspace(-90, 90, 361), np.linspace(-180, 180, 721)
    raster = np.full((latitude.size, longitude.size), np.nan)
    for low, high in sorted(set(zip(mark.tilt_low, mark.tilt_high))):
        cells = np.flatnonzero(mark.tilt_low == low)
        lines = (90.0 - latitude >= low) & (90.0 - latitude <= high)
        away = np.abs((longitude[:, None] - mark.rot[cells][None, :] + 180.0) % 360.0 - 180.0)
        raster[lines] = np.asarray(mark.values)[cells][np.argmin(away, axis=1)]
    axes.pcolormesh(
        np.radians(longitude),
        np.radians(latitude),
        np.ma.masked_invalid(raster),
        cmap="cividis",
        vmin=mark.low,
        vmax=mark.high if mark.high > mark.low else mark.low + 1.0,
        shading="nearest",
        rasterized=True,
    )


def _draw_text(axes, mark: Text) -> list:
    style = dict(size=TICK, color=theme_of(axes).word(mark.colour), ha=mark.align, va="center")
    return [axes.text(mark.across, mark.up, mark.words, transform=axes.transAxes, **style)]


def paint_table(axes: Any, mark: Table, width: float, height: float) -> None:
    """Draw a table over the whole of some axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw; they lose their frame.
    mark : Table
        The table.
    width, height : float
        Size of the axes [inch].
    """
    lines = table_of_lines(mark.columns, mark.rows, width)
    axes.set_axis_off()
    axes.set(xlim=(0.0, width), ylim=(height, 0.0), xticks=[], yticks=[])
    for number, (top, row) in enumerate(zip(lines.tops, lines.cells)):
        for left, cell in zip(lines.lefts, row):
            for index, words in enumerate(cell):
                weight = "normal" if number else "bold"
                axes.text(left, top + LINE * (index + 0.5), words, size=SMALL, weight=weight, va="center", ha="left")
        if number:
            axes.axhline(top - 0.6 * ROW_GAP, color=theme_of(axes).line(GREY), linewidth=0.8 if number == 1 else 0.3)


_PAINTERS = {
    Curve: _draw_curve,
    Line: _draw_line,
    Area: _draw_area,
    Points: _draw_points,
    Image: _draw_image,
    SphereMap: _draw_sphere,
    Text: _draw_text,
}
