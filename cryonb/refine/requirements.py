"""What particles must have to be inserted, and what settings leave to them."""

import dataclasses
import warnings

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..schema import PARTICLES, validate
from .sampling import Sampling

POSES = ("rot", "tilt", "psi", "shift_x", "shift_y")
CTF_COLUMNS = ("defocus_u", "defocus_v", "defocus_angle", "voltage", "spherical_aberration", "amplitude_contrast")


def with_poses(particles: xr.Dataset, needed: bool) -> xr.Dataset:
    """Return particles with poses; zeros stand for what a global search does not read.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    needed : bool
        Whether their own poses are used.

    Returns
    -------
    xarray.Dataset
        The particles, with all five columns.

    Raises
    ------
    InputError
        If poses are needed and missing.
    """
    absent = [name for name in POSES if name not in particles]
    rule = "particles must have poses where they are not searched"
    remedy = "Search them: refine.search global, and a recipe other than fixed_poses"
    must(not (needed and absent), rule, f"none for {', '.join(absent)}", remedy)
    if needed:
        return particles
    found = {name: particles[name].values for name in POSES if name in particles}
    bad = absent + [name for name, values in found.items() if not np.isfinite(values).all()]
    units = {name: "angstrom" if name.startswith("shift") else "degree" for name in bad}
    zeros = np.zeros(particles.sizes["particle"])
    return particles.assign({name: ("particle", zeros, {"units": units[name]}) for name in bad})


def check_particles(particles: xr.Dataset, config: RunConfig) -> None:
    """Raise unless particles can be inserted with these settings.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig
        Settings.

    Raises
    ------
    InputError
        With what is missing or not modelled.
    """
    validate(particles, PARTICLES)
    must("image" in particles, "particles must have images", "a table without images", "Point the table at its stack")
    unmodelled = particles.attrs.get("unmodelled", "")
    rule = "particles must need no correction that cryonb does not model"
    must(not unmodelled, rule, unmodelled, "Remove the correction, or refine without it, and export again")
    missing = [name for name in ("rot", "tilt", "psi", "shift_x", "shift_y") if name not in particles]
    must(not missing, "particles must have poses", f"none for {', '.join(missing)}", "Use the table of a 3D refinement")
    finite = all(np.isfinite(particles[name].values).all() for name in ("rot", "tilt", "psi", "shift_x", "shift_y"))
    must(finite, "poses must be finite numbers", "NaN or infinity", "Repair or remove those rows")
    pixel_size = float(particles["pixel_size"])
    must(0 < pixel_size < np.inf, "pixel_size must be positive [angstrom]", pixel_size, "Set it")
    ids = particles["particle"].values
    must(len(np.unique(ids)) == len(ids), "particle ids must be unique", "repeated ids", "Number the particles anew")
    if "random_subset" in particles:
        other = np.setdiff1d(particles["random_subset"].values, (1, 2))
        must(not other.size, "random_subset must be 1 or 2", other[:1], "Split the particles into two halves")
    if "class_posterior" in particles:
        posterior = particles["class_posterior"].values
        inside = bool(np.all((posterior >= 0) & (posterior <= 1)))
        got = f"{posterior.min():g} to {posterior.max():g}"
        must(inside, "class_posterior must lie between 0 and 1", got, "Repair the table")
    absent = [name for name in CTF_COLUMNS if name not in particles]
    if not absent:
        _check_optics(particles)
    if config.imaging.ctf in ("full", "phase_flip"):
        rule = f"ctf = {config.imaging.ctf} needs CTF columns in the table"
        must(not absent, rule, f"none for {', '.join(absent)}", "Add them, or use ctf none")


def _check_optics(particles: xr.Dataset) -> None:
    values = {name: particles[name].values for name in CTF_COLUMNS}
    finite = all(np.isfinite(value).all() for value in values.values())
    must(finite, "CTF columns must be finite numbers", "NaN or infinity", "Repair or remove those rows")
    lowest = values["voltage"].min()
    must(lowest > 0, "voltage must be positive [kilovolt]", f"{lowest:g}", "Correct the optics table")
    contrast = values["amplitude_contrast"]
    inside = bool(((contrast >= 0) & (contrast <= 1)).all())
    must(inside, "amplitude_contrast must lie between 0 and 1", contrast.tolist(), "Correct the optics table")


def settled(particles: xr.Dataset, config: RunConfig) -> RunConfig:
    """Return the settings with what was left to the particles decided.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig
        Settings, perhaps with ``imaging.ctf`` or ``box.corners`` "auto".

    Returns
    -------
    RunConfig
        The same with ctf "full" where the table carries all CTF columns, else "none"; and corners "soft", but "keep"
        where the grid is finer than the data.
    """
    ctf, corners = config.imaging.ctf, config.box.corners
    if ctf == "auto":
        absent = [name for name in CTF_COLUMNS if name not in particles]
        ctf = "none" if absent else "full"
        if 0 < len(absent) < len(CTF_COLUMNS):
            warnings.warn(f"no CTF is corrected: the table has no {', '.join(absent)}", UserWarning, stacklevel=3)
    if corners == "auto":
        sampling = Sampling.of(particles, config)
        corners = "keep" if sampling.box_size > sampling.binned_size else "soft"
    imaging, box = config.imaging.replace(ctf=ctf), config.box.replace(corners=corners)
    return dataclasses.replace(config, imaging=imaging, box=box)
