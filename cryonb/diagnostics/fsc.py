"""The Fourier shell correlation of two half maps: five curves, four thresholds, and where the data end."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..curve_verdict import KIND_WORDS, curve_verdict, floor_from, past_particle_nyquist
from ..imaging.bands import CORNER, FFT_ROUNDING, MEASURED, classify, holds_data, holds_power
from ..imaging.box_faces import made_on_axes, off_axis_correlation
from ..imaging.fourier import half_transform
from ..imaging.mask_leak import correct_for_mask, modified_correlation, phase_randomised_correlation
from ..imaging.masks import kept_fraction
from ..imaging.shells import (
    crossing,
    fourier_shell_correlation,
    half_bit,
    independent_coefficients,
    n_coefficients,
    rounding_floor,
    shell_power,
    three_sigma,
)
from ..imaging.symmetry import symmetry_operators
from ..knobs import Config, knob
from ..schema import FSC, FSC_KINDS, THRESHOLDS, build, shell_coordinates
from ..units import angstrom
from .half_maps import HalfMaps, take_half_maps

Progress = Callable[[float, str], None]

LEAK = 2.0
"""A shell to which a mask adds more than it holds: its power under the mask is above this multiple of its own."""

OUTLASTS = 1.25
"""A corrected curve that goes on so many times further than the modified one is not left without a word."""


@dataclasses.dataclass(frozen=True)
class FscOptions(Config):
    """Settings of the correlation of two half maps."""

    class_id: int = knob(0, help="Which class; 0 = the only one, or the first.", minimum=0)
    randomise_below: float = knob(
        0.8, help="Phases are random from the first shell whose raw FSC is below this.", minimum=0.0, maximum=1.0
    )
    randomisation_resolution: float = knob(
        0.0, help="Phases are random from here on; 0 = by randomise_below.", unit="angstrom", minimum=0.0
    )
    n_draws: int = knob(4, help="Draws of random phases that are averaged.", minimum=1, maximum=100)
    modified: bool = knob(True, help="Also compute the modified FSC under the mask (one transform a shell).")
    particle_pixel_size: float = knob(
        0.0, help="Pixel size of the particle images as read; 0 = from the data.", unit="angstrom", minimum=0.0
    )
    particle_diameter: float = knob(
        0.0, help="Diameter of the particle; 0 = from the data, the mask or the box.", unit="angstrom", minimum=0.0
    )


@dataclasses.dataclass(frozen=True)
class Curves:
    """The correlation curves of two half maps, on all shells whether they hold data or not.

    Attributes
    ----------
    size : int
        Voxels along an edge.
    values : mapping of str to ndarray, (shells,), float64
        Curves by kind.
    band : ndarray, (shells,), str
        Band of every shell.
    rounded : ndarray, (shells,), bool
        Power within what float32 files and transforms round off.
    leaking : ndarray, (shells,), bool
        The mask adds more to the shell than it holds.
    randomise_from : int
        First shell with random phases; 0 if there is none.
    volume_fraction : float
        Independent part of the box under the mask.
    symmetry_order : int
        Number of symmetry operators.
    off_axis : ndarray, (shells,), float64
        The raw curve without the coefficients on the axes of the box.
    """

    size: int
    values: dict[str, np.ndarray]
    band: np.ndarray
    rounded: np.ndarray
    leaking: np.ndarray
    randomise_from: int
    volume_fraction: float
    symmetry_order: int
    off_axis: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Shells that hold data, (shells,), bool."""
        return np.isin(self.band, (MEASURED, CORNER))

    @property
    def best(self) -> str:
        """The kind that the resolution is read from: corrected, else masked, else raw."""
        return next(kind for kind in ("corrected", "masked", "raw") if kind in self.values)

    @property
    def made_on_axes(self) -> int:
        """First shell of the raw curve that the coefficients on the axes of the box make; 0 if there is none."""
        return made_on_axes(self.values["raw"], self.off_axis, self.held & ~self.rounded)

    def independent(self, kind: str) -> np.ndarray:
        """Return the independent coefficients of every shell behind one curve.

        Parameters
        ----------
        kind : str
            One of the FSC kinds.

        Returns
        -------
        ndarray, (shells,), float64
            Counts.
        """
        fraction = 1.0 if kind == "raw" else self.volume_fraction
        return independent_coefficients(self.size, self.symmetry_order, fraction)

    def thresholds(self, kind: str) -> np.ndarray:
        """Return the four thresholds of one curve on every shell.

        Parameters
        ----------
        kind : str
            One of the FSC kinds.

        Returns
        -------
        ndarray, (4, shells), float64
            In the order of the `threshold` coordinate.
        """
        independent = self.independent(kind)
        flat = np.ones(independent.size)
        return np.stack([0.143 * flat, 0.5 * flat, half_bit(independent), three_sigma(independent)])

    def crossings(self, kind: str) -> np.ndarray:
        """Return where one curve falls through the four thresholds.

        Parameters
        ----------
        kind : str
            One of the FSC kinds.

        Returns
        -------
        ndarray, (4,), float64
            Fractional shells; NaN where it never does.
        """
        valid = self.held & ~self.rounded
        if kind in ("masked", "phase_randomised", "corrected"):
            valid &= ~self.leaking
        return np.array([crossing(self.values[kind], threshold, valid) for threshold in self.thresholds(kind)])


