"""Forensics of two half maps: where their information ends, what was done to them, and what that puts at risk."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..imaging.shells import n_coefficients
from ..imaging.spectrum_edge import find_cliff
from ..knobs import Config, knob
from ..schema import SAMPLING, SHELL_COORDINATES, Field, Kind, build, declare, shell_coordinates
from .half_maps import take_half_maps
from .map_findings import NAMES, Finding, find_all, resolution
from .map_traces import Traces, measure

Progress = Callable[[float, str], None]

BYTES_PER_VOXEL = 120
"""Memory that the measurements take at their peak, for every voxel of one half map."""

MAP_FORENSICS = declare(
    Kind(
        "cryonb/map_forensics",
        {
            "power": Field(("half", "frequency"), required=True),
            "noise_power": Field(("frequency",), required=True),
            "axis_power": Field(("axis", "frequency")),
            "axis_end": Field(("axis",), "angstrom"),
            "rounding_floor": Field(("half",), required=True),
            "predicted_leak": Field(("frequency",)),
            "fsc": Field(("frequency",), required=True),
            "printed_fsc": Field(("frequency",), required=True),
            "log_slope": Field(("frequency",)),
            "below_floor": Field(("frequency",)),
            "below_leak": Field(("frequency",)),
            "past_end": Field(("frequency",)),
            "found": Field(("finding",), required=True),
            "value": Field(("finding",), required=True),
            "unit": Field(("finding",), required=True),
            "evidence": Field(("finding",), required=True),
        },
        {**SAMPLING, "likely_particle_nyquist": "1/angstrom", "information_end": "angstrom", "kept_fraction": "1"},
        dimensions={"finding": "1", "axis": "1"},
        coordinates=SHELL_COORDINATES,
    )
)


@dataclasses.dataclass(frozen=True)
class MapForensicsOptions(Config):
    """Settings of the forensics of half maps."""

    class_id: int = knob(0, help="Which class; 0 = the only one, or the first.", minimum=0)
    particle_pixel_size: float = knob(
        0.0, help="Pixel size of the particle images as read; 0 = not known.", unit="angstrom", minimum=0.0
    )
    particle_box_size: int = knob(
        0,
        help="Box of the particle images as read, over the maps' field of view; 0 = not known.",
        unit="pixel",
        minimum=0,
    )
    symmetry: bool = knob(True, help="Compare the noise with rotated copies of itself.")


def likely_nyquist(traces: Traces) -> tuple[float, str]:
    """Return the Nyquist frequency that the particle images probably had.

    Parameters
    ----------
    traces : Traces
        Measurements.

    Returns
    -------
    frequency : float
        Frequency [1/angstrom]; NaN where the maps do not tell.
    evidence : str
        Why, in words.
    """
    if traces.drowned:
        return math.nan, "not to be told: no shell holds anything but rounding"
    if traces.cut == "filter":
        return math.nan, "not to be told: a filter cut the maps before their data end"
    if traces.cut == "either":
        hides = (
            "a mask hides what cut the maps short" if traces.hidden else "a filter or the end of the data cut the maps"
        )
        return math.nan, f"not to be told: {hides}"
    if traces.cut and traces.is_square:
        shell = traces.end / math.sqrt(2.0)
        rise = f"noise rises before its cliff at {resolution(traces, traces.end):.3g} A"
        words = f"{rise} as corners of square images make it"
        return shell / traces.length, f"{words}, and that cliff is at sqrt(2) times their Nyquist frequency"
    if traces.cut:
        words = "noise rises in the last shells before its cliff, as it does where the data of a circle end"
        return traces.end / traces.length, words
    if traces.upsampling.size:
        words = f"the maps had {traces.upsampling.size} voxels before they were upsampled, and hold power to the end"
        return traces.face / traces.length, words
    return (
        traces.face / traces.length,
        "noise reaches the Nyquist frequency of the maps: that of the images is no coarser",
    )


def warn(traces: Traces, findings: dict[str, Finding], nyquist: float) -> list[str]:
    """Return what the findings put at risk.

    Parameters
    ----------
    traces : Traces
        Measurements.
    findings : dict of str to Finding
        The findings.
    nyquist : float
        Nyquist frequency of the particle images [1/angstrom]; NaN where it is not known.

    Returns
    -------
    list of str
        Plain sentences.
    """
    found = {name: finding for name, finding in findings.items() if finding.found}
    said = _empty_shells(traces)
    if "upsampled" in found:
        coarse = 2.0 * traces.length / traces.upsampling.size
        said.append(f"The grid of these maps is finer than they were: nothing past {coarse:.3g} A was ever computed.")
    if "finer_box" in found:
        said.append(
            f"The grid goes on past {found['finer_box'].value:.3g} A, where information ends: no FSC past it counts."
        )
    if "cut_short" in found:
        at = f"{found['cut_short'].value:.3g} A"
        said.append(f"Information ends at {at}, by a filter or with the data: no FSC past it counts.")
    if "filtered" in found:
        said.append(
            f"The maps were filtered at {found['filtered'].value:.3g} A: an FSC past it measures the filter's rest."
        )
    if "masked" in found:
        kept = 100 * found["masked"].value
        size = f" ({kept:.0f} % of the box kept)" if math.isfinite(kept) else ""
        said.append(f"The maps are masked already{size}: an FSC of them includes the mask's own.")
    if "masked" in found and ("filtered" in found or traces.hidden):
        said.append("A filter or a finer box beneath a mask gives a false plateau past the end of the data.")
    if "sharpened" in found:
        said.append("The maps were sharpened: do not sharpen them again.")
    if "symmetrised" in found:
        said.append(
            f"The maps obey {traces.symmetry[0]}: shells hold fewer independent coefficients than they seem to."
        )
    for kind in {"float16", "int8", "int16"} & set(found):
        said.append(f"The maps were stored as {kind}: its rounding is noise of its own in every shell.")
    if "identical" in found:
        said.append("The two halves are one map: their FSC is 1 on every shell and says nothing.")
    if "opposite" in found:
        said.append("The halves are anticorrelated, of opposite contrast: turn the sign of one before any use of them.")
    if "shared_noise" in found:
        said.append(
            f"The halves share noise (correlation {found['shared_noise'].value:.2f} in solvent): the FSC is too high."
        )
    if "grey_scale" in found:
        said.append(
            f"The halves differ in grey scale by a factor of {found['grey_scale'].value:.3g}: mend it before adding."
        )
    if "filters_differ" in found:
        said.append("The halves were filtered differently: their mean and their difference mix both filters.")
    known = np.isfinite(nyquist) and nyquist > 0
    if known and traces.end / traces.length > 1.02 * nyquist and not traces.upsampling.size:
        past = resolution(traces, traces.end)
        said.append(
            f"The maps hold power to {past:.3g} A, past the particle Nyquist of {1 / nyquist:.3g} A: corners, or none."
        )
    return said


def _empty_shells(traces: Traces) -> list[str]:
    """Return what is said of shells that hold rounding, or the leak of a mask, only."""
    if traces.drowned:
        return ["Every shell holds rounding only: no FSC of these maps counts."]
    empty = traces.below_floor | traces.below_leak
    empty[0] = False
    if not empty.any():
        return []
    printed, first = traces.fsc[empty], int(np.flatnonzero(empty)[0])
    what = "rounding only" if traces.below_floor[empty].all() else "rounding or the leak of a mask only"
    known = np.isfinite(printed).any()
    numbers = f"{_two(np.nanmin(printed))} and {_two(np.nanmax(printed))}" if known else "no number"
    start = f"From {resolution(traces, first):.3g} A on the files hold {what}"
    return [f"{start}; a curve prints values between {numbers} there."]


def _two(value: float) -> str:
    """Return a number with two decimals and no negative zero."""
    return f"{round(float(value), 2) + 0.0:.2f}"


def summarise(traces: Traces, findings: dict[str, Finding]) -> str:
    """Return the forensics in one sentence.

    Parameters
    ----------
    traces : Traces
        Measurements.
    findings : dict of str to Finding
        The findings.

    Returns
    -------
    str
        The sentence.
    """
    words = {name: name.replace("_", " ") for name in NAMES}
    words |= {
        "finer_box": "in a box finer than their data",
        "cut_short": "cut short (by a filter or a box finer than the data: not to be told apart)",
        "opposite": "of opposite contrast",
        "shared_noise": "sharing noise",
        "identical": "one map twice",
    }
    words |= {"grey_scale": "on different grey scales", "filters_differ": "filtered differently"}
    words |= {kind: f"stored as {kind}" for kind in ("float16", "int8", "int16")}
    words["symmetrised"] = f"symmetrised ({traces.symmetry[0]})"
    named = [words[name] for name, finding in findings.items() if finding.found]
    listed = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else "".join(named)
    verb = f"were found to be {listed}" if named else "show no trace of any treatment"
    if traces.drowned:
        return f"The half maps {verb}; no shell holds anything but rounding."
    cut = traces.cliff is not None or traces.upsampling.size > 0
    end = "their information ends at" if cut else "they hold power to the end of their grid at"
    return f"The half maps {verb}; {end} {resolution(traces, traces.end):.3g} A."


class MapForensicsDiagnostic:
    """What two half maps tell when nothing else is left."""

    name = "map_forensics"
    title = "Forensics of half maps"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = MapForensicsOptions

    def compute(
        self, dataset: xr.Dataset, options: MapForensicsOptions, config: RunConfig, mask: Any, progress: Progress
    ) -> xr.Dataset:
        """Return the findings as a Dataset of kind ``cryonb/map_forensics``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : MapForensicsOptions
            Settings.
        config : RunConfig
            Seed and memory limit.
        mask : ndarray, xarray.Dataset or None
            Not used: only the mask that the maps themselves betray counts.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/map_forensics``; `fsc` is NaN where the files hold rounding or mask leak only,
            and past the end of the information; `printed_fsc` is what a curve prints there.

        Raises
        ------
        InputError
            If there are no two half maps, or the memory does not suffice.
        """
        _must_fit(dataset, config.compute.memory_limit)
        pixel_size = options.particle_pixel_size
        if not pixel_size and options.particle_box_size:
            pixel_size = dataset.sizes["x"] * float(dataset["voxel_size"]) / options.particle_box_size
        halves = take_half_maps(dataset, config.mask, None, class_id=options.class_id, particle_pixel_size=pixel_size)
        traces = measure(halves, config.compute.seed, options.symmetry, progress)
        return _dataset(traces, dict(halves.scalars), halves.sampling.voxel_size)


def _must_fit(dataset: xr.Dataset, limit: float) -> None:
    need = BYTES_PER_VOXEL * float(dataset.sizes["x"]) ** 3
    rule = f"the forensics of {dataset.sizes['x']} voxels must fit the memory limit of {limit:g} GiB"
    remedy = f"Set compute.memory_limit to {need / 2**30:.3g} or more, or crop the maps"
    must(limit <= 0 or need <= limit * 2**30, rule, f"{need / 2**30:.3g} GiB", remedy)


def _dataset(traces: Traces, scalars: dict, voxel_size: float) -> xr.Dataset:
    findings = find_all(traces)
    nyquist, why = likely_nyquist(traces)
    empty = traces.below_floor | traces.below_leak | traces.past_end
    shells = shell_coordinates(traces.size, voxel_size)
    axis_cliffs = [find_cliff(line[: traces.face + 1], traces.floor) for line in np.nan_to_num(traces.axes)]
    variables = {
        "power": traces.power,
        "noise_power": traces.noise,
        "axis_power": traces.axes,
        "axis_end": np.array([traces.length / (cliff.shell if cliff else traces.face) for cliff in axis_cliffs]),
        "rounding_floor": traces.rounding,
        "predicted_leak": np.where(traces.leak > 0, traces.leak, np.nan),
        "fsc": np.where(empty, np.nan, traces.fsc),
        "printed_fsc": traces.fsc,
        "log_slope": _log_slope(traces.noise),
        "below_floor": traces.below_floor,
        "below_leak": traces.below_leak,
        "past_end": traces.past_end,
        "found": np.array([finding.found for finding in findings.values()], dtype=bool),
        "value": np.array([finding.value for finding in findings.values()], dtype=np.float64),
        "unit": np.array([finding.unit for finding in findings.values()], dtype=str),
        "evidence": np.array([finding.evidence for finding in findings.values()], dtype=str),
    }
    coordinates = {
        **shells,
        "n_coefficients": n_coefficients(traces.size),
        "half": ["A", "B"],
        "axis": ["z", "y", "x"],
        "finding": list(findings),
        **scalars,
        "likely_particle_nyquist": nyquist,
        "information_end": resolution(traces, traces.end),
        "kept_fraction": traces.mask.kept,
    }
    attrs = {
        "verdict": summarise(traces, findings),
        "findings": "\n".join(
            f"Found {name.replace('_', ' ')}: {one.evidence}." for name, one in findings.items() if one.found
        ),
        "warnings": "\n".join(warn(traces, findings, scalars.get("particle_nyquist", nyquist))),
        "nyquist_evidence": why,
    }
    return build(MAP_FORENSICS, variables, coordinates, attrs)


def _log_slope(noise: np.ndarray) -> np.ndarray:
    """Return d ln(power) / d ln(shell); NaN at the origin and where there is no power."""
    shell = np.arange(noise.size, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.gradient(np.log(noise), np.log(np.maximum(shell, 0.5)))
    return np.where((shell > 0) & np.isfinite(slope), slope, np.nan)


DIAGNOSTIC = MapForensicsDiagnostic()
