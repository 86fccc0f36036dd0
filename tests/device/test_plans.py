"""Plans of a card's memory hold, and what does not fit is refused in words that say whose memory is meant."""

from functools import cache

import numpy as np
import pytest

from cryonb import backends, diagnose, phantom, reconstruct, refine, simulate
from cryonb.config import RunConfig
from cryonb.errors import InputError
from cryonb.refine import card_plan, half_map, search
from cryonb.refine.loop import plan
from cryonb.refine.operator import Operator
from cryonb.refine.planning import amount
from cryonb.refine.search_plan import plan_refinement

LENGTH = 144.0
MOST = 2.1
"""Times that a plan may exceed what was held: the work space of transforms is in the plan, and no stand-in takes it."""

MOST_SEARCHED = 2.6
"""The same where poses are searched: a plan counts all particles together, and some recipes take half of them."""

RECONSTRUCTIONS = {
    "padded": (32, 80, {}),
    "unpadded": (32, 80, dict(box=dict(pad_factor=1))),
    "larger": (64, 60, {}),
    "many": (32, 400, dict(box=dict(pad_factor=1.5))),
    "binned": (48, 200, dict(box=dict(binning=1.5))),
    "square": (24, 100, dict(box=dict(box_size=48, limit="square"))),
    "wide kernel": (32, 80, dict(box=dict(kernel="kaiser_bessel"))),
    "symmetric": (32, 100, dict(imaging=dict(symmetry="D2"))),
    "interpolated": (24, 100, dict(box=dict(resample="linear", box_size=32))),
    "normalised": (32, 300, dict(imaging=dict(normalise=True, window=(0.8, 1.0)), box=dict(pad_factor=1))),
}
COARSE = dict(initial_lowpass=10.0, search_resolution=26.0)
REFINEMENTS = {
    "homogeneous": (32, 80, dict(recipe="homogeneous", **COARSE)),
    "local": (32, 120, dict(recipe="refine3d", search="local", **COARSE)),
    "two classes": (24, 60, dict(recipe="class3d", n_classes=2, **COARSE)),
    "from random halves": (24, 80, dict(recipe="heterogeneous", n_classes=2, **COARSE)),
    "as they stand": (64, 60, dict(recipe="fixed_poses")),
}


@cache
def truth(size):
    return phantom("helices", box_size=size, pixel_size=LENGTH / size)


@cache
def particles(size, count):
    return simulate(truth(size), n_particles=count, snr=5.0, seed=1)


for _size, _count, _ in [*RECONSTRUCTIONS.values(), *REFINEMENTS.values()]:
    particles(_size, _count)  # before a stand-in is in place, which xarray would look at


@pytest.fixture(name="on_card")
def _on_card(stand_in):
    """Return the settings of a run on the stand-in."""
    return dict(compute=dict(backend="cupy"))


@pytest.mark.parametrize("case", RECONSTRUCTIONS)
def test_a_reconstruction_holds_what_was_planned(case, stand_in, on_card):
    size, count, settings = RECONSTRUCTIONS[case]
    needed = plan(particles(size, count), **settings, **on_card)
    reconstruct(particles(size, count), **settings, **on_card)
    assert stand_in.card.peak <= needed.memory_bytes <= MOST * stand_in.card.peak


def test_an_exact_reconstruction_holds_no_more_than_was_planned(stand_in, on_card):
    """Its plan is that of both halves at a time, as a CPU makes them."""
    here, box = particles(24, 60), dict(box=dict(kernel="nufft"))
    needed = plan(here, **box, **on_card)
    reconstruct(here, **box, **on_card)
    assert stand_in.card.peak <= needed.memory_bytes and needed.host_bytes > 0


@pytest.mark.parametrize("case", ["padded", "square"])
def test_a_decomposition_holds_what_was_planned(case, stand_in, on_card):
    size, count, settings = RECONSTRUCTIONS[case]
    needed = Operator(particles(size, count), RunConfig.gather(**settings, **on_card)).plan
    options = dict(dithers=1, surrogates=1)
    diagnose(particles(size, count), "decomposition", config={**settings, **on_card}, **options)
    assert stand_in.card.peak <= needed.memory_bytes <= MOST * stand_in.card.peak


