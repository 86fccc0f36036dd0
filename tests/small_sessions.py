"""Sessions with small runs, made once, for tests of what looks at them."""

from contextlib import contextmanager
from functools import cache

import numpy as np

import cryonb as cn
from cryonb.plots.marks import Area, Curve, Image
from cryonb.widgets.held import Held, without_maps
from cryonb.widgets.session import Session

QUICK = dict(dithers=1, surrogates=0)
SPHERE = dict(kind="sphere", radius=40.0)


@cache
def particles():
    """60 particles of 16 pixels at 9 angstrom."""
    return cn.simulate("helices", n_particles=60, box_size=32, pixel_size=4.5, snr=5.0, binning=2.0, seed=1)


@cache
def kept(label, box_size=0, masked=False, pad_factor=2.0):
    """A reconstruction as the app keeps it, its curve taken apart."""
    config = cn.RunConfig.gather(
        box=dict(box_size=box_size, pad_factor=pad_factor), mask=SPHERE if masked else None, compute=dict(threads=2)
    )
    made = cn.reconstruct(particles(), config)
    apart = cn.diagnose(made, "decomposition", particles=particles(), **QUICK)
    fsc = cn.diagnose(made, "fsc")
    judgements = {"decomposition dithers=1 surrogates=0": apart, "fsc": fsc}
    return Held(label, made, particles(), None, config, "reconstruct", judgements=judgements, seconds=2.5)


@cache
def bare(label):
    """A reconstruction with no more than it must have, which is quickly written."""
    made = kept("own box")
    names = ["half_map", "insertion_weight", "fsc_unmasked", "band", "rot"]
    return Held(label, made.dataset[names], particles(), None, made.config, "reconstruct")


@cache
def refined(label="refined", classes=1, masked=False):
    """A refinement of two iterations as the app keeps it."""
    config = cn.RunConfig.gather(
        refine=dict(
            n_iterations=2, search="local", n_classes=classes, recipe="class3d" if classes > 1 else "homogeneous"
        ),
        mask=SPHERE if masked else None,
        compute=dict(threads=2),
    )
    made = list(cn.iterate(particles(), None, config))
    iterations = tuple(map(without_maps, made))
    return Held(label, made[-1], particles(), None, config, "refine", iterations, seconds=4.0)


@contextmanager
def session_of(*runs, tab="fsc", **traits):
    """A session in which some runs are in view; it is closed at the end."""
    session = Session(particles())
    try:
        for name, value in QUICK.items():
            session.put(f"decomposition.{name}", value)
        for held in runs:
            session.hold(held, show=True)
        session.tab = tab
        for name, value in traits.items():
            setattr(session, name, value)
        yield session
    finally:
        session.close()


def numbers_of(sheet):
    """The numbers of all curves, areas and images of a sheet, in their order."""
    found = [(mark.x, mark.y) for mark in sheet.of(Curve)]
    found += [(mark.x, mark.low, mark.high) for mark in sheet.of(Area)]
    return found + [(mark.array, mark.low, mark.high) for mark in sheet.of(Image)]


def assert_same(one, other):
    """Fail unless two sheets hold the same numbers."""
    first, second = numbers_of(one), numbers_of(other)
    assert first and len(first) == len(second)
    for expected, got in zip(first, second):
        for left, right in zip(expected, got):
            np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True)
