"""The demonstration: one small data set that hits Nyquist, reconstructed at its own box and at twice that.

Its particles were recorded at 1.5 angstrom a pixel and binned by two, so they end at 6 angstrom. In a box twice as
large the curve of the same particles runs on past 6 angstrom: the corners of their square transforms reach further.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from .compare import compare
from .diagnostics import diagnose
from .imaging.shells import crossing
from .refine.loop import reconstruct
from .simulate import demo_particles

Progress = Callable[[float, str], None]

PAD_FACTOR = 2.0
SHARES = {"particles": 0.55, "own": 0.7, "larger": 0.85, "circle": 1.0}


@dataclasses.dataclass(frozen=True)
class Demo:
    """What the demonstration made.

    Attributes
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    own : xarray.Dataset
        Kind ``cryonb/refinement``, at the particles' own box.
    larger : xarray.Dataset
        The same at twice that box, with the corners of the images' transforms.
    circle : xarray.Dataset
        The same at twice that box, without them.
    fsc : xarray.Dataset
        Kind ``cryonb/fsc``, of `larger`.
    """

    particles: xr.Dataset
    own: xr.Dataset
    larger: xr.Dataset
    circle: xr.Dataset
    fsc: xr.Dataset

    def tree(self) -> xr.DataTree:
        """Return the two runs of the figure.

        Returns
        -------
        xarray.DataTree
            One child a run.
        """
        return compare({label(self.own): self.own, label(self.larger): self.larger})

    def results(self) -> dict[str, xr.Dataset]:
        """Return what is kept.

        Returns
        -------
        dict of str to xarray.Dataset
            Parts of a session by name.
        """
        runs = {label(run).replace(" ", "_"): run for run in (self.own, self.larger)}
        return {**runs, f"{label(self.larger)}_circle".replace(" ", "_"): self.circle, "fsc": self.fsc}


def label(run: xr.Dataset) -> str:
    """Return the name of a run.

    Parameters
    ----------
    run : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    str
        Its box in words.
    """
    return f"box {int(run.box_size)}"


def demonstrate(seed: int = 0, progress: Progress | None = None) -> Demo:
    """Simulate, reconstruct twice and once more without corners, and judge.

    Parameters
    ----------
    seed : int, optional
        Seed of everything random.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.

    Returns
    -------
    Demo
        Everything that was made.
    """
    tell = progress or (lambda fraction, text: None)
    particles = demo_particles(seed, lambda fraction, text: tell(SHARES["particles"] * fraction, text))
    size = particles.sizes["x"]
    own = _run(particles, size, "square", tell, "own")
    larger = _run(particles, 2 * size, "square", tell, "larger")
    circle = _run(particles, 2 * size, "circle", tell, "circle")
    return Demo(particles, own, larger, circle, diagnose(larger, "fsc"))


def _run(particles: xr.Dataset, box_size: int, limit: str, tell: Progress, part: str) -> xr.Dataset:
    names = list(SHARES)
    start = SHARES[names[names.index(part) - 1]]
    box = dict(box_size=box_size, pad_factor=PAD_FACTOR, limit=limit, corners="keep")
    text = f"reconstructing in a box of {box_size} voxels"
    return reconstruct(
        particles, box=box, progress=lambda fraction, _: tell(start + (SHARES[part] - start) * fraction, text)
    )


def summary(demo: Demo) -> list[str]:
    """Return what the demonstration shows, in ten plain lines whose numbers come from its results.

    Parameters
    ----------
    demo : Demo
        What was made.

    Returns
    -------
    list of str
        Ten lines.
    """
    own, larger, circle = demo.own, demo.larger, demo.circle
    nyquist = 1.0 / float(larger.particle_nyquist)
    corner = nyquist / math.sqrt(2.0)
    images = demo.particles["image"]
    return [
        f"{images.shape[0]} particles of {images.shape[-1]} pixels at {_of(own, 'pixel_size'):g} A, with known poses, "
        "CTF and noise, were simulated.",
        f"Along its rows such an image holds nothing finer than {nyquist:.2f} A, its Nyquist; this particle has "
        "detail beyond that.",
        f"Box {_of(own, 'box_size'):g} ({_of(own, 'voxel_size'):g} A voxels): the FSC of the half maps is "
        f"{_at(own, nyquist):.2f} at {nyquist:.2f} A, where box and data end.",
        f"It {_falls(own)}.",
        f"Box {_of(larger, 'box_size'):g} ({_of(larger, 'voxel_size'):g} A voxels), the same images: the FSC is "
        f"{_at(larger, nyquist):.2f} at {nyquist:.2f} A and runs on past it.",
        f"It {_falls(larger)}, which looks like a gain.",
        "What lies past Nyquist comes from the corners of the square transforms, which reach 1.41 times further, "
        f"to {corner:.2f} A, and thin out.",
        f"Without the corners (limit circle) the FSC of the same box {_falls(circle)}.",
        f"Past {corner:.2f} A no image holds anything: {_beyond(larger, corner)}.",
        f"For finer detail extract the particles again with pixels below {_of(own, 'pixel_size'):g} A; a larger box "
        "alone adds none.",
    ]


def _of(run: xr.Dataset, name: str) -> float:
    return float(run[name])


def _falls(run: xr.Dataset) -> str:
    shell = crossing(run.fsc_unmasked.values, 0.143, np.isfinite(run.fsc_unmasked.values))
    if not math.isfinite(shell):
        return "never falls to 0.143, so no resolution can be stated"
    return f"falls to 0.143 at {1.0 / (shell * float(run.frequency[1])):.2f} A"


def _at(run: xr.Dataset, resolution: float) -> float:
    return float(run.fsc_unmasked.sel(frequency=1.0 / resolution, method="nearest"))


def _beyond(run: xr.Dataset, resolution: float) -> str:
    values = run.fsc_unmasked.values[run.frequency.values > 1.0 / resolution]
    if not np.isfinite(values).any():
        return "no shell there has an FSC"
    return f"the mean FSC of the shells there is {np.nanmean(values):.2f}, which means nothing"
