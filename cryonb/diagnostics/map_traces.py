"""What two half maps tell when nothing else is left: every measurement that the forensics of maps judges by."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ..imaging.bands import FFT_ROUNDING
from ..imaging.filter_shapes import FilterShape, fit_filter
from ..imaging.fourier import half_transform
from ..imaging.half_likeness import Likeness, compare_halves
from ..imaging.mask_traces import MaskTrace, find_mask, predicted_leak
from ..imaging.quantisation import Storage, find_storage
from ..imaging.self_symmetry import find_symmetry
from ..imaging.shells import fourier_shell_correlation, n_coefficients, shell_power
from ..imaging.spectrum_edge import SPARSE, Cliff, axis_power, edge_rise, find_cliff, find_peak, is_white, square_rise
from ..imaging.upsampling import Upsampling, find_upsampling
from .half_maps import HalfMaps

Progress = Callable[[float, str], None]

STORAGE_ROUNDING = 4.0
"""Multiple of the noise that storing left, up to which a shell holds nothing but that."""

HIDDEN = 4.0
"""Multiple of the predicted mask leak, up to which a shell holds nothing but that."""

SETTLED = 4
"""Shells past a cliff from which what is left there is judged."""

SQUARE = 0.5
"""Rise of the noise before a cliff, in units of what corners of square images make, from which they made it."""

DEEP = 4.0
"""Decades by which rounding, or a white rest, lies below the noise before the cliff, at least, where a filter made it:
what a kernel spills past the end of the data lies 2 to 3 below, and coarse steps of integers hide it."""

AT_THE_END = 0.97
"""Fraction of the last shell from which a cliff is no more than the end of the grid."""

CLEAR_OF_CORNERS = 0.85
"""Fraction of the Nyquist frequency of square images up to which a mask leaks little from their corners."""

DYNAMIC = 1e3
"""Fall of the noise up to which a smooth filter is fitted: a kernel that was cut off leaves something beyond."""

SPAN = 8.0
"""Ratio of ratios of powers from which the halves were filtered differently; their difference then holds the object."""

STEPS = 2.0
"""Root mean square of noise, in steps of stored integers, from which it is noise and not the steps."""


@dataclasses.dataclass(frozen=True)
class Traces:
    """Measurements on two half maps.

    Attributes
    ----------
    size : int
        Voxels along an edge.
    length : float
        Edge of the box [angstrom].
    power : ndarray, (2, shells), float64
        Power per coefficient of each half.
    noise : ndarray, (shells,), float64
        The same of their difference on one grey scale; of the first half where they are copies.
    axes : ndarray, (3, shells), float64
        Noise along z, y, x.
    fsc : ndarray, (shells,), float64
        Raw correlation.
    floor : float
        Power per coefficient that rounding may leave in the noise.
    rounding : ndarray, (2,), float64
        Rounding floor of each half as float32.
    leak : ndarray, (shells,), float64
        Predicted mask leak into the noise; zero where there is no mask with a known edge.
    cliff : Cliff or None
        Where the noise drops away.
    square : float
        Rise of the noise before it, in units of what corners of square images make.
    shape : FilterShape
        The smooth filter that explains the noise.
    upsampling : Upsampling
        Traces of a coarser sampling.
    mask : MaskTrace
        Traces of a mask.
    storage : Storage
        How the first half was stored once.
    likeness : Likeness
        What the halves have in common.
    symmetry : tuple of str and float
        The group that the noise obeys, and how well.
    drowned : bool
        Whether the corners of the transform are so strong that every shell holds their rounding only.
    """

    size: int
    length: float
    power: np.ndarray
    noise: np.ndarray
    axes: np.ndarray
    fsc: np.ndarray
    floor: float
    rounding: np.ndarray
    leak: np.ndarray
    cliff: Cliff | None
    square: float
    shape: FilterShape
    upsampling: Upsampling
    mask: MaskTrace
    storage: Storage
    likeness: Likeness
    symmetry: tuple[str, float]
    drowned: bool

    @property
    def face(self) -> int:
        """Last shell of the sampling before the map was upsampled; the last shell of the box where it was not."""
        return self.upsampling.size // 2 if self.upsampling.size else self.size // 2

    @property
    def end(self) -> int:
        """Last shell before the cliff, or the last one there is."""
        return min(self.cliff.shell, self.face) if self.cliff else self.face

    @property
    def past(self) -> slice:
        """Shells past the cliff on which what is left there is judged."""
        return slice(min(self.end + SETTLED, self.face - 1), self.face - 1 if self.upsampling.size else None)

    @property
    def empty(self) -> bool:
        """Whether nothing but rounding is left past the cliff."""
        left = self.noise[self.past]
        return self.cliff is not None and left.size > 0 and bool((left <= self.floor).all())

    @property
    def hidden(self) -> bool:
        """Whether nothing but rounding and the leak of the mask is left past the cliff."""
        left, leak = self.noise[self.past], self.leak[self.past]
        bound = np.maximum(HIDDEN * leak, self.floor)
        return self.cliff is not None and left.size > 0 and bool(leak.any()) and bool((left <= bound).all())

    @property
    def bare(self) -> bool:
        """Whether what is left past the cliff is rounding or white, and far below the noise before it."""
        left = self.noise[self.past]
        if self.cliff is None or not left.size:
            return False
        before = self.noise[max(self.end - 5, 1) : self.end + 1]
        return (self.empty or is_white(left)) and float(np.median(left)) * 10**DEEP < float(np.median(before))

    @property
    def cut(self) -> str:
        """What made the cliff: "filter", "finer box", "either" where that cannot be told, or nothing."""
        if self.cliff is None:
            return ""
        if self.bare and not self.hidden:
            return "filter"
        if self.end > AT_THE_END * self.face:
            return ""
        sparse = np.nan_to_num(edge_rise(self.noise, self.cliff.shell)) > SPARSE
        return "finer box" if (self.is_square or sparse) and not self.hidden else "either"

    @property
    def below_floor(self) -> np.ndarray:
        """Shells on which a half holds nothing but rounding, (shells,), bool."""
        return (self.power <= max(self.floor / 2.0, 0.0)).any(axis=0)

    @property
    def below_leak(self) -> np.ndarray:
        """Shells on which the noise is no more than the mask would leak there, (shells,), bool."""
        shell = np.arange(self.noise.size)
        return (shell > self.end + 1) & (self.leak > 0) & (self.noise <= HIDDEN * self.leak) & (self.cliff is not None)

    @property
    def past_end(self) -> np.ndarray:
        """Shells past the end of the information, more than one past its cliff, (shells,), bool."""
        ends = self.cliff is not None or self.upsampling.size > 0
        return (np.arange(self.noise.size) > self.end + 1) & ends

    @property
    def is_square(self) -> bool:
        """Whether the corners of square images made the cliff."""
        ends = self.cliff is not None and not self.bare
        return ends and bool(np.nan_to_num(self.square) > SQUARE)


def measure(halves: HalfMaps, seed: int, symmetry: bool, progress: Progress) -> Traces:
    """Return every measurement that the forensics of maps judges by.

    Parameters
    ----------
    halves : HalfMaps
        The maps.
    seed : int
        Seed of the noise that the mask leak is predicted with.
    symmetry : bool
        Whether rotated copies of the noise are compared.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    Traces
        The measurements.
    """
    size = halves.sampling.size
    progress(0.02, "spectra")
    transforms = [half_transform(half) for half in (halves.first, halves.second)]
    sums = np.stack([shell_power(transform) for transform in transforms])
    rounding = np.array([_rounding(half) for half in (halves.first, halves.second)])
    storage = find_storage(halves.first)
    floor = 2.0 * max(FFT_ROUNDING * rounding.max(), STORAGE_ROUNDING * storage.noise * size**3)
    progress(0.15, "likeness of the halves")
    rough = find_upsampling(transforms[0])
    likeness = compare_halves(halves.first, halves.second, floor, _last(sums / n_coefficients(size), floor, rough))
    sign = -1.0 if likeness.opposite else 1.0
    difference = halves.first - np.float32(sign / likeness.scale) * halves.second
    subject = halves.first if likeness.copy else difference
    drowned = bool((sums[:, 1:] / n_coefficients(size)[1:] <= floor).all())
    noisy = not likeness.copy and not drowned and likeness.ratio_span < SPAN
    progress(0.3, "upsampling")
    transform = half_transform(subject)
    upsampling = find_upsampling(transform)
    noise = shell_power(transform) / n_coefficients(size)
    progress(0.4, "mask")
    step = storage.step if storage.kind.startswith("int") else 0.0
    mask = find_mask(halves.first, halves.second, difference if noisy else np.zeros_like(subject), step)
    held = noise[: upsampling.size // 2 + 1] if upsampling.size else noise
    cliff = find_cliff(held, floor) or (find_peak(held) if mask.how == "constant" else None)
    square = square_rise(noise, cliff.shell) if cliff else float("nan")
    last = min(cliff.shell, size // 2) if cliff else size // 2
    leak = predicted_leak(mask, noise, last, seed) if mask.how == "constant" else np.zeros(size // 2 + 1)
    progress(0.6, "symmetry")
    test = symmetry and noisy and _is_noise(difference, step)
    group = find_symmetry(difference, lambda done, text: progress(0.6 + 0.35 * done, text)) if test else ("", np.nan)
    shape = _shape(held if noisy else np.zeros_like(held), floor, halves, cliff, square)
    progress(1.0, "map forensics")
    return Traces(
        size,
        halves.sampling.length,
        sums / n_coefficients(size),
        noise,
        axis_power(transform),
        fourier_shell_correlation(*transforms),
        floor,
        rounding,
        leak,
        cliff,
        square,
        shape,
        upsampling,
        mask,
        storage,
        likeness,
        group,
        drowned,
    )


def _rounding(half: np.ndarray) -> float:
    """Return the rounding floor of a half map, as `rounding_floor` does, the corners of its transform included."""
    return float(np.finfo(np.float32).eps) ** 2 * float(np.sum(half.astype(np.float64) ** 2))


def _is_noise(difference: np.ndarray, step: float) -> bool:
    """Return whether the difference of half maps is more than the steps that they were stored in."""
    varying = difference[difference != 0]
    return varying.size > 0 and float(np.sqrt(np.mean(varying.astype(np.float64) ** 2))) > STEPS * step


def _last(power: np.ndarray, floor: float, upsampling: Upsampling) -> int:
    """Return the last shell that a half may hold something of its own on."""
    cliffs = [find_cliff(half, floor) for half in power]
    ends = [cliff.shell - 2 for cliff in cliffs if cliff] if all(cliffs) else []
    return min(
        [power.shape[1] - 1, *([max(ends)] if ends else []), *([upsampling.size // 2 - 2] if upsampling.size else [])]
    )


def _shape(noise: np.ndarray, floor: float, halves: HalfMaps, cliff: Cliff | None, square: float) -> FilterShape:
    """Return the smooth filter of the shells that every image reached."""
    shell = np.arange(noise.size)
    end = cliff.shell - 2 if cliff else noise.size - 2
    if cliff and np.nan_to_num(square) > SQUARE:
        end = int(CLEAR_OF_CORNERS * cliff.shell / np.sqrt(2.0))
    faint = np.flatnonzero((shell > 10) & (noise < np.maximum.accumulate(np.where(shell > 2, noise, 0.0)) / DYNAMIC))
    end = min(end, int(faint[0])) if faint.size else end
    used = (shell >= max(3, 0.25 * end)) & (shell <= end) & (noise > floor)
    return fit_filter(shell / halves.sampling.length, noise, used)
