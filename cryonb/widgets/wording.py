"""Names for runs and for what is open."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from ..config import RunConfig
from ..opening import words_for
from ..schema import PARTICLES


def described(opened: xr.Dataset, origin: Mapping[str, Any]) -> str:
    """Return what is open, in words.

    Parameters
    ----------
    opened : xarray.Dataset
        What was opened.
    origin : mapping
        Where it came from.

    Returns
    -------
    str
        For example ``"built-in demonstration: 800 particles of 64 pixels at 3 Å"``.
    """
    where = "built-in demonstration" if "demo" in origin else Path(str(origin.get("file", ""))).name
    if opened.attrs.get("schema") != PARTICLES.name:
        return where or words_for(opened)
    size = f" of {opened.sizes['x']} pixels" if "x" in opened.sizes else ""
    what = f"{opened.sizes['particle']} particles{size} at {float(opened['pixel_size']):.4g} Å"
    return f"{where}: {what}" if where else what


def label_of(config: RunConfig, verb: str, particles: xr.Dataset) -> str:
    """Return a name for a run from what people look for first.

    Parameters
    ----------
    config : RunConfig
        Its settings.
    verb : str
        ``"reconstruct"`` or ``"refine"``.
    particles : xarray.Dataset
        Its particles.

    Returns
    -------
    str
        For example ``"box 128, pad 1, circle"``.
    """
    box = config.box
    size = box.box_size or int(round(particles.sizes["x"] / box.binning / 2)) * 2
    parts = [config.refine.recipe] if verb == "refine" else []
    parts += [f"bin {box.binning:g}"] if box.binning > 1.0 else []
    parts += [f"box {size}", f"pad {box.pad_factor:g}", box.limit]
    parts += [] if box.kernel == "trilinear" else [box.kernel.replace("_", " ")]
    parts += [] if box.resample == "fourier" else [box.resample]
    parts += [] if config.mask.kind == "none" else [f"{config.mask.kind} mask"]
    parts += [] if config.imaging.symmetry == "C1" else [config.imaging.symmetry]
    parts += [f"{config.refine.n_classes} classes"] if config.refine.n_classes > 1 else []
    return ", ".join(parts)


def unlike(label: str, taken: Container[str]) -> str:
    """Return a name that is not taken yet.

    Parameters
    ----------
    label : str
        The name.
    taken : container of str
        Those that are.

    Returns
    -------
    str
        The name, with a number where that is needed.

    Examples
    --------
    >>> unlike("box 64", {"box 64", "box 64 (2)"})
    'box 64 (3)'
    """
    number, found = 1, label
    while found in taken:
        number += 1
        found = f"{label} ({number})"
    return found
