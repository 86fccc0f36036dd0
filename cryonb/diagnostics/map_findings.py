"""Findings about a pair of half maps: what was done to them, each with its evidence in words and numbers."""

import dataclasses
import math

import numpy as np

from ..imaging.filter_shapes import FilterShape
from .map_traces import SPAN, Traces

NAMES = (
    "upsampled",
    "finer_box",
    "filtered",
    "cut_short",
    "masked",
    "sharpened",
    "symmetrised",
    "float16",
    "int8",
    "int16",
    "identical",
    "opposite",
    "shared_noise",
    "grey_scale",
    "filters_differ",
)

SHARED = 0.8
"""Correlation of the solvent of two halves from which they share noise."""

GREY = 1.1
"""Ratio of grey scales from which they differ."""

SOFT = 2
"""Shells that an edge takes at least where it is a soft one."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One answer.

    Attributes
    ----------
    found : bool
        Whether it was done to the maps.
    value : float
        The number that goes with it; NaN for none.
    unit : str
        Its unit.
    evidence : str
        What was seen, in words with numbers.
    """

    found: bool
    value: float
    unit: str
    evidence: str


def find_all(traces: Traces) -> dict[str, Finding]:
    """Return every finding, by name.

    Parameters
    ----------
    traces : Traces
        Measurements.

    Returns
    -------
    dict of str to Finding
        In the order of `NAMES`.
    """
    return {
        "upsampled": _upsampled(traces),
        "finer_box": _finer_box(traces),
        "filtered": _filtered(traces),
        "cut_short": _cut_short(traces),
        "masked": _masked(traces),
        "sharpened": _sharpened(traces),
        "symmetrised": _symmetrised(traces),
        **{kind: _stored(traces, kind) for kind in ("float16", "int8", "int16")},
        **_halves(traces),
    }


def resolution(traces: Traces, shell: float) -> float:
    """Return the resolution of a shell.

    Parameters
    ----------
    traces : Traces
        Measurements.
    shell : float
        Number of the shell.

    Returns
    -------
    float
        Resolution [angstrom].
    """
    return traces.length / shell if shell > 0 else math.inf


def b_words(shape: FilterShape) -> str:
    """Return the B factor of a filter with its range.

    Parameters
    ----------
    shape : FilterShape
        A Gaussian.

    Returns
    -------
    str
        For example "B about -190 A^2 (between -240 and -140)".
    """
    step = max(10.0 ** (math.floor(math.log10(max(abs(shape.b_factor), 1.0))) - 1), 1.0)
    middle, low, high = (step * round(value / step) + 0.0 for value in (shape.b_factor, *sorted(shape.b_range)))
    return f"B about {middle:.0f} A^2 (between {low:.0f} and {high:.0f})"


def _upsampled(traces: Traces) -> Finding:
    trace = traces.upsampling
    if not trace.size:
        words = "no cube of data inside the transform and no replica of the spectrum"
        words += "; the mask could hide a cube" if traces.mask.how == "constant" else ""
        return Finding(False, math.nan, "factor", words)
    seen = (
        f"power drops by {trace.strength:.1f} decades across the faces of a cube at index {trace.size // 2}"
        if trace.how == "Fourier padding"
        else f"the spectrum repeats after {trace.size} indices along all axes (correlation {trace.strength:.2f})"
    )
    voxel = traces.length / trace.size
    words = f"{trace.how} from {trace.size} to {traces.size} voxels of once {voxel:.3g} A: {seen}"
    return Finding(True, traces.size / trace.size, "factor", words)


def _finer_box(traces: Traces) -> Finding:
    if traces.cut != "finer box":
        return Finding(False, math.nan, "angstrom", "no cliff that only the end of the data would make")
    at = resolution(traces, traces.end)
    drop = f"noise falls by {traces.cliff.decades:.1f} decades past {at:.3g} A"
    why = "the corners of square images make it" if traces.is_square else "it does where few images reach"
    words = f"{drop} after rising as {why}, and what is left is more than rounding: the data end there"
    return Finding(True, at, "angstrom", words)


def _cut_short(traces: Traces) -> Finding:
    if traces.cut != "either":
        return Finding(False, math.nan, "angstrom", "no cliff that was left unexplained")
    at = resolution(traces, traces.end)
    drop = f"noise falls by {traces.cliff.decades:.1f} decades past {at:.3g} A"
    if traces.hidden:
        rest = "and what is left is the leak of the mask: a sharp filter, an upsampled map or a box finer than the data"
        return Finding(True, at, "angstrom", f"{drop}, {rest}; the mask hides which")
    rest = "neither after a rise nor to a flat rest: a sharp filter or a box finer than the data, not to be told apart"
    return Finding(True, at, "angstrom", f"{drop}, {rest}")


