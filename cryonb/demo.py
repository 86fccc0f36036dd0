"""The demonstration: one small data set that hits Nyquist, and what its FSC curve is made of in three boxes.

Its particles were recorded at 1.5 angstrom a pixel and binned by two, so they end at 6 angstrom. In a box twice as
large the curve of the same particles runs on past 6 angstrom: as a flat tail that looks like signal and is made by the
interpolation grid, or, where the corners of the images are used, as a decay that is signal and ends.
"""

import dataclasses
import math
from collections.abc import Callable

import xarray as xr

from .compare import compare
from .simulate import demo_particles
from .verbs import diagnose, reconstruct

Progress = Callable[[float, str], None]

DITHERS = 4


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to reconstruct the particles.

    Attributes
    ----------
    enlarged : int
        Size of the box, in particle boxes.
    pad_factor : float
        Padding.
    limit : {"circle", "square"}
        In-plane limit.
    share : float
        Part of the whole demonstration's time that it takes.
    """

    enlarged: int
    pad_factor: float
    limit: str
    share: float


CASES = {
    "own_box": Case(1, 2.0, "circle", 0.15),
    "flat_tail": Case(2, 1.0, "circle", 0.25),
    "corners": Case(2, 2.0, "square", 0.45),
}
"""The particles' own box; the larger one with a tail made by the grid; the same with the corners of the images."""

SIMULATING = 1.0 - sum(case.share for case in CASES.values())


@dataclasses.dataclass(frozen=True)
class Demo:
    """What the demonstration made.

    Attributes
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    runs : dict of str to xarray.Dataset
        Kind ``cryonb/refinement``: the half maps, by the names of `CASES`.
    parts : dict of str to xarray.Dataset
        Kind ``cryonb/decomposition``: what the curve of each is made of.
    """

    particles: xr.Dataset
    runs: dict[str, xr.Dataset]
    parts: dict[str, xr.Dataset]

    def tree(self) -> xr.DataTree:
        """Return the decompositions of the figure.

        Returns
        -------
        xarray.DataTree
            One child a case, labelled by its settings.
        """
        return compare({label(part): part for part in self.parts.values()})

    def maps(self) -> xr.DataTree:
        """Return the runs whose maps are shown.

        Returns
        -------
        xarray.DataTree
            One child a case, labelled by its settings.
        """
        return compare({label(self.parts[name]): run for name, run in self.runs.items()})

    def results(self) -> dict[str, xr.Dataset]:
        """Return what is kept.

        Returns
        -------
        dict of str to xarray.Dataset
            Parts of a session by name.
        """
        return {**self.runs, **{f"{name}_decomposition": part for name, part in self.parts.items()}}


def label(part: xr.Dataset) -> str:
    """Return the name of a decomposition.

    Parameters
    ----------
    part : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Returns
    -------
    str
        Its box, padding and limit in words.
    """
    return f"box {int(part.box_size)}, pad {float(part.pad_factor):g}, {part.attrs['limit']}"


def demonstrate(seed: int = 0, progress: Progress | None = None) -> Demo:
    """Simulate, reconstruct in three ways, and take each curve apart.

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
    particles = demo_particles(seed, _within(tell, 0.0, SIMULATING))
    runs, parts, start = {}, {}, SIMULATING
    for name, case in CASES.items():
        box_size = case.enlarged * particles.sizes["x"]
        box = dict(box_size=box_size, pad_factor=case.pad_factor, limit=case.limit, corners="keep")
        settings = dict(box=box, compute=dict(seed=seed))
        text = f"taking the curve of a box of {box_size} voxels apart"
        runs[name] = reconstruct(particles, settings, progress=_within(tell, start, 0.0, text))
        parts[name] = diagnose(
            particles,
            "decomposition",
            config=settings,
            dithers=DITHERS,
            surrogates=0,
            progress=_within(tell, start, case.share, text),
        )
        start += case.share
    return Demo(particles, runs, parts)


def _within(tell: Progress, start: float, share: float, words: str = "") -> Progress:
    return lambda fraction, text: tell(start + share * fraction, words or text)


def summary(demo: Demo) -> list[str]:
    """Return what the demonstration shows, in plain lines whose numbers come from its results.

    Parameters
    ----------
    demo : Demo
        What was made.

    Returns
    -------
    list of str
        What was done, one verdict a case, and how to read them.
    """
    images, own = demo.particles["image"], demo.runs["own_box"]
    pixel, nyquist = float(own.pixel_size), 1.0 / float(own.particle_nyquist)
    return [
        f"{images.shape[0]} particles of {images.shape[-1]} pixels at {pixel:g} A, with known poses, CTF and noise, "
        f"were simulated; along its rows such an image holds nothing finer than {nyquist:.2f} A, its Nyquist.",
        "They were reconstructed in three ways, and what each FSC curve is made of was measured:",
        *(f"  {label(part)}: {part.attrs['verdict']}" for part in demo.parts.values()),
        "How to read it:",
        "  in-band signal, corner signal: tied to the particle, so real. The corners of square images reach 1.41 times "
        f"further than Nyquist, to {nyquist / math.sqrt(2.0):.2f} A, and thin out on the way.",
        "  grid-locked interpolation: made by the grid that both halves share; turn one of the grids and it is gone.",
        "  support smoothness: shells just past the data follow from those before them; predictable, not measured.",
        "  no data: no image holds anything there, whatever number a program prints.",
        f"For finer detail extract the particles again with pixels below {pixel:g} A; a larger box alone adds none.",
    ]
