"""What a Dataset says about itself, in words with units: settings, limits, bands, and what its FSC means."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from .. import units
from ..curve_verdict import KIND_WORDS, curve_verdict, floor_from, past_particle_nyquist
from . import facts
from .layout import runs_of

SETTINGS = ("kernel", "limit", "resample", "gridding_correction", "ctf", "symmetry", "corners")

CORNER_WORDS = {"keep": "map corners kept", "soft": "map corners softened"}
"""Corners of the map, outside its sphere; "auto" says nothing, since a run decides between the two."""

BELOW_FLOOR = "below floor"
"""What a shell is called that holds no more than rounding or the leak of a mask."""

BAND_WORDS = {
    "support": "next to the data, predictable but not measured,",
    "noise": "data without correlation",
    BELOW_FLOOR: "below the floor, rounding or mask leak only,",
}


def plain(value: float, digits: int = 4) -> str:
    """Return a number as people write it.

    Parameters
    ----------
    value : float
        The number.
    digits : int, optional
        Significant digits.

    Returns
    -------
    str
        Without exponent from 0.001 to a million, with a true minus sign and thin spaces between thousands.

    Examples
    --------
    >>> plain(4.0), plain(-28.25, 3), plain(1987.0, 3), plain(121300.0)
    ('4', '−28.2', '1987', '121\u202f300')
    """
    if not math.isfinite(value):
        return "not known" if math.isnan(value) else "infinite"
    size = abs(value)
    if 1e4 <= size < 1e6:
        return f"{value:,.0f}".replace(",", "\u202f").replace("-", "−")
    if 10**digits <= size < 1e4:
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def angstrom(resolution: float, unit: str = "Å") -> str:
    """Return a resolution with its unit.

    Parameters
    ----------
    resolution : float
        Resolution [angstrom].
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        Two decimals below 10 angstrom, one above.

    Examples
    --------
    >>> angstrom(4.2), angstrom(23.04)
    ('4.20 Å', '23.0 Å')
    """
    return units.angstrom(resolution, unit)


def settings_line(dataset: xr.Dataset) -> str:
    """Return the settings that made a Dataset as one line, with units.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    str
        Parts joined by " · "; empty where nothing is known.
    """
    words = (
        ("box_size", "box {} voxels"),
        ("voxel_size", "voxel {} Å"),
        ("pixel_size", "pixel {} Å"),
        ("binning", "binning {}"),
        ("pad_factor", "pad {}"),
    )
    parts = [
        form.format(plain(facts.number(dataset, name)))
        for name, form in words
        if math.isfinite(facts.number(dataset, name))
    ]
    said = {name: dataset.attrs[name] for name in SETTINGS if name in dataset.attrs}
    settings = {**facts.provenance_settings(dataset), **said}
    parts += [_setting(name, settings[name]) for name in SETTINGS if name in settings]
    parts.append(_mask(dataset, settings))
    if "frequency" in dataset.dims and not facts.number(dataset, "particle_nyquist") > 0:
        parts.append("particle Nyquist not known")
    randomised = facts.number(dataset, "randomisation_resolution")
    if math.isfinite(randomised):
        parts.append(f"phases randomised past {angstrom(randomised)}")
    return " · ".join(part for part in parts if part)


def _mask(dataset: xr.Dataset, settings: Mapping[str, Any]) -> str:
    volume = facts.number(dataset, "mask_volume")
    if math.isfinite(volume) and volume > 0:
        return f"mask {plain(volume)} Å³"
    if "mask" in dataset:
        return ""
    if settings.get("mask_kind") == "none" or (facts.was_computed(dataset) and {"fsc", "log_amplitude"} & set(dataset)):
        return "no mask"
    under_mask = "fsc_kind" in dataset.dims and any(str(kind) != "raw" for kind in dataset["fsc_kind"].values)
    return "mask not known" if under_mask else ""


def _setting(name: str, value: Any) -> str:
    if name == "corners":
        return CORNER_WORDS.get(str(value), "")
    if name == "gridding_correction":
        return "gridding corrected" if value in (True, "on") else "gridding not corrected"
    word = {"ctf": "CTF", "resample": "resampling"}.get(name, name)
    return (
        f"{word} {str(value).replace('_', ' ').replace('fourier', 'Fourier').replace('kaiser bessel', 'Kaiser-Bessel')}"
    )


def band_names(dataset: xr.Dataset) -> np.ndarray:
    """Return the band of every shell, those that hold data named apart where they are flagged `below_floor`.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with a `frequency` dimension.

    Returns
    -------
    ndarray
        Text, shape (frequency,).
    """
    bands = facts.bands(dataset)
    if "below_floor" not in dataset:
        return bands
    below = dataset["below_floor"].values.astype(bool) & np.isin(bands, facts.DATA_BANDS)
    return np.where(below, BELOW_FLOOR, bands)


def band_sentence(dataset: xr.Dataset) -> str:
    """Return which shells are measured, corner, without correlation, below the floor or empty, as a sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with a `frequency` dimension.

    Returns
    -------
    str
        One sentence.
    """
    frequency = dataset["frequency"].values
    parts = [
        f"{BAND_WORDS.get(label, label)} from {_reach(frequency[first])} to {_reach(frequency[last])}"
        for label, first, last in runs_of(band_names(dataset))
    ]
    return f"Shells: {'; '.join(parts)}."


def _reach(frequency: float) -> str:
    return "the origin" if frequency == 0 else angstrom(1.0 / frequency)


def nyquist_sentence(dataset: xr.Dataset) -> str:
    """Return the Nyquist limits as a sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    str
        One sentence; empty where none is known.
    """
    parts = [
        f"{word} Nyquist {angstrom(1.0 / facts.number(dataset, name))}"
        for name, word in (("particle_nyquist", "particle"), ("grid_nyquist", "grid"))
        if facts.number(dataset, name) > 0
    ]
    return sentence(" and ".join(parts))


def past_nyquist(dataset: xr.Dataset, resolution: float, unit: str = "Å") -> str:
    """Return the warning that a resolution lies past the particle Nyquist.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.
    resolution : float
        Resolution [angstrom].
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        For example "past the particle Nyquist of 4.20 Å, where only the corners of the images hold data"; empty where
        the resolution is not finer than that limit, or the limit is not known.
    """
    corners = "frequency" in dataset.dims and "corner" in facts.bands(dataset)
    return past_particle_nyquist(resolution, facts.number(dataset, "particle_nyquist"), corners, unit)


def sentence(words: str) -> str:
    """Return words as a sentence: a capital first, a full stop last, units as they are printed.

    Parameters
    ----------
    words : str
        The words.

    Returns
    -------
    str
        Empty for no words.

    Examples
    --------
    >>> sentence("particle Nyquist 4.2 A")
    'Particle Nyquist 4.2 Å.'
    """
    words = re.sub(r"(?<!\w)-(?=\d)", "−", words).replace(" A^2", " Å²").replace(" A ", " Å ").removesuffix(".")
    words = re.sub(r"(?<=\d) A(?!\w)", " Å", words)
    words = f"{words[:-2]} Å" if words.endswith(" A") else words
    return f"{words[0].upper()}{words[1:]}." if words else ""


def verdict_lines(dataset: xr.Dataset) -> list[str]:
    """Return the verdict that a Dataset carries, in lines.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    list of str
        Its lines, and a line for each class where it opens with "Class 1: "; that of the class alone where one was
        selected; empty where it carries none.

    Examples
    --------
    >>> verdict_lines(xr.Dataset(attrs={"verdict": "Class 1: all signal. Class 2: no signal."}))
    ['Class 1: all signal.', 'Class 2: no signal.']
    """
    lines = re.split(r"\n|\s+(?=Class \d+: )", str(dataset.attrs.get("verdict", "")))
    lines = [line.strip() for line in lines if line.strip()]
    selected = [line for line in lines if line.startswith(f"Class {facts.number(dataset, 'class_id'):.0f}: ")]
    return selected or lines


def verdict(dataset: xr.Dataset) -> str:
    """Return what a Dataset says: its own verdict, or of an FSC one sentence that never invents a resolution.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``, ``cryonb/refinement`` or any with the same variables, or one with a verdict.

    Returns
    -------
    str
        The sentences, with units as they are printed, in as many lines as the verdict has.
    """
    if "verdict" in dataset.attrs:
        return "\n".join(sentence(line) for line in verdict_lines(dataset))
    word = (
        KIND_WORDS.get(facts.main_kind(dataset), facts.main_kind(dataset)) if "fsc_kind" in dataset.dims else "unmasked"
    )
    resolution = facts.crossing(dataset)
    parts = resolution, facts.data_end(dataset), past_nyquist(dataset, resolution, "A"), _floor(dataset)
    return sentence(curve_verdict(word, *parts))


def _floor(dataset: xr.Dataset) -> float:
    """Return from where on the last shells with data hold rounding or mask leak only [angstrom]."""
    bands = facts.bands(dataset)
    below = dataset["below_floor"].values.astype(bool) if "below_floor" in dataset else np.zeros(bands.size, bool)
    return floor_from(np.isin(bands, facts.DATA_BANDS), below, dataset["frequency"].values)
