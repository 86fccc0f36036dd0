"""What was measured of one class becomes terms, bands, uncertainties and labels."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from ..imaging.bands import CORNER, MEASURED, NO_DATA, NOISE, classify, holds_data
from ..imaging.corner import WeightSums, coverage, predict_corner, weight_sums
from ..imaging.mask_leak import SETTLED
from ..imaging.masks import kept_fraction
from ..imaging.shells import crossing, independent_coefficients, n_coefficients, three_sigma
from ..imaging.symmetry import symmetry_operators
from ..imaging.uncertainty import correlation_half_width, difference_half_width, holds_signal
from ..refine.operator import Operator
from ..schema import HALVES, build, shell_coordinates
from .components import (
    COMPONENTS,
    DECOMPOSITION,
    OWN,
    shared_reference,
    split_by_band,
    telescope,
    without_shared,
)
from .half_maps import mask_facts
from .measurement import Measurement
from .verdict import end_of_signal, verdict_of


@dataclasses.dataclass(frozen=True)
class Parts:
    """One class, decomposed.

    Attributes
    ----------
    curves : dict of str to dict of str to ndarray, (shells,), float64
        Components by variable: `fsc`, `fsc_spread` and, under a mask, `fsc_masked`.
    variables : dict of str to ndarray
        Other variables of the Dataset, without the class dimension.
    scalars : dict of str to value
        Scalar coordinates.
    support : ndarray, (shells,), float64, or None
        Fraction of the points of every shell that both halves filled, where there is a grid.
    verdict : str
        What it says, in a sentence.
    """

    curves: dict[str, dict[str, np.ndarray]]
    variables: dict[str, np.ndarray]
    scalars: dict[str, Any]
    support: np.ndarray | None
    verdict: str


def part_of(found: Measurement) -> Parts:
    """Return the decomposition of what was measured of one class.

    Parameters
    ----------
    found : Measurement
        At least the standard curves and those of one turned grid.

    Returns
    -------
    Parts
        Terms, uncertainties, bands and the verdict.
    """
    curves = _with_terms(found, found.correlations.curves)
    masked = _under_mask(found, found.correlations.masked_curves)
    spread = _spreads(found, curves)
    tied = OWN[found.limit][1]
    size, order = found.operator.sampling.box_size, _order(found)
    signal = {"dithered": holds_signal(curves["dithered"], spread["dithered"], size, order)}
    signal[tied] = holds_signal(*_true(found, curves, spread), size, order)
    band = _bands(found, signal[tied])
    square, circle = (_weight_sums(found, limit) for limit in ("square", "circle"))
    filled = square if found.limit == "square" else circle
    resolution = found.extent.length / _crossing(curves[OWN[found.limit][0]], band)
    data_end = found.extent.length / max(int(np.flatnonzero(_with_data(band)).max()), 1)
    end = end_of_signal(band)
    tables = {
        "band": band,
        "signal_end": np.asarray(found.extent.length / end if end else np.nan),
        "insertion_weight": found.weight,
        **_prediction(found, square, curves["dithered"]),
    }
    return Parts(
        {"fsc": curves, "fsc_spread": spread, "fsc_masked": masked},
        tables,
        {**_scalars(found), "resolution": resolution, "data_end": data_end},
        None if filled is None else filled.both_filled,
        verdict_of(
            curves, masked, band, found.extent, found.limit, corners=signal["dithered"], floor=_floor(found, order)
        ),
    )


def _order(found: Measurement) -> int:
    return len(symmetry_operators(found.operator.config.imaging.symmetry))


def _floor(found: Measurement, order: int) -> np.ndarray:
    """Return the correlation that noise under the mask reaches by chance, where there is a mask."""
    mask = found.correlations.mask
    fraction = 1.0 if mask is None else kept_fraction(mask)
    return three_sigma(independent_coefficients(found.operator.sampling.box_size, order, fraction))


def _with_terms(found: Measurement, curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return measured curves with the terms that they telescope into."""
    terms = telescope(curves, found.band_end)
    if found.substitution_shell:
        tied = curves[OWN[found.limit][1]]
        shared = shared_reference(tied, curves["substituted"], found.substitution_shell, _held(found))
        terms = without_shared(terms, shared, found.limit, found.band_end)
    other = curves.pop("fourier_resampled", None)
    if other is not None:
        terms["resampling"] = curves[OWN[found.limit][0]] - other
    return {**curves, **terms}


