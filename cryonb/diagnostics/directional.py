"""Directional resolution: the correlation of two half maps in cones of Fourier space, and how even it is."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..imaging.cones import check_memory, cone_volume
from ..imaging.directions import angles_of, healpix_hemisphere, healpix_resolution, unit_vectors
from ..imaging.sphericity import sphericity
from ..knobs import Config, knob
from ..schema import SAMPLING, Field, Kind, build, declare, shell_coordinates
from ..units import angstrom
from .cone_curves import Cones, measure
from .fsc import options_of
from .half_maps import HalfMaps, take_half_maps

Progress = Callable[[float, str], None]

OCCUPANCIES = (0.9, 0.5, 0.1)
"""Parts of the directions at which the FSO curve is read; the zone of anisotropy lies between the outer two."""

NAMED = ("best", "worst", "empty")
"""The direction of the finest resolution, that of the coarsest, the middle of those without data."""

BOUNDED = 0.1
"""Part of the directions above the level of the sphericity where the data end, from which that end makes the surface:
the sphericity would be that of the data's own sphere."""

POLE = 3.0
"""Tilt below which the rot of a direction says nothing [degree]."""

UNEVEN = 0.5
"""A cFAR below this is a sign of preferred orientation."""

_NAMED = {
    "named_axis": Field(("named_direction", "axis")),
    "named_rot": Field(("named_direction",), "degree"),
    "named_tilt": Field(("named_direction",), "degree"),
    "named_resolution": Field(("named_direction",), "angstrom"),
}

DIRECTIONAL = declare(
    Kind(
        "cryonb/directional",
        {
            "fsc_cone": Field(("direction", "frequency"), required=True),
            "cone_resolution": Field(("direction",), "angstrom", required=True),
            "cone_area": Field(("direction",), "1/angstrom"),
            "cone_empty": Field(("direction",)),
            "has_data": Field(("direction",), required=True),
            "fsc_global": Field(("frequency",), required=True),
            "fso": Field(("frequency",), required=True),
            "fso_resolution": Field(("occupancy",), "angstrom"),
            "band": Field(("frequency",), required=True),
            "below_floor": Field(("frequency",)),
            "fsc_volume": Field(("kz", "ky", "kx")),
            **_NAMED,
            "sphericity": Field(()),
            "sphericity_bounded": Field((), "fraction"),
            "cfar": Field(()),
        },
        {**SAMPLING, "half_angle": "degree", "empty_below": "fraction", "sphericity_level": "1"},
        dimensions={
            "direction": "1",
            "occupancy": "1",
            "named_direction": "1",
            "axis": "1",
            "kz": "1/angstrom",
            "ky": "1/angstrom",
            "kx": "1/angstrom",
        },
        coordinates={
            "direction_axis": Field(("direction", "axis")),
            "direction_rot": Field(("direction",), "degree"),
            "direction_tilt": Field(("direction",), "degree"),
            "direction_tilt_low": Field(("direction",), "degree"),
            "direction_tilt_high": Field(("direction",), "degree"),
        },
    )
)
"""Directions have no sign: the coefficients of a conjugate pair lie in one direction."""


@dataclasses.dataclass(frozen=True)
class DirectionalOptions(Config):
    """Settings of the correlation in cones."""

    n_directions: int = knob(
        500,
        help="About how many directions; the nearest number of HEALPix pixels of half a sphere (6, 24, 54, ...).",
        minimum=6,
        maximum=50000,
    )
    half_angle: float = knob(20.0, help="Half angle of the cones.", unit="degree", minimum=5.0, maximum=80.0)
    empty_below: float = knob(
        0.1,
        help="A cone holds no data on a shell where its power is below this fraction of the shell's mean; 0 = never.",
        unit="fraction",
        minimum=0.0,
        maximum=0.9,
    )
    sphericity_level: float = knob(
        0.5, help="FSC at the surface whose sphericity is measured.", minimum=0.05, maximum=0.95
    )
    class_id: int = knob(0, help="Which class; 0 = the only one, or the first.", minimum=0)
    particle_pixel_size: float = knob(
        0.0, help="Pixel size of the particle images as read; 0 = from the data.", unit="angstrom", minimum=0.0
    )
    particle_diameter: float = knob(
        0.0, help="Diameter of the particle; 0 = from the data, the mask or the box.", unit="angstrom", minimum=0.0
    )


