"""What a command leaves behind: session, figures, curves, maps and a summary, all of them or none."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import io, plots
from .outputs import results_folder

_GRID = ("z", "y", "x")


def write_results(
    out: Path, results: Mapping[str, xr.Dataset], lines: list[str], figures: Mapping[str, Any] | None = None
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
        for name, result in results.items():
            _write_files(folder, name, result)
        (folder / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return sorted(item.name for item in folder.iterdir())


def _write_files(folder: Path, name: str, result: xr.Dataset) -> None:
    if result.attrs.get("schema") == "cryonb/fsc":
        io.write_curve(result, folder / f"{name}.csv")
        io.write_curve(result, folder / f"{name}.xml")
    for stem, grid in volumes(result):
        path = folder / f"{stem}.mrc"
        io.write_map(grid, folder / f"{name}_{stem}.mrc" if path.exists() else path)


def volumes(result: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield every volume of a Dataset as one that holds a single density.

    Parameters
    ----------
    result : xarray.Dataset
        Any kind.

    Yields
    ------
    name : str
        Name of the variable and the labels of its place, for example ``half_map_A``.
    volume : xarray.Dataset
        Kind ``cryonb/volume``.
    """
    for name, variable in result.data_vars.items():
        if variable.dims[-3:] != _GRID:
            continue
        outer = variable.dims[:-3]
        for labels in product(*(result[dim].values for dim in outer)):
            grid = variable.sel(dict(zip(outer, labels)))
            stem = "_".join([name, *(str(label) for label in labels)])
            yield stem, _alone(result, grid)


def _alone(result: xr.Dataset, grid: xr.DataArray) -> xr.Dataset:
    from ..schema import VOLUME, build

    names = [*_GRID, *(name for name in VOLUME.scalars if name in result.coords)]
    return build(VOLUME, {"density": np.asarray(grid.values, np.float32)}, {name: result[name] for name in names})
