"""Runs beside each other: one tree with one child a run, and one table of what each of them says.

Runs are never concatenated: their grids differ as soon as box or binning do.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from .errors import InputError, SchemaError, must
from .schema import KINDS, THRESHOLDS, validate

SCALARS = {
    "box_size": "voxel",
    "voxel_size": "angstrom",
    "pixel_size": "angstrom",
    "binning": "factor",
    "pad_factor": "1",
    "particle_nyquist": "angstrom",
    "grid_nyquist": "angstrom",
    "data_end": "angstrom",
}
"""Columns of the table with their units; limits are given as resolutions."""

PARTS = {"signal_end": "angstrom", "grid_locked_at_nyquist": "1", "largest_tail": "1"}
"""Columns of the table that decompositions fill, with their units."""

READ_FROM = ("corrected", "masked", "raw", "modified")
"""FSC kinds by how much they say; the first that is present is the one in the table."""


def compare(runs: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Return runs as the children of one tree.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Labels and runs; each of a kind that cryonb knows, kinds and grids may differ.

    Returns
    -------
    xarray.DataTree
        One child a run, in the order given. A label's "/" becomes a division slash, since a tree cannot hold it.

    Raises
    ------
    InputError
        If there is no run, or a label is empty or given twice.
    SchemaError
        If a run is not a valid Dataset; its label is named.

    Examples
    --------
    >>> from cryonb.schema import VOLUME, build, grid_coordinates
    >>> maps = build(VOLUME, {"density": np.zeros((8, 8, 8))}, {"voxel_size": 2.0, **grid_coordinates(8, 2.0)})
    >>> list(compare({"bin 2": maps, "bin 4": maps}))
    ['bin 2', 'bin 4']
    """
    rule = "compare needs a mapping of labels to Datasets"
    must(isinstance(runs, Mapping), rule, type(runs).__name__, 'Give for example {"bin 2": run_a, "bin 4": run_b}')
    must(len(runs) > 0, "compare needs at least one run", "none", "Give labels and Datasets")
    children = {}
    for label, run in runs.items():
        name = str(label).strip().replace("/", "\u2215")
        must(bool(name), "a run must have a label", repr(label), "Name it")
        must(name not in children, "labels of runs must differ", repr(name), "Rename one")
        children[name] = xr.DataTree(_checked(name, run))
    return xr.DataTree(children=children)


def _checked(label: str, run: xr.Dataset) -> xr.Dataset:
    if isinstance(run, xr.DataArray) or not isinstance(run, xr.Dataset):
        kind = type(run).__name__
        raise InputError(f"run {label!r} must be a Dataset; got a {kind}. Open or compute it first.")
    if run.attrs.get("schema") not in KINDS:
        from . import diagnostics

        diagnostics.names()
    try:
        return validate(run)
    except SchemaError as problem:
        raise SchemaError(f"run {label!r}: {problem}") from None


def table(tree: xr.DataTree) -> xr.Dataset:
    """Return what each run says as one table.

    Parameters
    ----------
    tree : xarray.DataTree
        From `compare`.

    Returns
    -------
    xarray.Dataset
        Over `run`: `resolution(run, threshold)` [angstrom], NaN where a threshold is not reached or not stated;
        `fsc_kind`, the curve that was read, "claimed" where a recipe read one; particle and grid Nyquist and the end of
        the data [angstrom]; box [voxel], voxel and pixel size [angstrom], binning, pad factor. Of decompositions, one
        row a class: where signal ends [angstrom], the grid-locked term at the particle Nyquist, and the largest value
        of the curve past the data. Units are in the attributes.

    Raises
    ------
    InputError
        If it is not a tree with runs.
    """
    runs = _by_class(tree)
    readings = [_resolutions(run) for run in runs.values()]
    data = {"resolution": (("run", "threshold"), np.array(readings), {"units": "angstrom"})}
    data["fsc_kind"] = ("run", np.array([_kind(run) for run in runs.values()]), {"units": "1"})
    for name, unit in SCALARS.items():
        data[name] = ("run", np.array([_scalar(run, name) for run in runs.values()]), {"units": unit})
    for name, unit in PARTS.items():
        data[name] = ("run", np.array([_part(run, name) for run in runs.values()]), {"units": unit})
    labels = ("run", np.array(list(runs)), {"units": "1"})
    return xr.Dataset(data, {"run": labels, "threshold": ("threshold", list(THRESHOLDS), {"units": "1"})})


def text(tree: xr.DataTree) -> str:
    """Return the table of `table` as text in columns, and below it what `notes` says.

    Parameters
    ----------
    tree : xarray.DataTree
        From `compare`.

    Returns
    -------
    str
        A heading with units, then one line a run, then the notes; a dash where nothing is known or reached.
    """
    values = table(tree)
    parts = any(_is_decomposition(run) for run in _runs(tree).values())
    heading = ["run", "curve", "0.143 [A]", "0.5 [A]", "data end [A]", "particle Nyquist [A]", "grid Nyquist [A]"]
    heading += ["signal to [A]", "grid-locked at Nyquist", "most past the data"] if parts else []
    heading += ["box [voxel]", "voxel [A]", "binning", "pad"]
    rows = [heading]
    for label in values["run"].values:
        run = values.sel(run=label)
        numbers = [float(run["resolution"].sel(threshold=name)) for name in ("0.143", "0.5")]
        numbers += [float(run[name]) for name in ("data_end", "particle_nyquist", "grid_nyquist")]
        numbers += [float(run[name]) for name in PARTS] if parts else []
        settings = [float(run[name]) for name in ("box_size", "voxel_size", "binning", "pad_factor")]
        rows.append([str(label), str(run["fsc_kind"].values) or "-", *map(_two, numbers), *map(_short, settings)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *notes(tree)])