class DirectionalDiagnostic:
    """Correlation of half maps in cones of Fourier space."""

    name = "directional"
    title = "Directional FSC"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = DirectionalOptions

    def compute(
        self, dataset: xr.Dataset, options: DirectionalOptions, config: RunConfig, mask: Any, progress: Progress
    ):
        """Return the judgement as a Dataset of kind ``cryonb/directional``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : DirectionalOptions
            Settings.
        config : RunConfig
            Mask settings, symmetry, seed and memory limit.
        mask : ndarray, xarray.Dataset or None
            A mask that was given.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/directional``. `fsc_cone` is NaN in cells without data and on shells whose power is rounding
            or mask leak; `cone_resolution` where a curve never falls to 0.143; ``attrs["verdict"]`` is a sentence.

        Raises
        ------
        InputError
            If there are no two half maps, the mask does not fit, or memory does not suffice.

        Notes
        -----
        A conical FSC is the FSC summed over the coefficients within `half_angle` of an axis, on both sides of the
        origin. `fsc_volume` holds along every direction the curve of the cone about it. `cfar` is the area under the
        worst curve over that under the best, a cell without data adding none. `fso` is the part of the directions
        whose curve is above 0.143. `sphericity` is that of the region of `fsc_volume` above `sphericity_level`, and NaN
        where the end of the data cuts that region short in more than a tenth of the directions, `sphericity_bounded`:
        it would be the roundness of the data's own sphere. The best and the worst direction are those of the finest
        and the coarsest resolution; where a curve never falls, the area under it decides. On the first shells, where a
        cone holds less than 20 coefficients, `cfar`, `fso` and `cone_resolution` take the curve of all directions
        instead.

        References
        ----------
        Tan et al. (2017), doi:10.1038/nmeth.4347; Vilas & Tagare (2023), doi:10.1038/s41592-023-01874-3;
        Baldwin & Lyumkis (2020), doi:10.1016/j.pbiomolbio.2019.09.002
        """
        halves = take_half_maps(dataset, config.mask, mask, **options_of(options))
        size = halves.sampling.size
        check_memory(size, config.compute.memory_limit * 2**30)
        rot, tilt, edges = healpix_hemisphere(healpix_resolution(options.n_directions))
        settings = (options.half_angle, options.empty_below, config)
        cones = measure(halves, unit_vectors(rot, tilt), *settings, lambda part, text: progress(0.6 * part, text))
        volume = cone_volume(cones.fsc, size, cones.axes, lambda part, text: progress(0.6 + 0.35 * part, text))
        bounded, roundness = cones.bounded(options.sphericity_level), math.nan
        if not bounded > BOUNDED:
            roundness = sphericity(
                volume, options.sphericity_level, lambda part: progress(0.95 + 0.05 * part, "sphericity")
            )
        progress(1.0, "sphericity")
        roundness = {"sphericity": roundness, "sphericity_bounded": bounded}
        variables = _variables(cones) | {"fsc_volume": volume} | roundness
        coords = _coordinates(halves, cones, options, rot, tilt, edges)
        result = build(DIRECTIONAL, variables, coords)
        return result.assign_attrs(verdict=verdict(result), symmetry=config.imaging.symmetry)


def _variables(cones: Cones) -> dict[str, Any]:
    area, occupancy = cones.area, cones.occupancy
    axes, resolution = cones.named()
    angles = np.array([angles_of(axis) if np.isfinite(axis).all() else (math.nan, math.nan) for axis in axes])
    return {
        "fsc_cone": cones.fsc,
        "cone_resolution": cones.resolution,
        "cone_area": area,
        "cone_empty": cones.empty,
        "has_data": ~cones.without_data,
        "fsc_global": cones.shells.fsc,
        "fso": occupancy,
        "fso_resolution": np.array([cones.shells.resolution(occupancy, level) for level in OCCUPANCIES]),
        "band": cones.shells.band,
        "below_floor": cones.shells.below_floor,
        "named_axis": axes,
        "named_rot": angles[:, 0],
        "named_tilt": angles[:, 1],
        "named_resolution": resolution,
        "cfar": float(area.min() / area.max()) if area.max() > 0 else math.nan,
    }