def correlate(halves: HalfMaps, options: FscOptions, config: RunConfig, progress: Progress) -> Curves:
    """Return the correlation curves of two half maps.

    Parameters
    ----------
    halves : HalfMaps
        The maps and their mask.
    options : FscOptions
        Settings.
    config : RunConfig
        Seed and symmetry.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    Curves
        All curves that the maps and the mask allow.
    """
    size = halves.sampling.size
    first, second = half_transform(halves.first), half_transform(halves.second)
    power = np.stack([shell_power(first), shell_power(second)])
    floor = FFT_ROUNDING * np.array([rounding_floor(half, size) for half in power])
    values = {"raw": fourier_shell_correlation(first, second)}
    off_axis = off_axis_correlation(first, second, values["raw"], power)
    band = classify(_held(halves, power, floor), halves.sampling)
    rounded = (power / n_coefficients(size) <= floor[:, None]).any(axis=0)
    leaking, start, fraction = np.zeros(band.size, bool), 0, 1.0
    if halves.mask is not None:
        progress(0.05, "masked FSC")
        fraction = kept_fraction(halves.mask)
        values["masked"], masked_power = _masked(halves)
        leaking = (masked_power > LEAK * power).any(axis=0)
        leaking[0] = False
        start = _randomise_from(values["raw"], np.isin(band, (MEASURED, CORNER)), options, halves.sampling.length)
        if options.modified:
            values["modified"] = _modified(halves, progress)
        if start:
            rngs = _draws(options.n_draws, config.compute.seed, progress)
            random_phases = phase_randomised_correlation(first, second, halves.mask, start, rngs)
            values["phase_randomised"] = random_phases
            values["corrected"] = correct_for_mask(values["masked"], random_phases, start)
    operators = len(symmetry_operators(config.imaging.symmetry))
    progress(1.0, "FSC")
    return Curves(size, values, band, rounded, leaking, start, fraction, operators, off_axis)


def _draws(count: int, seed: int, progress: Progress) -> Iterator[np.random.Generator]:
    """Yield one source of random phases after the other, telling of each."""
    for draw in range(count):
        progress(0.7 + 0.25 * draw / count, f"phase randomisation, draw {draw + 1} of {count}")
        yield np.random.default_rng([seed, draw])


def _held(halves: HalfMaps, power: np.ndarray, floor: np.ndarray) -> np.ndarray:
    if halves.insertion_weight is not None:
        return holds_data(halves.insertion_weight)
    return holds_power(power, floor, halves.sampling)


def _masked(halves: HalfMaps) -> tuple[np.ndarray, np.ndarray]:
    first, second = half_transform(halves.first * halves.mask), half_transform(halves.second * halves.mask)
    return fourier_shell_correlation(first, second), np.stack([shell_power(first), shell_power(second)])


def _modified(halves: HalfMaps, progress: Progress) -> np.ndarray:
    def part(fraction: float, text: str) -> None:
        progress(0.1 + 0.6 * fraction, text)

    return modified_correlation(halves.first, halves.second, halves.mask, part)


def _randomise_from(raw: np.ndarray, held: np.ndarray, options: FscOptions, length: float) -> int:
    if options.randomisation_resolution > 0:
        return int(np.clip(round(length / options.randomisation_resolution), 1, raw.size - 1))
    fall = crossing(raw, options.randomise_below, held)
    if np.isfinite(fall):
        return int(np.floor(fall)) + 1
    below = np.flatnonzero(held[1:] & (np.nan_to_num(raw[1:], nan=1.0) < options.randomise_below))
    return 1 + int(below[0]) if below.size else 0