def _held(found: Measurement) -> np.ndarray:
    """Return which shells hold data."""
    band = classify(holds_data(found.weight), found.extent)
    return _with_data(band) & (np.arange(band.size) > 0)


def _true(
    found: Measurement, curves: dict[str, np.ndarray], spread: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is tied to the particle less what was made up, with the half-width of its interval."""
    tied = OWN[found.limit][1]
    if not found.substitution_shell:
        return curves[tied], spread[tied]
    shared = curves["shared_reference"]
    past = _settled(found) & _held(found)
    rest = np.where(past, 1.0 - np.minimum(curves["substituted"], 0.99), 1.0)
    noise = np.where(past, (1.0 - curves[tied]) * spread["substituted"] / rest**2, 0.0)
    return curves[tied] - shared, np.hypot(spread[tied] / rest, noise)


def _settled(found: Measurement) -> np.ndarray:
    """Return which shells lie so far past the substitution that nothing leaks into them from before it."""
    return np.arange(found.operator.sampling.box_size // 2 + 1) >= found.substitution_shell + SETTLED


def _under_mask(found: Measurement, curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return masked curves with the terms of the user's own: what the mask leaks, what the grid adds, and the rest.

    Where nothing was measured, all that is tied to the particle under a mask has leaked there. What a refinement made
    up is read from the modified curves, of the particles and of the substituted images alike: nothing leaks into them.
    """
    if not curves:
        return {}
    curves.pop("fourier_resampled", None)
    own, tied, grid_locked = OWN[found.limit]
    empty = classify(holds_data(found.weight), found.extent) == NO_DATA
    leak = np.where(empty, curves[tied], found.leak["mask_leak"])
    shared = {}
    if found.substituted_modified is not None:
        made_up = shared_reference(
            curves[tied] - leak, found.substituted_modified, found.substitution_shell, _held(found)
        )
        shared["shared_reference"] = made_up
    known = leak + shared.get("shared_reference", 0.0)
    rest = split_by_band(curves[tied] - known, found.limit, found.band_end)
    return {**curves, **rest, **shared, grid_locked: curves[own] - curves[tied], **found.leak, "mask_leak": leak}


def _spreads(found: Measurement, curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the half-width of the 95 % interval of every curve and term."""
    draws = found.correlations.draws
    order = _order(found)
    size = found.operator.sampling.box_size
    spread = {name: correlation_half_width(draws(name), size, order) for name in curves if len(draws(name))}
    spread["grid_locked"] = difference_half_width(draws("dithered"), against_one=True)
    spread["grid_locked_circle"] = difference_half_width(draws("dithered_circle"), against_one=True)
    whole = len(draws("dithered_circle"))
    spread["corner"] = difference_half_width(draws("dithered")[:whole] - draws("dithered_circle"))
    past = np.arange(len(curves["corner"])) > found.extent.nyquist_shell + 1e-6
    chance = {"corner": ("dithered", "dithered_circle"), "grid_locked_circle": ("circle", "dithered_circle")}
    for term, pair in chance.items():  # past the data of the circle, each of the two has noise of its own
        known = past & np.isfinite(spread[term])
        spread[term] = np.where(known, np.hypot(*(spread[name] for name in pair)), spread[term])
    for term in ("in_band", "support"):
        spread[term] = np.where(curves[term] == 0.0, 0.0, spread["dithered_circle"])
    if found.substitution_shell:
        tied, shared = OWN[found.limit][1], curves["shared_reference"]
        width = np.where(shared == 0.0, 0.0, np.hypot(spread["substituted"], np.abs(shared) * spread[tied]))
        spread["shared_reference"] = width
        for term in ("in_band", "corner"):
            spread[term] = np.hypot(spread[term], np.where(curves[term] == 0.0, 0.0, width))
    if "resampling" in curves:
        own = spread[OWN[found.limit][0]]
        spread["resampling"] = np.hypot(own, own)
    return spread


def _bands(found: Measurement, signal: np.ndarray) -> np.ndarray:
    """Return the band of every shell; one with data and without signal is noise."""
    band = classify(holds_data(found.weight), found.extent)
    return np.where(_with_data(band) & ~signal, NOISE, band)


def _crossing(own: np.ndarray, band: np.ndarray) -> float:
    """Return the shell where the user's own curve falls through 0.143; NaN too where chance is all there is."""
    signal = np.isin(band[1:], (MEASURED, CORNER)).any()
    return crossing(own, 0.143, _with_data(band)) if signal else np.nan


def _with_data(band: np.ndarray) -> np.ndarray:
    return np.isin(band, (MEASURED, CORNER, NOISE))


def _weight_sums(found: Measurement, limit: str) -> WeightSums | None:
    """Return what the weights of both halves say, where there is a grid."""
    first, second = (made.weights for made in found.halves[0 if limit == "square" else 1])
    if first is None:
        return None
    modulated = found.operator.config.imaging.ctf == "full"
    return weight_sums(first, second, found.operator.grid(limit), modulated=modulated)


def _prediction(found: Measurement, sums: WeightSums | None, curve: np.ndarray) -> dict[str, np.ndarray]:
    """Return the corner curve that the weights and the signal in band lead to expect."""
    if sums is None or found.operator.config.box.resample != "fourier":
        return {}
    predicted, half_width = predict_corner(sums, curve, found.extent.nyquist_shell)
    return {"predicted_corner": predicted, "predicted_corner_spread": half_width}


def _scalars(found: Measurement) -> dict[str, Any]:
    sampling, box, mask = found.operator.sampling, found.operator.config.box, found.correlations.mask
    facts = {} if mask is None else mask_facts(mask, sampling.voxel_size)
    facts |= {"particle_diameter": found.diameter} if found.diameter else {}
    if found.substitution_shell:
        facts["substitution_resolution"] = sampling.field_of_view / found.substitution_shell
    return {
        **facts,
        **sampling.scalars,
        "pad_factor": 1.0 if box.kernel == "nufft" else box.pad_factor,
        "data_limit": found.extent.data_limit,
        "n_dithers": len(found.correlations.draws("dithered_circle")),
        "n_surrogates": len(found.correlations.draws("surrogate_circle")),
        "surrogate_resolution": sampling.field_of_view / found.surrogate_shell,
    }


def labelled(parts: list[Parts], classes: list[int], operator: Operator) -> xr.Dataset:
    """Return the decomposition of one class or several as a Dataset.

    Parameters
    ----------
    parts : list of Parts
        One a class.
    classes : list of int
        Their numbers; ``[0]`` for particles that are not shared out.
    operator : Operator
        Of any of them.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/decomposition``.
    """
    names = [name for name in COMPONENTS if any(name in rows for part in parts for rows in part.curves.values())]
    tables = [_tables(part, names) | part.variables for part in parts]
    variables = {
        name: np.stack([table[name] for table in tables]) if classes[0] else tables[0][name] for name in tables[0]
    }
    scalars, config = _scalars_of_all(parts), operator.config
    coords = {
        **shell_coordinates(scalars["box_size"], scalars["voxel_size"]),
        "n_coefficients": n_coefficients(scalars["box_size"]),
        "support": parts[0].support if len(parts) == 1 else None,
        "component": names,
        "half": np.array(HALVES),
        "class_id": np.array(classes) if classes[0] else None,
        **scalars,
    }
    verdicts = [f"Class {number}: {part.verdict}" if number else part.verdict for number, part in zip(classes, parts)]
    attributes = {
        "limit": config.box.limit,
        "own_curve": OWN[config.box.limit][0],
        "kernel": config.box.kernel,
        "resample": config.box.resample,
        "corners": config.box.corners,
        "gridding_correction": "on" if config.box.gridding_correction else "off",
        "ctf": config.imaging.ctf,
        "symmetry": config.imaging.symmetry,
        "verdict": " ".join(verdicts),
    }
    nyquist = operator.sampling.particle_nyquist
    variables["coverage"] = coverage(coords["frequency"] / nyquist)
    made = build(DECOMPOSITION, variables, coords, attributes)
    made["resolution"].attrs["long_name"] = "resolution, where the unmasked curve falls to 0.143"
    return made


def _scalars_of_all(parts: list[Parts]) -> dict[str, Any]:
    """Return the scalars of several classes: the best resolution, the furthest data, the fewest grids and replicas."""
    found = [part.scalars for part in parts]
    resolutions = [one["resolution"] for one in found if np.isfinite(one["resolution"])]
    fewest = {name: min(one[name] for one in found) for name in ("n_dithers", "n_surrogates", "data_end")}
    return {**found[0], **fewest, "resolution": min(resolutions, default=np.nan)}


def _tables(part: Parts, names: list[str]) -> dict[str, np.ndarray]:
    """Return curves as tables with one row a component, NaN where a component was not measured."""
    nothing = np.full(part.variables["band"].shape, np.nan)
    return {
        variable: np.stack([rows.get(name, nothing) for name in names])
        for variable, rows in part.curves.items()
        if rows
    }
