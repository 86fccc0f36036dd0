"""What a command leaves behind: session, figures, curves, maps and a summary, all of them or none."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import xarray as xr

from .. import io, plots
from .outputs import results_folder

_GRID = ("z", "y", "x")
_WITHOUT_TABLE = ("cryonb/refinement", "cryonb/volume")
"""Kinds whose curves are judged, and written, under another name."""


def write_results(
    out: Path,
    results: Mapping[str, xr.Dataset],
    lines: list[str],
    figures: Mapping[str, Any] | None = None,
    beside: Callable[[Path], None] | None = None,
) -> list[str]:
    """Write everything that a command found to its folder.

    Parameters
    ----------
    out : Path
        The folder; it need not exist.
    results : mapping of str to Dataset
        What was computed, by name; also the children of the session.
    lines : list of str
        The summary.
    figures : mapping of str to Figure, optional
        Figures by name; by default one for each result.
    beside : callable, optional
        Writes further files; called with the folder that they belong in.

    Returns
    -------
    list of str
        Names of the files and folders written.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full; nothing is left behind then.
    """
    drawn = {name: plots.draw(result) for name, result in results.items()} if figures is None else figures
    with results_folder(out) as folder:
        io.save(
            xr.DataTree.from_dict({f"/{name}": result for name, result in results.items()}), folder / "session.zarr"
        )
        for name, figure in drawn.items():
            plots.save_figure(figure, folder / f"{name}.png")
        with_maps = [name for name, result in results.items() if any(True for _ in volumes(result))]
        for name, result in results.items():
            _write_files(folder, name, result, f"{name}_" if len(with_maps) > 1 else "")
        if beside is not None:
            beside(folder)
        (folder / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return sorted(item.name for item in folder.iterdir())


def save_session(results: Mapping[str, xr.Dataset], folder: Path) -> None:
    """Write results as ``session.zarr``, one child each.

    Parameters
    ----------
    results : mapping of str to Dataset
        What was computed, by name.
    folder : Path
        An existing folder.
    """
    tree = xr.DataTree.from_dict({f"/{name}": result for name, result in results.items()})
    io.save(tree, folder / "session.zarr")


def _write_files(folder: Path, name: str, result: xr.Dataset, prefix: str) -> None:
    if result.attrs.get("schema") == "cryonb/fsc":
        io.write_curve(result, folder / f"{name}.csv")
        io.write_curve(result, folder / f"{name}.xml")
    elif "frequency" in result.dims and result.attrs.get("schema") not in _WITHOUT_TABLE:
        io.write_curve(result, folder / f"{name}.csv")
    for stem, grid in volumes(result):
        io.write_map(grid, folder / f"{prefix}{stem}.mrc")


def volumes(result: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield every volume that was made; the mean of half maps too, where it is not there already.

    A map that was not sharpened is there once.

    Parameters
    ----------
    result : xarray.Dataset
        Any kind.

    Yields
    ------
    name : str
        Name of the variable and the labels of its place, for example ``half_map_A``.
    volume : xarray.DataArray, (z, y, x)
        One map or mask, with its coordinates.
    """
    variables = dict(result.data_vars)
    if "half_map" in variables and not {"density", "volume"} & set(variables):
        variables["map"] = variables["half_map"].mean("half")
    if {"sharpened", "unsharpened"} <= set(variables) and variables["sharpened"].equals(variables["unsharpened"]):
        del variables["sharpened"]
    if result.attrs.get("schema") == "cryonb/refinement" and "volume" in variables:
        variables["map"] = variables.pop("volume")
    for name, variable in variables.items():
        if variable.dims[-3:] != _GRID:
            continue
        outer = variable.dims[:-3]
        for labels in product(*(result[dim].values for dim in outer)):
            stem = "_".join([name, *(_label(dim, label) for dim, label in zip(outer, labels))])
            yield stem, variable.sel(dict(zip(outer, labels)))


def _label(dim: str, label: Any) -> str:
    return f"class_{label}" if dim == "class_id" else str(label)


def gaps(result: xr.Dataset) -> Iterator[str]:
    """Yield what must be known of the numbers in a file of a map: what stands for no value, and the map's own note.

    Parameters
    ----------
    result : xarray.Dataset
        Any kind.

    Yields
    ------
    str
        One for every volume that has voxels without a value, which files of maps cannot hold, and one for every note.
    """
    for stem, volume in volumes(result):
        empty = int(volume.isnull().sum())
        if empty:
            yield f"{stem}.mrc: 0 stands for no value, in {empty} of {volume.size} voxels"
        if volume.attrs.get("note"):
            yield f"{stem}.mrc: {volume.attrs['note']}"
