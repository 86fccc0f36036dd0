"""The correlation of two half maps on shells and in cones, and what follows from the curves."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from ..config import RunConfig
from ..imaging.bands import CORNER, FFT_ROUNDING, MEASURED
from ..imaging.cones import JUDGEABLE, cone_sums, empty_cells, products
from ..imaging.directions import middle_axis
from ..imaging.fourier import half_transform
from ..imaging.shells import correlation, crossing, fourier_shell_correlation, rounding_floor, shell_power
from .fsc import LEAK, FscOptions, correlate
from .half_maps import HalfMaps

Progress = Callable[[float, str], None]

THRESHOLD = 0.143

FEW = 20
"""Coefficients of the full transform below which a cone's curve is chance: that of all directions stands in."""

MOSTLY = 0.5
"""A direction of which more than this part of the shells holds nothing is a direction without data."""


@dataclasses.dataclass(frozen=True, eq=False)
class Shells:
    """What all directions together say on every shell.

    Attributes
    ----------
    length : float
        Edge of the box [angstrom].
    fsc : ndarray, (shells,), float64
        Correlation over all directions, under the mask if there is one; NaN on shells without data.
    band : ndarray, (shells,), str
        Band of every shell.
    below_floor : ndarray, (shells,), bool
        The power is what float32 rounds off, or the mask adds more than the shell holds.
    """

    length: float
    fsc: np.ndarray
    band: np.ndarray
    below_floor: np.ndarray

    @property
    def usable(self) -> np.ndarray:
        """Shells from which conclusions are drawn, (shells,), bool."""
        return np.isfinite(self.fsc) & ~self.below_floor & (np.arange(self.fsc.size) > 0)

    def resolution(self, curve: np.ndarray, level: float = THRESHOLD) -> float:
        """Return where a curve falls through a level.

        Parameters
        ----------
        curve : ndarray, (shells,), float64
            A curve over shells.
        level : float, optional
            The level.

        Returns
        -------
        float
            Resolution [angstrom]; NaN where it never does.
        """
        return self.length / crossing(curve, level, self.usable)