def describe(halves: HalfMaps, curves: Curves) -> tuple[dict, dict]:
    """Return the variables and coordinates of a set of curves, for a Dataset.

    Parameters
    ----------
    halves : HalfMaps
        The maps.
    curves : Curves
        Their curves.

    Returns
    -------
    variables : dict of str to array
        `fsc`, `fsc_resolution`, `band`, `below_floor`, `threshold_curve`.
    coordinates : dict of str to array or scalar
        Shells, kinds, thresholds, and the scalars of the maps with `resolution` and `data_end`.
    """
    length = halves.sampling.length
    kinds = [kind for kind in FSC_KINDS if kind in curves.values]
    resolution = np.stack([length / curves.crossings(kind) for kind in kinds])
    variables = {
        "fsc": np.stack([np.where(curves.held, curves.values[kind], np.nan) for kind in kinds]),
        "fsc_resolution": resolution,
        "band": curves.band,
        "below_floor": curves.rounded | curves.leaking,
        "threshold_curve": np.stack([curves.thresholds(kind) for kind in kinds]),
    }
    coordinates = {
        **shell_coordinates(curves.size, halves.sampling.voxel_size),
        "n_coefficients": n_coefficients(curves.size),
        "fsc_kind": kinds,
        "threshold": list(THRESHOLDS),
        **halves.scalars,
        "resolution": resolution[kinds.index(curves.best), 0],
        "data_end": length / max(int(np.flatnonzero(curves.held).max()), 1),
        "randomisation_resolution": length / curves.randomise_from if curves.randomise_from else math.nan,
    }
    return variables, coordinates


def verdict(curves: Curves, coordinates: dict) -> str:
    """Return what a set of curves says: the resolution, where the data end, and what is no more than rounding or leak.

    Parameters
    ----------
    curves : Curves
        The curves.
    coordinates : dict
        What `describe` returned.

    Returns
    -------
    str
        One sentence, in angstrom; one more where the corrected curve goes on past the modified one, and one where a
        step at the faces of the box makes the raw curve.
    """
    resolution, frequency = float(coordinates["resolution"]), coordinates["frequency"]
    nyquist = float(coordinates.get("particle_nyquist", math.nan))
    past = past_particle_nyquist(resolution, nyquist, CORNER in curves.band)
    floor = floor_from(curves.held, curves.rounded | curves.leaking, frequency)
    end = float(coordinates["data_end"])
    is_grid = math.isnan(nyquist) and round(1.0 / (end * frequency[1])) == curves.size // 2
    stated = curve_verdict(KIND_WORDS[curves.best], resolution, end, past, floor, is_grid)
    stated += _what_a_mask_may_have_made(curves, frequency)
    start = curves.made_on_axes
    if not start:
        return stated
    fall = crossing(curves.off_axis, 0.143, curves.held & ~curves.rounded)
    without = f"falls to 0.143 at {angstrom(1.0 / (frequency[1] * fall))}" if fall > 0 else "does not fall to 0.143"
    return (
        f"{stated} From {angstrom(1.0 / frequency[start])} on the unmasked curve is made by the six coefficients of a "
        "shell that lie on the axes of the box, as by a step at its faces (zero padding of maps with a common "
        f"background); without them it {without}."
    )


def _what_a_mask_may_have_made(curves: Curves, frequency: np.ndarray) -> str:
    """Return the sentence on a corrected curve that goes on past the modified one; empty where it does not."""
    if not {"modified", "corrected"} <= set(curves.values):
        return ""
    last = {
        kind: np.flatnonzero(shells & (curves.values[kind] > 0.143)).max(initial=0)
        for kind, shells in (("modified", curves.held), ("corrected", curves.held & ~curves.leaking))
    }
    fall = curves.crossings("corrected")[0]
    if not (fall if fall > 0 else last["corrected"]) > OUTLASTS * (last["modified"] + 1):
        return ""
    start = angstrom(1.0 / frequency[last["modified"] + 1])
    return (
        f" The modified curve, into which no mask leaks, is below 0.143 from {start} on: the mask may have made what "
        "the corrected one shows there."
    )


def options_of(options: Any) -> dict[str, Any]:
    """Return the arguments of `take_half_maps` that a diagnostic's options hold.

    Parameters
    ----------
    options : FscOptions
        Settings, or a group that extends them.

    Returns
    -------
    dict
        `class_id`, `particle_pixel_size`, `particle_diameter`.
    """
    return {name: getattr(options, name) for name in ("class_id", "particle_pixel_size", "particle_diameter")}


class FscDiagnostic:
    """Fourier shell correlation of half maps."""

    name = "fsc"
    title = "Fourier shell correlation"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = FscOptions

    def compute(self, dataset: xr.Dataset, options: FscOptions, config: RunConfig, mask: Any, progress: Progress):
        """Return the curves as a Dataset of kind ``cryonb/fsc``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : FscOptions
            Settings.
        config : RunConfig
            Mask settings, symmetry and seed.
        mask : ndarray, xarray.Dataset or None
            A mask that was given.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/fsc``; NaN on shells without data; ``attrs["verdict"]`` is a sentence.

        Notes
        -----
        Where the raw curve is made by the few coefficients on the axes of the box, as by a common background that
        was padded with zeros, the verdict says so; `map_forensics` then finds that the halves share what is in the
        solvent.
        """
        halves = take_half_maps(dataset, config.mask, mask, **options_of(options))
        curves = correlate(halves, options, config, progress)
        variables, coordinates = describe(halves, curves)
        return build(FSC, variables, coordinates, {"verdict": verdict(curves, coordinates)})


DIAGNOSTIC = FscDiagnostic()