def _filtered(traces: Traces) -> Finding:
    if traces.cut == "filter":
        width = traces.cliff.width
        edge = "a hard edge (top-hat)" if width < SOFT else f"a cosine edge {width} shells wide"
        name = f"an edge {width} shells wide (top-hat or narrow cosine)" if width == SOFT else edge
        at = resolution(traces, traces.cliff.shell)
        left = "rounding only" if traces.empty else "flat, as a file adds it and no reconstruction does"
        words = f"{name} at {at:.3g} A: noise falls by {traces.cliff.decades:.1f} decades, and past it is {left}"
        return Finding(True, at, "angstrom", words)
    shape = traces.shape
    if shape.name and shape.decades < 0 and traces.upsampling.how != "interpolation":
        at = 1.0 / shape.cutoff
        kind = b_words(shape) if shape.name == "Gaussian" else f"order {shape.order}"
        words = f"{shape.name} ({kind}), half power at {at:.3g} A: noise falls by {-shape.decades:.1f} decades smoothly"
        return Finding(True, at, "angstrom", words)
    if traces.upsampling.how == "interpolation":
        return Finding(
            False, math.nan, "angstrom", "interpolation filters on its own: no other filter can be told from it"
        )
    return Finding(False, math.nan, "angstrom", "noise does not fade before the data end")


def _masked(traces: Traces) -> Finding:
    mask = traces.mask
    if not mask.how:
        return Finding(False, 1.0, "fraction kept", "no constant or silent region inside the sphere of the box")
    if mask.how == "constant":
        words = f"{100 * (1 - mask.kept):.0f} % of the voxels hold exactly {mask.constant + 0.0:.4g}"
        words += f"; the edge is {mask.edge:.1f} voxels wide" if np.isfinite(mask.edge) else ""
    else:
        words = f"{100 * mask.outside.mean():.0f} % of the box holds less than a hundredth of the noise found elsewhere"
        words += "; what came after the mask rings there, so that its size cannot be told"
    return Finding(True, mask.kept, "fraction kept", words)


def _sharpened(traces: Traces) -> Finding:
    shape = traces.shape
    if shape.name == "Gaussian" and shape.decades > 0:
        rise = f"noise rises by {shape.decades:.1f} decades more than reconstructions make it"
        return Finding(True, shape.b_factor, "angstrom^2", f"{rise}: {b_words(shape)}")
    if traces.drowned:
        words = "the corners of the transform, outside the sphere, drown every shell in their rounding"
        return Finding(True, math.nan, "angstrom^2", words)
    return Finding(False, math.nan, "angstrom^2", "noise does not rise more than reconstructions make it")


def _symmetrised(traces: Traces) -> Finding:
    name, agreement = traces.symmetry
    if not name:
        return Finding(
            False,
            math.nan,
            "correlation",
            "not tested: it was not asked for, or the difference of the halves is not their noise",
        )
    if name == "C1":
        return Finding(False, agreement, "correlation", f"noise agrees with no rotated copy (at most {agreement:.2f})")
    return Finding(True, agreement, "correlation", f"{name}: noise agrees with its rotated copies to {agreement:.2f}")


def _stored(traces: Traces, kind: str) -> Finding:
    storage = traces.storage
    if storage.kind != kind:
        return Finding(False, math.nan, "1", f"{storage.distinct} distinct values, not on its steps")
    scale = "relative to the power of two below each value" if kind == "float16" else "between any two values"
    words = f"{storage.distinct} distinct values, on steps of {storage.step:.3g} {scale}"
    return Finding(True, storage.step, "1", words)


def _halves(traces: Traces) -> dict[str, Finding]:
    like, masked = traces.likeness, bool(traces.mask.how)
    scaled = 1.0 if traces.drowned else max(like.scale, 1.0 / like.scale)
    sign = "-1" if like.opposite else "1"
    copied = f"correlation {sign} on every shell, grey scale {like.scale:.3g}" if like.copy else "they differ"
    turned = f"the shells that correlate clearly do so by {like.agreement:.2f} in the mean"
    differ = like.ratio_span > SPAN and not (like.copy or traces.drowned)
    quiet = masked or traces.drowned or not np.isfinite(like.solvent)
    untreated = not (like.copy or quiet or traces.shape.name or traces.cut in ("filter", "either"))
    shared = untreated and like.solvent > SHARED
    told = "a mask left no solvent to compare" if quiet else f"solvent correlates by {like.solvent:.2f} in fine shells"
    return {
        "identical": Finding(like.copy, float(traces.fsc[1:].min()), "correlation", copied),
        "opposite": Finding(
            like.opposite,
            like.agreement,
            "correlation",
            f"the halves are anticorrelated: {turned}" if like.opposite else "no shells that correlate below zero",
        ),
        "shared_noise": Finding(shared, like.solvent, "correlation", told),
        "grey_scale": Finding(
            scaled > GREY, like.scale, "factor", f"amplitudes of half B are {like.scale:.3g} times those of the other"
        ),
        "filters_differ": Finding(
            differ, like.ratio_span, "factor", f"the ratio of powers varies {like.ratio_span:.1f}-fold over the shells"
        ),
    }
