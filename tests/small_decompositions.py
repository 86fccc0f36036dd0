"""Decompositions of few small particles, for tests that need many of them."""

from functools import cache

from cryonb.diagnostics import diagnose
from cryonb.imaging.masks import soft_sphere
from cryonb.phantoms import phantom
from cryonb.simulate import simulate


def curve(found, component, variable="fsc"):
    """Return a component of a decomposition."""
    return found[variable].sel(component=component).values


@cache
def small_particles(ctf=False, snr=20.0):
    """Return 200 particles of 16 pixels, which are quick."""
    truth = phantom("helices", box_size=32, pixel_size=6.0)
    return simulate(truth, n_particles=200, binning=2.0, ctf=ctf, snr=snr, seed=3)


@cache
def small_mask():
    """Return a sphere of 60 angstrom with a soft edge."""
    return soft_sphere(32, 6.0, 60.0, 18.0)


def small(particles=None, given=None, progress=None, options=(), **groups):
    """Return the decomposition of small particles in a box of 32, with two turned grids and one surrogate."""
    groups.setdefault("box", dict(box_size=32))
    chosen = {"dithers": 2, "surrogates": 1, **dict(options)}
    source = small_particles() if particles is None else particles
    return diagnose(source, "decomposition", config=groups, mask=given, progress=progress, **chosen)