@pytest.mark.parametrize("case", REFINEMENTS)
def test_a_refinement_holds_what_was_planned(case, stand_in, on_card):
    size, count, settings = REFINEMENTS[case]
    asked = dict(refine=dict(n_iterations=1, **settings), **on_card)
    needed = plan_refinement(particles(size, count), 1, **asked)
    refine(particles(size, count), None if case == "as they stand" else truth(size), **asked)
    assert stand_in.card.peak <= needed.memory_bytes <= MOST_SEARCHED * stand_in.card.peak


@pytest.mark.parametrize("capacity", [4, 8, 16])
def test_steps_of_a_small_card_are_smaller(capacity, stand_in, on_card):
    """The images of a step take a share of what is free: a plan for a smaller card is smaller, down to one tile."""
    many, asked = particles(32, 400), dict(box=dict(pad_factor=1), **on_card)
    ample = plan(many, **asked).memory_bytes
    stand_in.card.capacity = capacity * 2**20
    small = plan(many, **asked).memory_bytes
    reconstruct(many, **asked)
    assert stand_in.card.peak <= small < ample


def test_what_does_not_fit_on_a_card_is_refused(stand_in, on_card):
    here, asked = particles(32, 80), dict(box=dict(pad_factor=3), **on_card)
    lean = plan(here, box=dict(pad_factor=1.5), **on_card).memory_bytes
    stand_in.card.capacity = lean + 2**16
    with pytest.raises(InputError, match=r"memory of the GPU; got a run that needs .* where .* of the GPU are") as told:
        reconstruct(here, **asked)
    assert "box.pad_factor 1.5 would fit, with" in str(told.value) and "compute.backend numba" in str(told.value)
    with pytest.raises(InputError, match="a refinement must fit in memory of the GPU; got one that needs"):
        refine(here, truth(32), refine=dict(n_iterations=1, recipe="homogeneous"), **asked)
    assert stand_in.card.peak < 2**20
    assert np.isfinite(reconstruct(here, box=dict(pad_factor=1.5), **on_card)["half_map"].values).all()


def test_the_smaller_of_what_is_free_and_what_is_allowed_decides(stand_in):
    here = particles(32, 80)
    for limit, capacity in ((0.001, 2**33), (100.0, 2**20)):
        stand_in.card.capacity = capacity
        with pytest.raises(InputError, match=r"where 1\.0 MiB of the GPU are allowed"):
            reconstruct(here, compute=dict(backend="cupy", memory_limit=limit))


def test_the_host_must_hold_its_own_part(stand_in, on_card, monkeypatch):
    here = particles(32, 80)
    monkeypatch.setattr(type(backends.get_backend("numba")), "free_memory", lambda self: 2**18)
    with pytest.raises(InputError, match=r"fit in memory of the host; got a run that needs .* where 256|0\.2 MiB"):
        reconstruct(here, **on_card)


def test_plans_say_whose_memory_is_meant(stand_in, on_card):
    here = particles(32, 80)
    for needed in (plan(here, **on_card), plan_refinement(here, 1, refine=dict(recipe="homogeneous"), **on_card)):
        said = f"{amount(needed.memory_bytes)} of the GPU and {amount(needed.host_bytes)} of the host"
        assert said in str(needed) and needed.host_bytes > 0
        assert "at most about" not in str(needed)  # no time of a card is known here
    on_cpu = plan(here, compute=dict(backend="numba"))
    assert on_cpu.host_bytes == 0 and "of the" not in str(on_cpu).split("insertions, ")[1]


def test_a_plan_knows_how_many_images_a_step_takes():
    assert card_plan.STEP_PIXELS * 4 == half_map.STEP_BYTES
    assert card_plan.STEP_PIXELS == search.STEP_PIXELS