@dataclasses.dataclass(frozen=True, eq=False)
class Cones:
    """What every direction says.

    Attributes
    ----------
    axes : ndarray, (d, 3), float64
        Unit vectors x, y, z.
    fsc : ndarray, (d, shells), float64
        Correlation in every cone; NaN in cells without data, and on shells from which nothing is concluded.
    counts : ndarray, (d, shells), float64
        Coefficients of the full transform in every cell.
    shells : Shells
        What all directions together say.
    """

    axes: np.ndarray
    fsc: np.ndarray
    counts: np.ndarray
    shells: Shells

    @property
    def empty(self) -> np.ndarray:
        """Part of the shells on which a direction holds no data, (d,), float64; cells of few coefficients aside."""
        judged = (self.counts >= JUDGEABLE) & self.shells.usable
        judged = judged if judged.any() else (self.counts > 0) & self.shells.usable
        void = judged & np.isnan(self.fsc)
        return void.sum(axis=1) / np.maximum(judged.sum(axis=1), 1)

    @property
    def without_data(self) -> np.ndarray:
        """Directions most of whose shells hold no data, (d,), bool."""
        return self.empty > MOSTLY

    @property
    def followed(self) -> np.ndarray:
        """Curves from which conclusions are drawn, (d, shells), float64.

        Those of the cones, and on the first shells, where a cone holds less than 20 coefficients, that of all
        directions; NaN in cells without data.
        """
        few = (self.counts < FEW) & ((self.counts == 0) | np.isfinite(self.fsc))
        return np.where(few & self.shells.usable, self.shells.fsc, self.fsc)

    @property
    def area(self) -> np.ndarray:
        """Area under every curve, (d,), float64 [1/angstrom]; a cell without data adds none."""
        return np.nan_to_num(self.followed).sum(axis=1) / self.shells.length

    @property
    def resolution(self) -> np.ndarray:
        """Resolution of every direction, (d,), float64 [angstrom]; NaN where its curve never falls to 0.143."""
        found = np.array([self.shells.resolution(curve) for curve in self.followed])
        return np.where(self.without_data, np.nan, found)

    @property
    def occupancy(self) -> np.ndarray:
        """Part of the directions whose correlation is above 0.143, (shells,), float64: the FSO curve.

        Directions without data count as below; NaN on shells from which nothing is concluded.
        """
        above = (np.nan_to_num(self.followed, nan=-1.0) > THRESHOLD).mean(axis=0)
        return np.where(self.shells.usable, above, np.nan)

    def bounded(self, level: float) -> float:
        """Return in how many directions the end of the data, not the fall of the curve, ends what is above a level.

        Parameters
        ----------
        level : float
            The level.

        Returns
        -------
        float
            Part of the directions with data whose curve is above it on one of the last two shells, within the low-pass
            of a sphericity from the end; NaN without such directions.
        """
        shells = np.flatnonzero(self.shells.usable)
        if not shells.size or self.without_data.all():
            return math.nan
        ends = np.nan_to_num(self.followed[~self.without_data][:, shells[-2:]], nan=-1.0)
        return float((ends > level).any(axis=1).mean())

    def named(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the best and the worst direction with data, and the middle of those without.

        Returns
        -------
        axes : ndarray, (3, 3), float64
            Unit vectors: of the finest resolution, of the coarsest, and of the middle; NaN where there is none.
        resolution : ndarray, (3,), float64
            Resolution of the first two [angstrom].

        Notes
        -----
        A curve that never falls to 0.143 counts as finer than any that does; of equals, the area under it decides.
        """
        axes, resolution = np.full((3, 3), np.nan), np.full(3, np.nan)
        held = np.flatnonzero(~self.without_data)
        if held.size:
            rank = np.lexsort((-self.area[held], np.nan_to_num(self.resolution[held], nan=0.0)))
            extremes = held[rank[[0, -1]]]
            axes[:2], resolution[:2] = self.axes[extremes], self.resolution[extremes]
        void = np.where(self.without_data, self.empty, 0.0)
        if void.any():
            axes[2] = middle_axis(self.axes, void)
        return axes, resolution


def measure(
    halves: HalfMaps, axes: np.ndarray, half_angle: float, empty_below: float, config: RunConfig, progress: Progress
) -> Cones:
    """Return the correlation of two half maps on shells and in cones.

    Parameters
    ----------
    halves : HalfMaps
        The maps and their mask.
    axes : ndarray, (d, 3), float64
        Unit vectors x, y, z.
    half_angle : float
        Half angle of the cones [degree].
    empty_below : float
        Fraction of its shell's mean power that a cell with data holds.
    config : RunConfig
        Symmetry and seed.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    Cones
        The curves. Whether a cell holds data is read from the unmasked maps, since a mask fills gaps from around them.
    """
    size, maps = halves.sampling.size, (halves.first, halves.second)
    plain = correlate(dataclasses.replace(halves, mask=None), FscOptions(), config, _silent)
    progress(0.04, "FSC over all directions")
    values, power, curve = _transformed(*maps, lambda part: progress(0.04 + 0.08 * part, "transforms"))
    below, floor = plain.rounded.copy(), FFT_ROUNDING * np.array([rounding_floor(half, size) for half in power])
    if halves.mask is not None:
        under_mask = [half * halves.mask for half in maps]
        masked, masked_power, curve = _transformed(*under_mask, lambda part: progress(0.12 + 0.08 * part, "transforms"))
        values = np.concatenate([masked, values[1:]])
        below = below | (masked_power > LEAK * power).any(axis=0)
    sums, counts = cone_sums(values, size, axes, half_angle, lambda part, text: progress(0.2 + 0.8 * part, text))
    own = sums[-2:]
    void = empty_cells(own, counts, floor, empty_below) | (sums[1:3] > LEAK * own).any(axis=0)
    held, below[0] = np.isin(plain.band, (MEASURED, CORNER)), False
    shells = Shells(halves.sampling.length, np.where(held, curve, np.nan), plain.band, below)
    fsc = np.where(void | ~shells.usable, np.nan, correlation(*sums[:3]))
    return Cones(axes, fsc, counts, shells)


def _transformed(
    first: np.ndarray, second: np.ndarray, tick: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the products of every coefficient, the power of both maps on every shell, and their correlation."""
    first = half_transform(first)
    tick(0.2)
    second = half_transform(second)
    tick(0.4)
    power = np.stack([shell_power(first), shell_power(second)])
    tick(0.6)
    curve = fourier_shell_correlation(first, second)
    tick(0.8)
    found = products(first, second)
    tick(1.0)
    return found, power, curve


def _silent(fraction: float, text: str) -> None:
    """Report nothing."""