def _coordinates(
    halves: HalfMaps, cones: Cones, options: DirectionalOptions, rot: np.ndarray, tilt: np.ndarray, edges: np.ndarray
) -> dict[str, Any]:
    size, length = halves.sampling.size, halves.sampling.length
    grid = (np.arange(size) - size // 2) / length
    held = np.flatnonzero(cones.shells.usable)
    return {
        **shell_coordinates(size, halves.sampling.voxel_size),
        "direction": np.arange(len(cones.axes)),
        "direction_axis": cones.axes,
        "direction_rot": rot,
        "direction_tilt": tilt,
        "direction_tilt_low": edges[:, 0],
        "direction_tilt_high": edges[:, 1],
        "axis": ["x", "y", "z"],
        "named_direction": list(NAMED),
        "occupancy": np.array(OCCUPANCIES),
        **dict.fromkeys(("kz", "ky", "kx"), grid),
        **halves.scalars,
        "resolution": cones.shells.resolution(cones.shells.fsc),
        "data_end": length / held[-1] if held.size else math.nan,
        **{name: getattr(options, name) for name in ("half_angle", "empty_below", "sphericity_level")},
    }


def verdict(result: xr.Dataset) -> str:
    """Return what a directional FSC says, in one sentence that never invents a resolution.

    Parameters
    ----------
    result : xarray.Dataset
        Kind ``cryonb/directional``.

    Returns
    -------
    str
        Resolution and its spread, evenness, directions without data, and shells that hold leak or rounding only.
    """
    parts = [_spread(result), _evenness(result), _gap(result), _plateau(result)]
    words = "; ".join(part for part in parts if part)
    return f"{words[0].upper()}{words[1:]}."


def _spread(result: xr.Dataset) -> str:
    overall, each = float(result["resolution"]), result["cone_resolution"].values[result["has_data"].values]
    reached, end = each[np.isfinite(each)], float(result["data_end"])
    tail = f"the data end at {angstrom(end)}" if math.isfinite(end) else "no shell holds data"
    if math.isfinite(overall):
        opening = f"the curve over all directions falls to 0.143 at {angstrom(overall)}"
    else:
        opening = "the curve over all directions never falls to 0.143"
    if not reached.size:
        none = "but that of no" if math.isfinite(overall) else "nor does that of any"
        return f"{opening}, {none} single direction{' does' if math.isfinite(overall) else ''}; {tail}"
    held = "" if each.size == result.sizes["direction"] else " with data"
    some = f"all {each.size}" if reached.size == each.size else f"{reached.size} of {each.size}"
    those = f"those of {some} directions{held}"
    those = those if math.isfinite(overall) else f"but {those} do,"
    return f"{opening}, {those} between {angstrom(reached.min())} and {angstrom(reached.max())}; {tail}"


def _evenness(result: xr.Dataset) -> str:
    roundness, ratio, bounded = (float(result[name]) for name in ("sphericity", "cfar", "sphericity_bounded"))
    parts = [f"sphericity {roundness:.2f}"] if math.isfinite(roundness) else []
    if bounded > BOUNDED:
        level = float(result["sphericity_level"])
        parts = [f"no sphericity ({100 * bounded:.0f} % of directions are above {level:g} where the data end)"]
    if math.isfinite(ratio):
        parts.append(f"cFAR {ratio:.2f}{': preferred orientation' if ratio < UNEVEN else ''}")
    return ", ".join(parts)


def _gap(result: xr.Dataset) -> str:
    missing = int((~result["has_data"].values).sum())
    if not missing:
        return ""
    rot, tilt = (float(result[name].sel(named_direction="empty")) for name in ("named_rot", "named_tilt"))
    count = result.sizes["direction"]
    where = "about z" if tilt < POLE else f"about rot {rot:.0f}, tilt {tilt:.0f} degrees"
    return f"{missing} of {count} directions hold no data, {where}"


def _plateau(result: xr.Dataset) -> str:
    """Say that shells past the data hold mask leak or rounding only, which 3DFSC draws as a positive plateau."""
    below = result["below_floor"].values.astype(bool)
    if not below.any():
        return ""
    clean = np.flatnonzero(~below)[-1]
    first = np.flatnonzero(below)[0] if clean == below.size - 1 else clean + 1
    start = float(result["shell_resolution"].values[first])
    where = f"{int(below.sum())} shells hold rounding or mask leak, whose correlation is no signal"
    return (
        f"from {start:.2f} A on the maps are filtered: {where}"
        if first > clean
        else f"{where}, the first {start:.2f} A"
    )


DIAGNOSTIC = DirectionalDiagnostic()
