"""The part of a decomposition that the refinement made up."""

from functools import cache

import numpy as np
import pytest
from small_decompositions import curve, small, small_mask, small_particles
from tolerances import FALSE_CURVE, SAME_FALSE_CURVE, TELESCOPE

from cryonb.diagnostics import diagnose
from cryonb.diagnostics.components import shared_reference, telescope, without_shared
from cryonb.errors import InputError
from cryonb.imaging.noise import white_noise
from cryonb.phantoms import phantom
from cryonb.plots import decomposition as figure
from cryonb.plots.marks import Area, Curve
from cryonb.refine.iterate import refine
from cryonb.refine.rejoin import rejoin, settings_of
from cryonb.simulate import simulate

STACK = {
    "circle": ("circle", ("in_band", "support", "grid_locked_circle")),
    "square": ("standard", ("in_band", "support", "corner", "grid_locked")),
}


# -- the identity


def curves(seed=0):
    rng = np.random.default_rng(seed)
    names = ("standard", "dithered", "circle", "dithered_circle", "substituted")
    return {name: rng.uniform(0.0, 0.8, 33) for name in names}


@pytest.mark.parametrize("limit", STACK)
def test_the_terms_still_sum_to_the_curve(limit):
    measured = curves()
    held = np.arange(33) < (24 if limit == "square" else 17)
    tied = measured["dithered" if limit == "square" else "dithered_circle"]
    shared = shared_reference(tied, measured["substituted"], 6, held)
    terms = without_shared(telescope(measured, 16.0), shared, limit, 16.0)
    own, names = STACK[limit]
    total = sum(terms[name] for name in (*names, "shared_reference"))
    assert np.abs(total - measured[own]).max() < TELESCOPE
    assert np.flatnonzero(terms["shared_reference"]).tolist() == list(range(8, 24 if limit == "square" else 17))
    inside = np.arange(33) <= 16
    other, others = STACK["circle"]
    total = sum(terms[name] for name in (*others, "shared_reference"))
    assert np.abs(total - measured[other])[inside].max() < TELESCOPE


def test_all_of_a_curve_of_noise_is_made_up_and_nothing_of_a_full_one():
    held = np.ones(4, bool)
    noise = np.full(4, 0.3)
    assert shared_reference(np.full(4, 0.3), noise, 0, held)[2:] == pytest.approx(0.3)
    assert shared_reference(np.ones(4), noise, 0, held)[2:] == pytest.approx(0.0)
    assert shared_reference(np.full(4, 0.6), np.zeros(4), 0, held).tolist() == [0.0] * 4
    assert shared_reference(np.full(4, 0.6), np.ones(4), 0, held)[2:] == pytest.approx(0.6)


# -- measured


@cache
def independent(limit, masked=False):
    """Return the decomposition of particles whose poses were given, so that no reference was shared."""
    given = dict(given=small_mask()) if masked else {}
    options = {"shared_reference": True, "substitution_resolution": 40.0}
    groups = dict(box=dict(box_size=32, limit=limit), refine=dict(recipe="fixed_poses"))
    return small(options=options, **given, **groups)


@pytest.mark.parametrize("limit", STACK)
@pytest.mark.parametrize("masked", [False, True], ids=["bare", "masked"])
def test_given_poses_make_nothing_up_and_the_terms_sum(limit, masked):
    found = independent(limit, masked)
    own, names = STACK[limit]
    for variable in ("fsc", "fsc_masked") if masked else ("fsc",):
        extra = ("mask_leak",) if variable == "fsc_masked" else ()
        total = sum(curve(found, name, variable) for name in (*names, "shared_reference", *extra))
        assert np.abs(total - curve(found, own, variable)).max() < TELESCOPE, variable
    made_up = curve(found, "shared_reference")
    assert np.abs(made_up).max() < SAME_FALSE_CURVE and not made_up[:7].any()
    assert np.abs(curve(found, "substituted")[7:]).max() < 2 * SAME_FALSE_CURVE
    assert "the refinement made nothing up" in found.attrs["verdict"]
    assert float(found["substitution_resolution"]) == pytest.approx(192.0 / 5)


def test_without_it_nothing_changes():
    plain = small()
    assert "shared_reference" not in plain["component"] and "substitution_resolution" not in plain.coords
    found = independent("circle")
    for name in ("standard", "dithered_circle", "grid_locked_circle", "surrogate"):
        assert np.array_equal(curve(found, name), curve(plain, name)), name


@cache
def made_up():
    """Return the decomposition of images of noise with the poses that a shared reference gave them."""
    reference = phantom("helices", box_size=64, pixel_size=3.0)
    made = simulate(reference, n_particles=200, binning=2.0, ctf=False, seed=1)
    noise = white_noise(8, 0, made["particle"].values, 32)
    particles = made.assign(image=(made["image"].dims, noise, made["image"].attrs))
    settings = dict(recipe="heterogeneous", n_iterations=2, initial_lowpass=16.0)
    run = refine(particles, reference, refine=settings, box=dict(box_size=32))
    options = dict(dithers=2, surrogates=0, shared_reference=True, references=reference)
    return diagnose(rejoin(run, particles), "decomposition", config=settings_of(run), **options)


def test_what_a_shared_reference_makes_of_noise_is_no_signal():
    found = made_up()
    shell, band = np.arange(17), found["band"].values
    first = round(192.0 / float(found["substitution_resolution"])) + 2
    judged = (shell >= first) & (shell <= 11)
    shared, whole, rest = (curve(found, name)[judged].mean() for name in ("shared_reference", "circle", "in_band"))
    assert whole > FALSE_CURVE and shared > 0.6 * whole and abs(rest) < 0.5 * shared
    assert not np.isin(band[judged], ("measured", "corner")).all()
    assert "the halves still correlate" in found.attrs["verdict"] and "made up to" in found.attrs["verdict"]


def test_the_stack_shows_it_between_signal_and_grid():
    found = made_up()
    panel = figure.decomposition_sheet(found).rows[0].panels[0]
    names = [area.name for area in panel.of(Area)]
    assert names.index("in_band") < names.index("shared_reference") < names.index("grid_locked_circle")
    proofs = figure.decomposition_sheet(found).rows[1].panels[0]
    assert proofs.of(Curve, "substituted")[0].label.startswith("refined with noise past")


# -- the door


@pytest.mark.parametrize("given", ["substitution_resolution", "references"])
def test_settings_of_it_are_refused_without_it(given):
    value = 40.0 if given == "substitution_resolution" else phantom("helices", box_size=32, pixel_size=6.0)
    with pytest.raises(InputError, match=f"{given} must go with shared_reference; got shared_reference off"):
        diagnose(small_particles(), "decomposition", **{given: value})