def notes(tree: xr.DataTree) -> list[str]:
    """Return what has to be known before runs are compared, in sentences.

    Parameters
    ----------
    tree : xarray.DataTree
        From `compare`.

    Returns
    -------
    list of str
        The verdict of every run that has one; one sentence for every run whose curve falls to 0.143 past its particle
        Nyquist, where no verdict says so; and one where some maps kept their corners and others did not. Empty where
        there is nothing to say.

    Raises
    ------
    InputError
        If it is not a tree with runs.
    """
    runs = _runs(tree)
    return [*_verdicts(tree), *_past_nyquist(runs), *_corners(runs)]


def _verdicts(tree: xr.DataTree) -> Iterator[str]:
    for label, run in _by_class(tree).items():
        said = " ".join(str(run.attrs.get("verdict", "")).split())
        if said:
            yield f"{label}: {said}"


def _past_nyquist(runs: Mapping[str, xr.Dataset]) -> Iterator[str]:
    from .plots import past_nyquist

    for label, run in runs.items():
        resolution = _resolutions(run)[0]
        past = past_nyquist(run, resolution, "A")
        if past and past not in run.attrs.get("verdict", ""):
            yield f"{label}: 0.143 at {resolution:.2f} A lies {past}."


def _corners(runs: Mapping[str, xr.Dataset]) -> Iterator[str]:
    from .plots import provenance_settings

    corners = {label: provenance_settings(run).get("corners") for label, run in runs.items()}
    kept, softened = ([label for label, said in corners.items() if said == choice] for choice in ("keep", "soft"))
    if kept and softened:
        yield (
            f"The corners of the map were kept in {', '.join(kept)} and softened in {', '.join(softened)}: their "
            "unmasked curves differ by the noise outside the sphere."
        )


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _short(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _runs(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    is_tree = isinstance(tree, xr.DataTree) and len(tree.children) > 0
    must(is_tree, "a DataTree with one child a run is needed", type(tree).__name__, "Make one with compare")
    return {label: child.to_dataset() for label, child in tree.children.items()}


def _by_class(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the runs, a decomposition of several classes once a class."""
    from .plots import by_class

    return {
        f"{label}, {name}" if name else label: one
        for label, run in _runs(tree).items()
        for name, one in by_class(run).items()
    }


def _is_decomposition(run: xr.Dataset) -> bool:
    from .plots import is_decomposition

    return is_decomposition(run)


def _part(run: xr.Dataset, name: str) -> float:
    from . import plots

    if not _is_decomposition(run):
        return math.nan
    value = getattr(plots, name)(run)
    return value[0] if name == "largest_tail" else value


def _kind(run: xr.Dataset) -> str:
    if _is_decomposition(run):
        return "square" if run.attrs.get("limit") == "square" else "circle"
    if "fsc_resolution" in run:
        present = [str(kind) for kind in run["fsc_kind"].values]
        return next((kind for kind in READ_FROM if kind in present), present[0])
    if _is_refinement(run):
        return "claimed"
    return "raw" if "fsc_unmasked" in run else ""


def _resolutions(run: xr.Dataset) -> list[float]:
    if "fsc_resolution" in run:
        stated = run["fsc_resolution"].sel(fsc_kind=_kind(run)).reindex(threshold=list(THRESHOLDS))
        return [float(value) for value in stated.values]
    return [_number(run, "resolution") if name == _threshold(run) else math.nan for name in THRESHOLDS]


def _threshold(run: xr.Dataset) -> str:
    """Return the threshold at which the resolution of a run was read."""
    from .plots import provenance_settings

    read = provenance_settings(run).get("limit_threshold") if _is_refinement(run) else 0
    return f"{read:g}" if read and f"{read:g}" in THRESHOLDS else THRESHOLDS[0]


def _is_refinement(run: xr.Dataset) -> bool:
    from .plots import is_refinement

    return is_refinement(run)


def _scalar(run: xr.Dataset, name: str) -> float:
    if name in ("particle_nyquist", "grid_nyquist"):
        frequency = _number(run, name)
        return 1.0 / frequency if frequency > 0 else math.nan
    if name == "data_end":
        return _data_end(run)
    return _number(run, name)


def _number(run: xr.Dataset, name: str) -> float:
    return float(run[name].values) if name in run and not run[name].ndim else math.nan


def _data_end(run: xr.Dataset) -> float:
    if "data_end" in run:
        return _number(run, "data_end")
    if "frequency" not in run.dims:
        return math.nan
    from .plots import data_end

    return data_end(run)
