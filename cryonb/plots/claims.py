"""What a refinement claims, in numbers and in words."""

import math

import xarray as xr

from . import facts, wording

DECIDES = ("halves", "limit", "threshold", "mask", "volume", "classes")
"""What a recipe decides, in the order of tables."""


def is_refinement(dataset: xr.Dataset) -> bool:
    """Return whether a run decided on poses, classes or limits; a reconstruction from given poses did not.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if it names its recipe.
    """
    return dataset.attrs.get("schema") == "cryonb/refinement" and "recipe" in dataset.attrs


def claims(dataset: xr.Dataset) -> dict[str, float]:
    """Return the resolution that each class of a refinement claims.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    dict of str to float
        By "class 1", ..., or one of no name [angstrom]; NaN where a curve does not cross before the data end.
    """
    if "claimed_resolution" not in dataset:
        return {"": facts.crossing(dataset)}
    stated = dataset["claimed_resolution"]
    if not stated.ndim:
        return {"": float(stated)}
    single = stated.sizes["class_id"] == 1
    return {
        "" if single else f"class {label}": float(stated.sel(class_id=label)) for label in stated["class_id"].values
    }


def claim(dataset: xr.Dataset, resolution: float, unit: str = "Å") -> str:
    """Return one claim in words.

    Parameters
    ----------
    dataset : xarray.Dataset
        The run.
    resolution : float
        What is claimed [angstrom].
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        For example "9.85 Å", or "no resolution: the curve does not cross before the data end at 6.00 Å".

    Examples
    --------
    >>> claim(xr.Dataset(coords={"data_end": 6.0}), math.nan, "A")
    'no resolution: the curve does not cross before the data end at 6.00 A'
    """
    if math.isfinite(resolution):
        past = wording.past_nyquist(dataset, resolution, unit)
        return f"{wording.angstrom(resolution, unit)}{f', {past}' if past else ''}"
    end = facts.data_end(dataset) if {"data_end", "frequency"} & {*dataset.coords, *dataset.dims} else math.nan
    where = f" at {wording.angstrom(end, unit)}" if math.isfinite(end) else ""
    return f"no resolution: the curve does not cross before the data end{where}"


def claim_sentence(dataset: xr.Dataset, unit: str = "Å") -> str:
    """Return what a refinement claims, as a sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        The recipe, the limit of its last alignment, and the claim of every class.
    """
    said = claims(dataset)
    iteration, limit = facts.number(dataset, "iteration"), facts.number(dataset, "alignment_limit")
    parts = [f"Recipe {dataset.attrs.get('recipe', 'not known')}"]
    parts += [f"iteration {iteration:.0f}"] if math.isfinite(iteration) else []
    parts += [f"aligned to {wording.angstrom(limit, unit)}"] if math.isfinite(limit) else []
    claimed = [f"{f'{name} ' if name else ''}claims {claim(dataset, value, unit)}" for name, value in said.items()]
    return f"{', '.join(parts)}: {'; '.join(claimed)}."
