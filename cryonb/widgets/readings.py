"""What a crosshair reads off a picture: the curves of its panels over spatial frequency, as plain numbers."""

import math

import numpy as np

from ..plots.marks import Curve
from ..plots.redraw import Drawn, Spot
from ..plots.theme import Theme

MOST_CURVES = 12
"""Curves of a panel that the crosshair reads; more would hide the picture."""
_PLACES = 4


def readings(drawn: Drawn, theme: Theme) -> list[dict]:
    """Return what a crosshair reads off a picture.

    Parameters
    ----------
    drawn : Drawn
        The picture.
    theme : Theme
        Its colours.

    Returns
    -------
    list of dict
        One for each panel with resolutions along its top: ``box`` (left, top, width and height as fractions of the
        picture), ``x`` and ``y`` (ends of its axes), ``top`` (what its bottom axis holds), ``title``, and ``curves``,
        each with ``label``, ``colour``, ``x`` and ``y``; None stands for no value.
    """
    return [found for spot in drawn.spots if spot.panel.top and (found := _reading(spot, theme))["curves"]]


def _reading(spot: Spot, theme: Theme) -> dict:
    panel = spot.panel
    named = [curve for curve in panel.of(Curve) if curve.label] or panel.of(Curve)
    return {
        "box": [spot.left, spot.top, spot.width, spot.height],
        "x": list(map(float, panel.x_limits or (0.0, 1.0))),
        "y": list(spot.y_limits),
        "top": panel.top,
        "title": panel.title,
        "curves": [_curve(curve, theme) for curve in named[:MOST_CURVES] if np.isfinite(curve.y).any()],
    }


def _curve(curve: Curve, theme: Theme) -> dict:
    values = [round(float(value), _PLACES) if math.isfinite(value) else None for value in curve.y]
    return {
        "label": (curve.label or curve.name.replace("_", " ")).split(":")[0],
        "colour": theme.line(curve.colour),
        "x": [round(float(value), 7) for value in curve.x],
        "y": values,
    }
