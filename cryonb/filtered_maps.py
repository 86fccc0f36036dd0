"""Half maps whose FSC shows a plateau past a filter, made in the ways that make one and in those that do not.

A signal with independent noise in each half is low-pass filtered, so nothing past the filter is measured. Yet programs
print a correlation there that stays positive up to the Nyquist frequency. Rounding to float32 does not make it: it
differs in the two halves. What does is anything common to both that is multiplied with the maps, or added to them,
after the filter, where nothing competes with it: a mask, or the step from a common background to zeros.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from .errors import must, nearest
from .imaging.masks import lowpass, threshold_mask
from .knobs import Config, knob
from .phantoms import phantom, settled
from .provenance import stamp
from .schema import HALVES, VOLUME, build, grid_coordinates

WAYS = ("filter", "filter_then_mask", "mask_then_filter", "padded_background")

MASKED = ("filter_then_mask", "mask_then_filter")
"""Ways with a mask beside the maps."""

MASK_THRESHOLD, MASK_LOWPASS = 0.2, 12.0
"""The tight mask: where the signal, low-pass filtered [angstrom], is above this fraction of its maximum."""


@dataclasses.dataclass(frozen=True)
class FilteredMapsConfig(Config):
    """Settings of filtered half maps."""

    box_size: int = knob(96, help="Voxels along an edge.", unit="voxel", minimum=16)
    voxel_size: float = knob(1.5, help="Voxel size.", unit="angstrom", minimum=0.01)
    lowpass: float = knob(
        7.2,
        help="Where the cosine low-pass, two shells wide, has fallen to one half; 0 = no filter.",
        unit="angstrom",
        minimum=0.0,
    )
    noise: float = knob(
        0.4, help="Independent noise of each half, in units of the signal's root mean square.", minimum=0.0
    )
    edge_width: float = knob(
        3.0, help="Width of the mask's soft edge, which begins at the particle itself.", unit="angstrom", minimum=0.0
    )
    background: float = knob(
        1.0,
        help="Common background of the way padded_background, in units of the signal's root mean square.",
        minimum=0.0,
    )
    padding: int = knob(2, help="Samples along x that the way padded_background sets to zero.", unit="voxel", minimum=0)
    residue: float = knob(
        1e-4,
        help="Independent noise that comes after the filter, in units of the signal's root mean square: 1e-4 is about"
        " what a float16 file adds; with 0 only float32 rounding is left, and the fsc diagnostic calls it empty.",
        minimum=0.0,
    )
    seed: int = knob(0, help="Seed of the noise.", minimum=0)


def filtered_half_maps(
    way: str = "filter_then_mask", config: FilteredMapsConfig | Mapping | None = None, **settings: Any
) -> xr.Dataset:
    """Return half maps that were low-pass filtered, with or without what makes a plateau past the filter.

    Parameters
    ----------
    way : {"filter", "filter_then_mask", "mask_then_filter", "padded_background"}, optional
        "filter": filtered, and nothing else. "filter_then_mask": the same with a tight mask beside them, which the
        `fsc` diagnostic applies. "mask_then_filter": multiplied with that mask, then filtered, with the mask beside
        them for the modified curve. "padded_background": filtered, on a background that both halves share, with zeros
        in the outermost planes along x, as a transform that pads this axis leaves them.
    config : FilteredMapsConfig or mapping, optional
        Settings.
    **settings
        Fields of `FilteredMapsConfig`; they win over `config`.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume`` with `half_map` (half, z, y, x), float32, in units of the signal's root mean square; and
        `mask` (z, y, x) in the two ways that have one. Signal and noise of one seed are the same in all ways.

    Raises
    ------
    InputError
        If the way is not known or a setting cannot work.

    Notes
    -----
    The masked FSC of "filter_then_mask" stands above 0.9 past the filter: the mask spreads the strong shells over the
    empty ones, the same in both halves; the `fsc` diagnostic flags them as `below_floor`. Its modified FSC (Penczek
    2020) filters to each shell first and masks last, so that it shows none of it, and it is the same, within its
    noise, for maps masked before the filter and, up to the filter, for maps never filtered (lowpass 0). The raw curve
    of "mask_then_filter" has no plateau; its masked curve has one again, since the mask is applied a second time.
    The modified curve is no cure for "padded_background", where the step is a part of the maps: with padding 0 the
    plateau is gone. The verdict of the `fsc` diagnostic recognises that step, since only the coefficients on the axes
    of the box correlate, and so does `map_forensics`, to which the halves share what is in their solvent.

    References
    ----------
    Penczek (2020), doi:10.1107/S2052252520011574

    Examples
    --------
    >>> maps = filtered_half_maps("filter_then_mask", box_size=32, voxel_size=4.0, lowpass=20.0)
    >>> maps["half_map"].dims, "mask" in maps
    (('half', 'z', 'y', 'x'), True)
    """
    must(way in WAYS, "a way to filter half maps must be known", repr(way), nearest(way, WAYS))
    chosen = settled(FilteredMapsConfig, config, settings)
    length = chosen.box_size * chosen.voxel_size
    fits = chosen.lowpass == 0 or 2.0 * chosen.voxel_size < chosen.lowpass < length / 4
    rule = f"lowpass must lie between {2 * chosen.voxel_size:g} and {length / 4:g} [angstrom]"
    must(fits, rule, f"{chosen.lowpass:g}", "Choose a shell inside the box, or 0 for no filter")
    must(chosen.padding < chosen.box_size // 2, "padding must leave a map [voxel]", chosen.padding, "Use 2")
    signal = _signal(chosen)
    mask = tight_mask(signal, chosen)
    halves = np.stack([_half(signal, mask, way, chosen, half) for half in range(2)])
    variables = {"half_map": halves, "mask": mask if way in MASKED else None}
    coords = {**grid_coordinates(chosen.box_size, chosen.voxel_size), "voxel_size": chosen.voxel_size}
    return stamp(
        build(VOLUME, variables, {**coords, "half": list(HALVES)}),
        "filtered_half_maps",
        {"way": way, **chosen.as_dict()},
    )


def _signal(config: FilteredMapsConfig) -> np.ndarray:
    density = phantom("helices", box_size=config.box_size, pixel_size=config.voxel_size)["density"].values
    return density / np.sqrt(np.mean(density**2, dtype=np.float64)).astype(np.float32)


def tight_mask(signal: np.ndarray, config: FilteredMapsConfig) -> np.ndarray:
    """Return a mask that follows a signal closely.

    Parameters
    ----------
    signal : ndarray, (n, n, n), float32
        Map without noise.
    config : FilteredMapsConfig
        Voxel size and width of the edge.

    Returns
    -------
    ndarray, (n, n, n), float32
        Mask between 0 and 1, not grown beyond the particle.
    """
    smooth = max(MASK_LOWPASS, 4.0 * config.voxel_size)
    return threshold_mask(signal, config.voxel_size, MASK_THRESHOLD, 0.0, config.edge_width, smooth)


def _half(signal: np.ndarray, mask: np.ndarray, way: str, config: FilteredMapsConfig, half: int) -> np.ndarray:
    """Return one half map; its noise and residue depend on the seed and the half only.

    It is filtered in double precision, so that what rounds is the file.
    """
    rng, residue = (np.random.default_rng([config.seed, half, stage]) for stage in range(2))
    noisy = signal + np.float32(config.noise) * rng.standard_normal(signal.shape, dtype=np.float32)
    if way == "mask_then_filter":
        noisy *= mask
    filtered = noisy
    if config.lowpass:
        filtered = lowpass(noisy.astype(np.float64), config.voxel_size, config.lowpass).astype(np.float32)
    if way == "padded_background":
        filtered += np.float32(config.background)
    filtered += np.float32(config.residue) * residue.standard_normal(signal.shape, dtype=np.float32)
    if way == "padded_background" and config.padding:
        filtered[:, :, : config.padding // 2] = 0.0
        filtered[:, :, config.box_size - (config.padding + 1) // 2 :] = 0.0
    return filtered
