"""Local resolution: where the correlation of two half maps falls, place by place."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..imaging.crossings import DATA_END, REACHED, Crossings, detectable
from ..imaging.local_correlation import (
    Bands,
    banded_correlations,
    whitened,
)
from ..imaging.windowed_correlation import windowed_correlations
from ..knobs import Config, knob
from ..schema import SAMPLING, Field, Kind, build, declare
from ..units import angstrom
from .fsc import FscOptions, Progress, correlate, options_of
from .half_maps import take_half_maps
from .local_scan import Scan, check_memory, scan_of

_PLACES = ("threshold", "grid_z", "grid_y", "grid_x")

LOCAL_RESOLUTION = declare(
    Kind(
        "cryonb/local_resolution",
        {
            "local_resolution": Field(_PLACES, "angstrom", required=True),
            "outcome": Field(_PLACES, required=True),
            "resolution_map": Field(("threshold", "z", "y", "x"), "angstrom"),
            "global_resolution": Field(("threshold",), "angstrom", required=True),
            "quantile_resolution": Field(("threshold", "quantile"), "angstrom", required=True),
            "histogram": Field(("threshold", "bin")),
            "noise_spread": Field(("band_frequency",)),
            "density_section": Field(("plane", "row", "column"), required=True),
            "resolution_section": Field(("threshold", "plane", "row", "column"), "angstrom", required=True),
            "data_end_section": Field(("threshold", "plane", "row", "column"), required=True),
        },
        {**SAMPLING, "window_diameter": "angstrom", "step": "angstrom", "significance": "standard deviation"},
        dimensions={
            "grid_z": "angstrom",
            "grid_y": "angstrom",
            "grid_x": "angstrom",
            "quantile": "1",
            "bin": "angstrom",
            "band_frequency": "1/angstrom",
            "plane": "1",
            "row": "angstrom",
            "column": "angstrom",
        },
    )
)
"""`outcome` is "reached", "data end" (above the threshold to where the data end), "below" (nowhere told from noise, or
nowhere above the threshold) or "outside"; `local_resolution` is NaN except where it is "reached". `grid_*` is the
lattice that was measured. `resolution_map` is interpolated from it to the box of the maps, to colour a surface by:
there places that end as "data end" have the resolution of the data's end, which is a bound, and the rest is NaN."""

LEVELS = {"0.143": 0.143, "0.5": 0.5}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
N_BINS = 40
PLANES = ("z", "y", "x")

RARE = 1.0
"""Places [%] that are too few to speak of: so many may be above noise by chance."""


@dataclasses.dataclass(frozen=True)
class LocalResolutionOptions(Config):
    """Settings of the local resolution."""

    window_diameter: float = knob(
        0.0,
        help="Diameter of the soft window at half height; 0 = 7 times the global resolution, within the box's bounds.",
        unit="angstrom",
        minimum=0.0,
    )
    step: float = knob(
        0.0, help="Distance of the places that are judged; 0 = a quarter of the window.", unit="angstrom", minimum=0.0
    )
    method: str = knob(
        "modified",
        help="modified: filter to a band, then correlate under the window; windowed: cut the window out, then correlate"
        " its shells, into which strong shells leak.",
        choices=("modified", "windowed"),
    )
    significance: float = knob(
        4.5,
        help="A place has a resolution only where its curve once stands this far above what noise gives.",
        unit="standard deviation",
        minimum=1.0,
        maximum=6.0,
    )
    full_box: bool = knob(True, help="Also interpolate the result to the box of the maps, to be written as MRC.")
    class_id: int = knob(0, help="Which class; 0 = the only one, or the first.", minimum=0)
    particle_pixel_size: float = knob(
        0.0, help="Pixel size of the particle images as read; 0 = from the data.", unit="angstrom", minimum=0.0
    )
    particle_diameter: float = knob(
        0.0, help="Diameter of the particle; 0 = from the data, the mask or the box.", unit="angstrom", minimum=0.0
    )


