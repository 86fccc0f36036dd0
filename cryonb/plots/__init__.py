"""The door to the figures: a Dataset goes in, a matplotlib figure comes out, and nothing is computed.

Each file of this folder may bind ``PLOTS``, a mapping of Dataset kinds (``attrs["schema"]``) to functions that
return a `marks.Sheet`, and ``PANELS``, one to functions that return the `marks.Panel` by which it stands beside other
runs, or, where it has no axis of spatial frequency, ``ROWS``, one to functions that return the rows in which several
of that kind stand. A kind that no file knows is drawn by its dimensions: every variable over spatial frequency,
or every map. matplotlib is loaded when the first figure is drawn.
"""

from typing import TYPE_CHECKING

import xarray as xr

from ..errors import SchemaError, must
from .catalogue import bound
from .claims import claim_sentence, claims, is_refinement
from .class_table import classes_sheet, has_classes
from .decisions import decisions_table
from .facts import data_end, provenance_settings
from .linked import MapView, difference_sheet, has_map, linked_sheet
from .overlaid import has_curve, overlay_sheet
from .record import record_sheet
from .runs import children_of
from .saving import save_figure
from .stack import stacked_sheet, together
from .terms import TERM_WORDS, by_class, grid_locked_at_nyquist, is_decomposition, largest_tail, signal_end, stretches
from .wording import BAND_WORDS, past_nyquist, verdict_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .marks import Sheet

__all__ = [
    "BAND_WORDS",
    "MapView",
    "TERM_WORDS",
    "by_class",
    "claim_sentence",
    "claims",
    "classes_sheet",
    "data_end",
    "decisions_table",
    "describe",
    "difference_sheet",
    "draw",
    "grid_locked_at_nyquist",
    "has_classes",
    "has_curve",
    "has_map",
    "has_panel",
    "is_decomposition",
    "is_refinement",
    "largest_tail",
    "linked_maps",
    "linked_sheet",
    "overlay",
    "overlay_sheet",
    "past_nyquist",
    "provenance_settings",
    "record_sheet",
    "render",
    "save_figure",
    "sheet",
    "side_by_side",
    "signal_end",
    "stacked_sheet",
    "stretches",
    "together",
    "verdict_lines",
]


def sheet(dataset: xr.Dataset | xr.DataTree) -> "Sheet":
    """Return what a figure of a Dataset consists of, as plain marks.

    Parameters
    ----------
    dataset : xarray.Dataset or xarray.DataTree
        Any kind; a tree holds one child a run, or what `cryonb.compare_recipes` returns.

    Returns
    -------
    Sheet
        Rows of panels of marks, with title, caption and a description in words.

    Raises
    ------
    SchemaError
        If it is no Dataset of cryonb, or nothing in it can be drawn.
    """
    from . import decisions, generic

    if isinstance(dataset, xr.DataTree):
        return decisions.recipes_sheet(dataset) if decisions.is_recipes(dataset) else together(children_of(dataset))
    rule = "a Dataset with a kind in attrs['schema'], or a DataTree of them, is needed"
    known = isinstance(dataset, xr.Dataset) and "schema" in dataset.attrs
    must(known, rule, type(dataset).__name__, "Open or compute one first", SchemaError)
    return bound("PLOTS").get(dataset.attrs["schema"], generic.sheet)(dataset)


def has_panel(kind: str) -> bool:
    """Return whether Datasets of a kind have a panel of their own beside other runs.

    Parameters
    ----------
    kind : str
        Value of ``attrs["schema"]``.

    Returns
    -------
    bool
        True if a file of this folder draws one.
    """
    return kind in bound("PANELS")


def render(sheet: "Sheet") -> "Figure":
    """Return the figure of a sheet of marks.

    Parameters
    ----------
    sheet : Sheet
        What to show.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that shows itself in a notebook; its `sheet` holds the marks.
    """
    from .canvas import render as drawn

    return drawn(sheet)


def draw(dataset: xr.Dataset | xr.DataTree) -> "Figure":
    """Return the figure of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset or xarray.DataTree
        Any kind; a tree is drawn side by side.

    Returns
    -------
    matplotlib.figure.Figure
        A figure that shows itself in a notebook; its `sheet` holds the marks.

    Raises
    ------
    SchemaError
        If it is no Dataset of cryonb, or nothing in it can be drawn.
    """
    from .canvas import render

    return render(sheet(dataset))


def side_by_side(tree: xr.DataTree) -> "Figure":
    """Return the figure of several runs: FSC on shared axes, and below each its central section on one grey scale.

    Parameters
    ----------
    tree : xarray.DataTree
        One child a run, as `cryonb.compare` makes it.

    Returns
    -------
    matplotlib.figure.Figure
        A figure.

    Raises
    ------
    SchemaError
        If a run has nothing to show.
    """
    from .canvas import render
    from .runs import side_by_side_sheet

    return render(side_by_side_sheet(tree))


def overlay(tree: xr.DataTree) -> "Figure":
    """Return the figure of several runs' FSC curves in one panel, each with its Nyquist limits.

    Parameters
    ----------
    tree : xarray.DataTree
        One child a run, as `cryonb.compare` makes it.

    Returns
    -------
    matplotlib.figure.Figure
        A figure.

    Raises
    ------
    SchemaError
        If a run has no FSC.
    """
    from .canvas import render

    return render(overlay_sheet(children_of(tree)))


def linked_maps(
    tree: xr.DataTree,
    plane: str = "z",
    place: float = 0.0,
    seen: str = "section",
    contrast: float = 1.0,
    class_id: int = 1,
) -> "Figure":
    """Return the figure of the same section, or projection, of several maps on one grey scale.

    Parameters
    ----------
    tree : xarray.DataTree
        One child a run, as `cryonb.compare` makes it.
    plane : {"z", "y", "x"}, optional
        The axis that is looked along.
    place : float, optional
        Where the section lies, from the centre [angstrom].
    seen : {"section", "projection"}, optional
        A section, or the sum along the axis.
    contrast : float, optional
        1 for the whole range of grey; larger is harder.
    class_id : int, optional
        Which class of runs that have several.

    Returns
    -------
    matplotlib.figure.Figure
        A figure.

    Raises
    ------
    InputError
        If a word or the contrast cannot work, or no run has a map.
    """
    from .canvas import render

    return render(linked_sheet(children_of(tree), MapView(plane, float(place), seen, float(contrast), int(class_id))))


def describe(dataset: xr.Dataset | xr.DataTree) -> str:
    """Return the figure of a Dataset in words, for those who cannot see it.

    Parameters
    ----------
    dataset : xarray.Dataset or xarray.DataTree
        Any kind.

    Returns
    -------
    str
        One paragraph.

    Raises
    ------
    SchemaError
        If nothing in it can be drawn.
    """
    return sheet(dataset).description
