"""The components of an FSC curve: what each is called, and how the measured ones telescope into the curve.

The curves that are measured are four: of both in-plane limits, each with half B on the grid of half A (the curve that
programs print) and on grids turned against it. Subtracting them leaves terms that sum to the curve by construction.
"""

from collections.abc import Mapping

import numpy as np

from ..imaging.mask_leak import SETTLED, correct_for_mask
from ..schema import SAMPLING, Field, Kind, declare

MEASURED_CURVES = (
    "standard",
    "dithered",
    "circle",
    "dithered_circle",
    "surrogate",
    "surrogate_circle",
    "noise",
    "substituted",
)
TERMS = ("grid_locked", "grid_locked_circle", "corner", "in_band", "support", "resampling", "shared_reference")
MASK_TERMS = ("mask_leak", "mask_leak_randomised")
COMPONENTS = (*MEASURED_CURVES, *TERMS, *MASK_TERMS)
"""Labels of the `component` dimension, in their order."""

_CURVES = Field(("[class_id]", "component", "frequency"))
_CURVE = Field(("[class_id]", "frequency"))

DECOMPOSITION = declare(
    Kind(
        "cryonb/decomposition",
        {
            "fsc": Field(("[class_id]", "component", "frequency"), required=True),
            "fsc_masked": _CURVES,
            "fsc_spread": _CURVES,
            "coverage": Field(("frequency",)),
            "predicted_corner": _CURVE,
            "predicted_corner_spread": _CURVE,
            "band": Field(("[class_id]", "frequency"), required=True),
            "signal_end": Field(("[class_id]",), "angstrom"),
            "insertion_weight": Field(("[class_id]", "half", "frequency")),
        },
        {
            **SAMPLING,
            "n_dithers": "1",
            "n_surrogates": "1",
            "surrogate_resolution": "angstrom",
            "substitution_resolution": "angstrom",
        },
    )
)


OWN = {
    "square": ("standard", "dithered", "grid_locked"),
    "circle": ("circle", "dithered_circle", "grid_locked_circle"),
}
"""By in-plane limit: the user's own curve, its counterpart on turned grids, and what they differ by."""


def telescope(measured: Mapping[str, np.ndarray], nyquist_shell: float) -> dict[str, np.ndarray]:
    """Return the terms that sum to the measured curves.

    Parameters
    ----------
    measured : mapping of str to ndarray, (shells,), float64
        At least `standard`, `dithered`, `circle` and `dithered_circle`.
    nyquist_shell : float
        Shell of the particle Nyquist, with its fraction.

    Returns
    -------
    dict of str to ndarray, (shells,), float64
        `grid_locked`, `grid_locked_circle`, `corner`, `in_band`, `support`.

    Notes
    -----
    standard = (standard - dithered) + (dithered - dithered_circle) + dithered_circle, and
    circle = (circle - dithered_circle) + dithered_circle; the last is `in_band` up to the particle Nyquist and
    `support` past it.

    Examples
    --------
    >>> curve = {"standard": 0.9, "dithered": 0.8, "circle": 0.7, "dithered_circle": 0.5}
    >>> terms = telescope({name: np.array([value]) for name, value in curve.items()}, 32.0)
    >>> [round(float(terms[name][0]), 3) for name in ("grid_locked", "corner", "in_band", "support")]
    [0.1, 0.3, 0.5, 0.0]
    """
    common = measured["dithered_circle"]
    past = np.arange(common.size) > nyquist_shell + 1e-6
    return {
        "grid_locked": measured["standard"] - measured["dithered"],
        "grid_locked_circle": measured["circle"] - common,
        "corner": measured["dithered"] - common,
        "in_band": np.where(past, 0.0, common),
        "support": np.where(past, common, 0.0),
    }


def shared_reference(tied: np.ndarray, substituted: np.ndarray, from_shell: int, held: np.ndarray) -> np.ndarray:
    """Return the part of a curve that a refinement made up.

    Parameters
    ----------
    tied : ndarray, (shells,), float64
        What is tied to the particle: the curve on turned grids.
    substituted : ndarray, (shells,), float64
        The same of the refinement of images that hold noise from a shell on.
    from_shell : int
        That shell.
    held : ndarray, (shells,), bool
        Shells that hold data; the others hold nothing that could be made up.

    Returns
    -------
    ndarray, (shells,), float64
        FSC_t - FSC_true; zero before two shells past `from_shell`, where there was signal to find.

    Notes
    -----
    With FSC_true = (FSC_t - FSC_n) / (1 - FSC_n) the part is FSC_n (1 - FSC_t) / (1 - FSC_n): all of FSC_n where there
    is no signal, nothing of it where there is nothing but signal.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004

    Examples
    --------
    >>> tied, noise = np.array([1.0, 0.9, 0.9, 0.6, 0.2]), np.array([1.0, 0.9, 0.2, 0.2, 0.2])
    >>> shared_reference(tied, noise, 1, np.ones(5, bool)).round(3)
    array([0. , 0. , 0. , 0.1, 0.2])
    """
    true = correct_for_mask(tied, substituted, from_shell)
    past = held & (np.arange(tied.size) >= from_shell + SETTLED)
    return np.where(past, tied - np.where(np.isfinite(true), true, 0.0), 0.0)


def without_shared(
    terms: Mapping[str, np.ndarray], shared: np.ndarray, limit: str, nyquist_shell: float
) -> dict[str, np.ndarray]:
    """Return the terms with what a refinement made up taken out of the signal, as a term of its own.

    Parameters
    ----------
    terms : mapping of str to ndarray, (shells,), float64
        From `telescope`.
    shared : ndarray, (shells,), float64
        From `shared_reference`.
    limit : {"square", "circle"}
        In-plane limit of the curve that it is part of.
    nyquist_shell : float
        Shell of the particle Nyquist, with its fraction.

    Returns
    -------
    dict of str to ndarray, (shells,), float64
        The terms, `in_band` and `corner` less what was made up in them, and `shared_reference`.

    Notes
    -----
    Up to the particle Nyquist all of it leaves `in_band`, which both limits have, so that both curves are still the
    sum of their terms with `shared_reference` as the last. Past it there are data of the square limit only, and it
    leaves `corner`.
    """
    past = np.arange(shared.size) > nyquist_shell + 1e-6
    shared = shared if limit == "square" else np.where(past, 0.0, shared)
    return {
        **terms,
        "in_band": terms["in_band"] - np.where(past, 0.0, shared),
        "corner": terms["corner"] - np.where(past, shared, 0.0),
        "shared_reference": shared,
    }


def split_by_band(tied: np.ndarray, limit: str, nyquist_shell: float) -> dict[str, np.ndarray]:
    """Return what is tied to the particle, shell by shell as the term that it can only belong to.

    Parameters
    ----------
    tied : ndarray, (shells,), float64
        Correlation.
    limit : {"square", "circle"}
        In-plane limit of the data.
    nyquist_shell : float
        Shell of the particle Nyquist, with its fraction.

    Returns
    -------
    dict of str to ndarray, (shells,), float64
        `in_band` up to the particle Nyquist, `corner` from there to sqrt(2) times as far where the limit is a square,
        `support` past that; each zero elsewhere.
    """
    shell = np.arange(tied.size)
    past = shell > nyquist_shell + 1e-6
    corner = past & (shell <= 2.0**0.5 * nyquist_shell + 1e-6) & (limit == "square")
    where = {"in_band": ~past, "corner": corner, "support": past & ~corner}
    return {name: np.where(inside, tied, 0.0) for name, inside in where.items()}
