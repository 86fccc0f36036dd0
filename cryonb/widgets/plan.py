"""What a run will hold and take, live while its settings are turned."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from .. import diagnostics, refinements
from ..config import RunConfig
from ..errors import CryonbError
from ..refine import loop
from .orders import TAKEN_APART

MADE_FIRST = " Starting volumes are made from the particles first, which comes on top of that time."
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
POSES = ("rot", "tilt", "psi", "shift_y", "shift_x")
"""What a refinement finds and a plan does not look at."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is expected of a run.

    Attributes
    ----------
    words : str
        What it will hold and take; empty where it cannot start.
    fault : str
        Why it cannot start; empty where it can.
    """

    words: str
    fault: str = ""


def expected(
    particles: xr.Dataset, references: Any, config: RunConfig, verb: str, apart: Mapping[str, Any] | None
) -> Expected:
    """Return what a run is expected to hold and to take.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    references : list of xarray.Dataset or None
        Starting volumes.
    config : RunConfig
        Settings.
    verb : {"reconstruct", "refine"}
        What is to be done.
    apart : mapping of str to object or None
        Options of the decomposition that follows; None for none.

    Returns
    -------
    Expected
        Words, or the sentence that says why it cannot start.
    """
    try:
        if verb == "refine":
            needed = refinements.plan(particles, references, config)
            refinements.refuse_if_too_large(needed, config)
            first = "" if references or not needed.hypotheses else MADE_FIRST
        else:
            needed, first = loop.plan(particles, config), ""
            loop.refuse_if_too_large(needed, config)
        more = "" if apart is None else f" Taking its curve apart: {cost(TAKEN_APART, apart, particles, config)}."
    except CryonbError as problem:
        return Expected("", str(problem))
    return Expected(printed(f"{needed}.{first}{more}"))


def printed(words: str) -> str:
    """Return a plan as it is printed: signs in place of letters, and no number without its unit at the end of a line.

    Parameters
    ----------
    words : str
        What a plan says of itself.

    Returns
    -------
    str
        The same.

    Examples
    --------
    >>> printed("64 voxels at 3 A; 768 views x 48 angles = 1.36e+06 poses").replace("\xa0", " ")
    '64 voxels at 3 Å; 768 views × 48 angles = 1.36 × 10⁶ poses'
    """
    words = re.sub(r"(?<=\d)e\+0*(\d+)", lambda found: f"\xa0×\xa010{found[1].translate(RAISED)}", words)
    words = re.sub(r"(?<=\d) A(?!\w)", "\xa0Å", words).replace(" x ", " × ")
    return re.sub(r"(?<=\d) (?=(s|min|h|MiB|GiB)\b)", "\xa0", words)


def cost(name: str, options: Mapping[str, Any], particles: xr.Dataset, config: RunConfig) -> str:
    """Return what a diagnostic of images is expected to take, in words.

    Parameters
    ----------
    name : str
        The diagnostic.
    options : mapping of str to object
        Its own settings.
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    config : RunConfig
        Settings of the run.

    Returns
    -------
    str
        How many reconstructions, and the time; empty for one that makes none.

    Raises
    ------
    InputError
        If a setting cannot work.
    """
    plug = diagnostics.get(name)
    if not hasattr(plug, "runs"):
        return ""
    many = plug.runs(plug.options.parse(options), config)
    poses = {angle: ("particle", np.zeros(particles.sizes["particle"])) for angle in POSES if angle not in particles}
    seconds = many * loop.plan(particles.assign(poses), config).seconds
    return f"{many} more maps{loop.expected_time(seconds)}"