def follow(scan: Scan, options: LocalResolutionOptions, progress: Progress) -> tuple[Crossings, np.ndarray, np.ndarray]:
    """Follow the curve of every place down to where the data end.

    Parameters
    ----------
    scan : Scan
        What is judged.
    options : LocalResolutionOptions
        Settings.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    crossings : Crossings
        Where every curve falls.
    shells : ndarray, (bands,), float64
        Middle of every band [shell].
    spread : ndarray, (bands,), float64
        Standard deviation of a curve there in noise.
    """
    places, halves = scan.lattice.places, scan.halves
    crossings = Crossings(len(places), tuple(LEVELS.values()))
    if options.method == "modified":
        bands = Bands.of_window(halves.sampling.size, scan.diameter, scan.last)
        pair = []
        for half in (halves.first, halves.second):
            progress(0.0, f"even spectrum of half {'AB'[len(pair)]}")
            pair.append(whitened(half, scan.held))
        steps, shells = banded_correlations(*pair, scan.diameter, bands, places, progress), bands.centres
    else:
        shells, curves, spread = windowed_correlations(halves.first, halves.second, scan.diameter, places, progress)
        steps, shells = zip(curves, spread), shells[shells <= scan.last]
    spreads = []
    for shell, (values, spread) in zip(shells, steps):
        crossings.add(shell, values, detectable(spread, options.significance))
        spreads.append(spread)
    return crossings, shells, np.array(spreads)


