"""Particle images of which everything is known.

An image is the exact central slice of the phantom (a non-uniform FFT, no interpolation) at its particle's pose, times
its contrast transfer, displaced by minus its shift, plus noise. Everything random is addressed by the seed, what it
is for, and the particle, so that results do not depend on the batch size or on the number of threads.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from .errors import InputError, must
from .imaging.ctf import CtfParameters
from .imaging.forward import clean_images
from .imaging.noise import colour, falling_spectrum, particle_generator, white_noise
from .imaging.populations import preferred_tilt, truncated_normal, uniform_tilt
from .imaging.resample import binned_size
from .imaging.rotations import euler_to_matrix
from .knobs import knob
from .phantoms import PhantomConfig, given_names, part_of, phantom, settled
from .provenance import stamp
from .schema import PARTICLES, VOLUME, build, grid_coordinates, validate

Progress = Callable[[float, str], None]

POSE, SHIFT, OPTICS, CLASS, NOISE = range(1, 6)
BATCH_POINTS = 1 << 22


@dataclasses.dataclass(frozen=True)
class SimulationConfig(PhantomConfig):
    """The particles: how many, how seen, through which microscope, with how much noise."""

    n_particles: int = knob(1000, help="Number of particles.", unit="particle", minimum=1)
    binning: float = knob(1.0, help="Fourier crop of the images by this factor.", unit="factor", minimum=1.0)
    snr: float = knob(
        1.0, help="Variance of the signal over that of the noise, per pixel of the image; 0 = no noise.", minimum=0.0
    )
    noise: str = knob("white", help="Spectrum of the noise.", choices=("white", "coloured"))
    noise_fall: float = knob(
        4.0, help="Coloured noise: power at zero frequency over that at Nyquist.", minimum=1.0, maximum=1e6
    )
    ctf: bool = knob(True, help="Apply a contrast transfer function.")
    defocus: tuple[float, float] = knob(
        (8000.0, 22000.0), help="Lowest and highest defocus.", unit="angstrom", minimum=0.0, maximum=1e6
    )
    astigmatism: float = knob(300.0, help="Largest difference between the two defoci.", unit="angstrom", minimum=0.0)
    voltage: float = knob(300.0, help="Acceleration voltage.", unit="kilovolt", minimum=1.0, maximum=3000.0)
    spherical_aberration: float = knob(2.7, help="Spherical aberration.", unit="millimeter", minimum=0.0, maximum=100.0)
    amplitude_contrast: float = knob(0.1, help="Fraction of amplitude contrast.", minimum=0.0, maximum=1.0)
    shift_sigma: float = knob(
        3.0, help="Standard deviation of the shifts along x and y; 0 = centred.", unit="angstrom", minimum=0.0
    )
    shift_limit: float = knob(10.0, help="Largest shift along x and y.", unit="angstrom", minimum=0.0)
    orientations: str = knob("uniform", help="How particles lie.", choices=("uniform", "top", "side"))
    preferred_fraction: float = knob(
        0.9, help="Share of particles in the preferred orientation, where there is one.", minimum=0.0, maximum=1.0
    )
    preferred_spread: float = knob(
        8.0, help="Standard deviation of the tilt about the preferred one.", unit="degree", minimum=0.0, maximum=90.0
    )
    class_shares: str = knob("", help="Shares of the classes, separated by commas; empty = equal.")
    seed: int = knob(0, help="Seed of poses, shifts, defoci, classes and noise.", minimum=0)

    def __post_init__(self) -> None:
        if isinstance(self.class_shares, (tuple, list)):
            object.__setattr__(self, "class_shares", ",".join(f"{share:g}" for share in self.class_shares))
        super().__post_init__()
        low, high = self.defocus
        must(low <= high, "defocus must be a lowest and a highest one [angstrom]", self.defocus, "Swap the two")
        _shares(self.class_shares, None)


def simulate(
    phantom: xr.Dataset | str | os.PathLike = "helices",
    config: SimulationConfig | Mapping | None = None,
    *,
    batch_size: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Return particle images with known poses.

    Parameters
    ----------
    phantom : xarray.Dataset, str or path, optional
        Kind ``cryonb/volume`` with `density` (one per class if there are several), or what `phantom` takes.
    config : SimulationConfig or mapping, optional
        Settings.
    batch_size : int, optional
        Particles computed at a time; 0 for as many as suit the memory. It does not change the result.
    threads : int, optional
        CPU threads; 0 for all.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    **settings
        Fields of `SimulationConfig`; they win over `config`.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/particles``: images (float32), true poses, shifts, half sets (alternating by id) and classes.
        Pixels hold line integrals of the density over the pixel size.

    Raises
    ------
    InputError
        If a setting cannot work.

    Notes
    -----
    image = slice(kx R[0] + ky R[1]) CTF exp(2 pi i (kx X + ky Y) / (n a)) + noise. The images are the Fourier crop of
    those in the phantom's own box, so that with binning the data run up to their Nyquist frequency; the Nyquist lines
    of even sizes are zero. The variance of the noise is the mean over all images of their variance, over `snr`.

    Examples
    --------
    >>> simulate("helices", box_size=32, pixel_size=4.0, n_particles=3, binning=2)["image"].shape
    (3, 16, 16)
    """
    chosen = settled(SimulationConfig, config, settings)
    volume = _volume_of(phantom, config, settings)
    maps = volume["density"].values if "class_id" in volume.dims else volume["density"].values[None]
    voxel_size = float(volume["voxel_size"])
    must(len(set(maps.shape[1:])) == 1, "a phantom must be a cube [voxel]", maps.shape[1:], "Pad it to equal edges")
    size = binned_size(maps.shape[-1], chosen.binning)
    pixel_size = voxel_size * maps.shape[-1] / size
    truth = _truth(chosen, len(maps))
    images = np.empty((chosen.n_particles, size, size), np.float32)
    step = batch_size or max(1, BATCH_POINTS // (size * (size // 2 + 1)))
    for start in range(0, chosen.n_particles, step):
        batch = slice(start, min(start + step, chosen.n_particles))
        _report(progress, 0.8 * start / chosen.n_particles, "projecting the phantom")
        images[batch] = _clean(maps, truth, chosen, batch, size=size, voxel_size=voxel_size, threads=threads)
    _add_noise(images, chosen, step, progress)
    dataset = _labelled(images, truth, chosen, pixel_size)
    _report(progress, 1.0, "particles ready")
    return stamp(dataset, "simulate", part_of(SimulationConfig, chosen), [volume])


def demo_particles(seed: int = 0, progress: Progress | None = None) -> xr.Dataset:
    """Return a small data set that hits Nyquist: 128 px at 1.5 angstrom, binned to 64 px at 3 angstrom.

    Parameters
    ----------
    seed : int, optional
        Seed of poses, shifts, defoci and noise.
    progress : callable, optional
        Called with the fraction done and a text.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/particles``; the truth is ``phantom("helices")``.
    """
    settings = dict(n_particles=800, binning=2.0, snr=5.0, seed=seed)
    return simulate("helices", progress=progress, **settings)


def _volume_of(source: Any, config: Any, settings: Mapping) -> xr.Dataset:
    given = given_names(PhantomConfig, config, settings)
    if not isinstance(source, xr.Dataset):
        chosen = settled(SimulationConfig, config, settings)
        return phantom(source, {name: getattr(chosen, name) for name in given})
    validate(source, VOLUME)
    must("density" in source, "a phantom must have a density", "none", "Give a map, not half maps or a mask")
    rule = "settings of a phantom must go with one that is made here, and a map brings its own box and voxel size"
    must(not given, rule, ", ".join(given), "Leave them out")
    return source


def _truth(config: SimulationConfig, n_classes: int) -> dict[str, np.ndarray]:
    """Return everything about the particles that their images follow from, one row a particle."""
    shares = np.cumsum(_shares(config.class_shares, n_classes))
    rows = [_particle(config, shares, particle) for particle in range(config.n_particles)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["random_subset"] = 1 + np.arange(config.n_particles) % 2
    return columns


def _particle(config: SimulationConfig, shares: np.ndarray, particle: int) -> dict[str, Any]:
    pose, shift, optics, chosen = (
        particle_generator(config.seed, stream, particle).random(6) for stream in (POSE, SHIFT, OPTICS, CLASS)
    )
    low, high = config.defocus
    middle, half_spread = low + (high - low) * optics[0], 0.5 * config.astigmatism * optics[1]
    return {
        "rot": 360.0 * pose[0] - 180.0,
        "tilt": _tilt(config, pose[2], pose[3]),
        "psi": 360.0 * pose[1] - 180.0,
        "shift_x": truncated_normal(shift[0], config.shift_sigma, config.shift_limit),
        "shift_y": truncated_normal(shift[1], config.shift_sigma, config.shift_limit),
        "defocus_u": middle + half_spread,
        "defocus_v": middle - half_spread,
        "defocus_angle": 180.0 * optics[2],
        "class_number": 1 + min(int(np.searchsorted(shares, chosen[0], side="right")), len(shares) - 1),
    }


def _tilt(config: SimulationConfig, draw: float, choice: float) -> float:
    if config.orientations == "uniform" or choice >= config.preferred_fraction:
        return uniform_tilt(draw)
    return preferred_tilt(draw, config.orientations, config.preferred_spread)


def _shares(text: str, n_classes: int | None) -> np.ndarray:
    if not text:
        return np.full(n_classes or 1, 1.0 / (n_classes or 1))
    try:
        shares = np.array([float(word) for word in text.split(",")])
    except ValueError:
        text = f"class_shares must be numbers separated by commas; got {text!r}. Use for example 0.7,0.3."
        raise InputError(text) from None
    good = bool(np.all(np.isfinite(shares) & (shares >= 0))) and shares.sum() > 0
    must(good, "class_shares must be positive numbers", text, "Use for example 0.7,0.3")
    fits = n_classes is None or len(shares) == n_classes
    must(fits, f"class_shares must have {n_classes} numbers, one a class", len(shares), "Give one a class")
    return shares / shares.sum()


def _ctf_of(truth: Mapping[str, np.ndarray], config: SimulationConfig) -> CtfParameters:
    count = len(truth["rot"])
    defocus = (truth[name] for name in ("defocus_u", "defocus_v", "defocus_angle"))
    microscope = (0.0, config.voltage, config.spherical_aberration, config.amplitude_contrast, 0.0, 1.0)
    return CtfParameters(*defocus, *(np.full(count, value) for value in microscope))


def _clean(maps: np.ndarray, truth: Mapping, config: SimulationConfig, batch: slice, **geometry: Any) -> np.ndarray:
    rows = {name: values[batch] for name, values in truth.items()}
    rotations = euler_to_matrix(rows["rot"], rows["tilt"], rows["psi"])
    shifts = np.stack([rows["shift_x"], rows["shift_y"]], axis=1)
    ctf = _ctf_of(rows, config) if config.ctf else None
    images = np.empty((len(rotations), geometry["size"], geometry["size"]), np.float32)
    for number in np.unique(rows["class_number"]):
        members = np.flatnonzero(rows["class_number"] == number)
        seen = (rotations[members], shifts[members], None if ctf is None else ctf[members])
        images[members] = clean_images(maps[number - 1], *seen, **geometry)
    return images


def _add_noise(images: np.ndarray, config: SimulationConfig, step: int, progress: Progress | None) -> None:
    if config.snr == 0:
        return
    count, size = images.shape[:2]
    sigma = np.float32(np.sqrt(np.mean([image.var(dtype=np.float64) for image in images]) / config.snr))
    for start in range(0, count, step):
        _report(progress, 0.8 + 0.2 * start / count, "adding noise")
        noise = white_noise(config.seed, NOISE, np.arange(start, min(start + step, count)), size)
        if config.noise == "coloured":
            noise = colour(noise, falling_spectrum(size, config.noise_fall))
        images[start : start + step] += sigma * noise


def _labelled(images: np.ndarray, truth: Mapping, config: SimulationConfig, pixel_size: float) -> xr.Dataset:
    count, size = images.shape[:2]
    variables = {"image": images, **truth}
    if config.ctf:
        variables["phase_shift"] = np.zeros(count)
        for name in ("voltage", "spherical_aberration", "amplitude_contrast"):
            variables[name] = np.array([getattr(config, name)])
    else:
        variables = {name: values for name, values in variables.items() if not name.startswith("defocus")}
    grid = grid_coordinates(size, pixel_size)
    coords = {"particle": np.arange(count), "optics": np.array([1]), "y": grid["y"], "x": grid["x"]}
    variables["optics_group"] = np.ones(count, np.int64)
    return build(PARTICLES, variables, {**coords, "pixel_size": pixel_size})


def _report(progress: Progress | None, fraction: float, text: str) -> None:
    if progress is not None:
        progress(fraction, text)