def describe(scan: Scan, options: LocalResolutionOptions, followed: tuple) -> tuple[dict, dict]:
    """Return the variables and coordinates of a local resolution, for a Dataset.

    Parameters
    ----------
    scan : Scan
        What was judged.
    options : LocalResolutionOptions
        Settings.
    followed : tuple
        What `follow` returned.

    Returns
    -------
    variables : dict of str to array
        As the kind declares them.
    coordinates : dict of str to array or scalar
        Lattice, bins, quantiles and settings.
    """
    crossings, shells, spread = followed
    sampling, lattice = scan.halves.sampling, scan.lattice
    voxel, length = sampling.voxel_size, sampling.length
    resolution = lattice.spread_out((length / crossings.shells).astype(np.float32), np.nan)
    outcome = lattice.spread_out(crossings.outcomes(), "outside")
    finest = scan.finest
    edges = _bin_edges(resolution, finest)
    overall = length / scan.curves.crossings(scan.curves.best)[: len(LEVELS)]
    variables = {
        "local_resolution": resolution,
        "outcome": outcome,
        "global_resolution": overall,
        "quantile_resolution": np.stack([_quantiles(values) for values in resolution]),
        "histogram": np.stack([np.histogram(values[np.isfinite(values)], edges)[0] for values in resolution]),
        "noise_spread": spread,
        **_sections(scan, resolution, outcome),
    }
    axis = (np.arange(sampling.size) - sampling.size // 2) * voxel
    coordinates = {
        "threshold": list(LEVELS),
        **{f"grid_{name}": axis[lattice.axis] for name in "zyx"},
        "quantile": list(QUANTILES),
        "bin": 0.5 * (edges[1:] + edges[:-1]),
        "band_frequency": shells / length,
        "plane": list(PLANES),
        "row": axis,
        "column": axis,
        **scan.halves.scalars,
        "resolution": float(overall[0]),
        "data_end": finest,
        "window_diameter": scan.diameter * voxel,
        "step": lattice.spacing * voxel,
        "significance": options.significance,
    }
    return variables, coordinates


def full_maps(scan: Scan, variables: dict, progress: Progress) -> np.ndarray:
    """Return the local resolution on the voxels of the maps, where it is finer than the data tell with a bound.

    Parameters
    ----------
    scan : Scan
        What was judged.
    variables : dict of str to array
        What `describe` returned: `local_resolution` and `outcome`, (thresholds, g, g, g).
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    ndarray, (thresholds, n, n, n), float32
        Interpolated [angstrom]; next to places whose curve stays above the threshold, the resolution of the end of the
        data; NaN outside, and where nothing was told from noise.
    """
    size, (resolution, outcome) = scan.halves.sampling.size, (variables["local_resolution"], variables["outcome"])
    bounded = np.where(outcome == DATA_END, np.float32(scan.finest), resolution)
    result = np.empty((len(bounded), size, size, size), np.float32)
    for number, values in enumerate(bounded):

        def step(done: float, number: int = number) -> None:
            progress((number + done) / len(bounded), f"map {number + 1} of {len(bounded)}")

        step(0.0)
        result[number] = scan.lattice.interpolated(values, tick=step)
    return result


def bound_note(finest: float) -> str:
    """Return what the finest value of a `resolution_map` means, short enough for a label of a map file.

    Parameters
    ----------
    finest : float
        Where the data end [angstrom].

    Returns
    -------
    str
        At most 72 characters.
    """
    end = angstrom(finest)
    return f"{end} means {end} or finer: above the threshold where the data end"


def _bin_edges(resolution: np.ndarray, finest: float) -> np.ndarray:
    values = resolution[np.isfinite(resolution)]
    coarsest = float(np.quantile(values, 0.99)) if values.size else 2.0 * finest
    return np.linspace(finest, max(1.05 * coarsest, 1.2 * finest), N_BINS + 1)


def _quantiles(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    return np.quantile(finite, QUANTILES) if finite.size else np.full(len(QUANTILES), np.nan)


def _sections(scan: Scan, resolution: np.ndarray, outcome: np.ndarray) -> dict[str, np.ndarray]:
    density, middle = scan.halves.mean, scan.halves.sampling.size // 2
    beyond = np.where(outcome == DATA_END, 1.0, np.where(outcome == "outside", np.nan, 0.0)).astype(np.float32)
    planes = range(len(PLANES))
    return {
        "density_section": np.stack([np.take(density, middle, axis=plane) for plane in planes]),
        "resolution_section": np.stack(
            [[scan.lattice.interpolated(values, plane) for plane in planes] for values in resolution]
        ),
        "data_end_section": np.stack(
            [[scan.lattice.interpolated(values, plane) > 0.5 for plane in planes] for values in beyond]
        ),
    }


def verdict(dataset: xr.Dataset) -> str:
    """Return what a local resolution says, in one sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/local_resolution``.

    Returns
    -------
    str
        The sentence, in angstrom.
    """
    low, _, middle, _, high = dataset["quantile_resolution"].sel(threshold="0.143").values
    outcome = dataset["outcome"].sel(threshold="0.143").values
    judged = max(int((outcome != "outside").sum()), 1)
    falls, stays = (100.0 * float((outcome == name).sum()) / judged for name in (REACHED, DATA_END))
    window = f"windows of {float(dataset['window_diameter']):.3g} A"
    end = f"{stays:.0f} % stay above 0.143 to where the data end, {float(dataset['data_end']):.2f} A"
    if max(falls, stays) < RARE:
        return f"No local resolution: in {window} the half maps correlate nowhere more than noise does."
    lost = 100.0 - falls - stays
    rest = f"{end}; {lost:.0f} % cannot be told from noise." if lost >= RARE else f"{end}."
    if falls < RARE:
        return f"In {window} next to no place falls to 0.143: {rest}"
    return (
        f"In {window}, {falls:.0f} % of places fall to 0.143, at {middle:.2f} A in the median, nine of ten between "
        f"{low:.2f} and {high:.2f} A; {rest}"
    )


class LocalResolutionDiagnostic:
    """Local resolution of half maps."""

    name = "local_resolution"
    title = "Local resolution"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = LocalResolutionOptions

    def compute(
        self, dataset: xr.Dataset, options: LocalResolutionOptions, config: RunConfig, mask: Any, progress: Progress
    ):
        """Return the local resolution as a Dataset of kind ``cryonb/local_resolution``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement; without the mask applied to them.
        options : LocalResolutionOptions
            Settings.
        config : RunConfig
            Mask settings, symmetry, seed and memory limit.
        mask : ndarray, xarray.Dataset or None
            A mask that was given: places where it is below one half are outside.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/local_resolution``; NaN where nothing is reached.
        """
        halves = take_half_maps(dataset, config.mask, mask, **options_of(options))
        progress(0.02, "global FSC")
        curves = correlate(halves, FscOptions(modified=False), config, lambda done, text: progress(0.1 * done, text))
        scan = scan_of(halves, curves, options.window_diameter, options.step)
        wanted = len(LEVELS) * options.full_box
        check_memory(scan, options.method, wanted, config.compute.memory_limit * 2**30)
        followed = follow(scan, options, lambda done, text: progress(0.1 + 0.85 * done, text))
        progress(0.95, "sections")
        variables, coordinates = describe(scan, options, followed)
        if options.full_box:
            maps = full_maps(scan, variables, lambda done, text: progress(0.95 + 0.04 * done, text))
            variables["resolution_map"] = maps
            coordinates |= dict.fromkeys("zyx", coordinates["row"])
        result = build(LOCAL_RESOLUTION, variables, coordinates, {"method": options.method})
        result.attrs["verdict"] = verdict(result)
        if options.full_box:
            result["resolution_map"].attrs["note"] = bound_note(scan.finest)
        progress(1.0, "local resolution")
        return result


DIAGNOSTIC = LocalResolutionDiagnostic()
