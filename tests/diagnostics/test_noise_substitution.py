"""Noise substitution against images in which there is nothing to find, and against images in which there is."""

from functools import cache

import numpy as np
import pytest
from tolerances import FALSE_CURVE, NO_FALSE_CURVE, SAME_FALSE_CURVE, TRUE_OF_NOISE

from cryonb.config import RunConfig
from cryonb.diagnostics import diagnose
from cryonb.diagnostics.noise_substitution import CURVES, _judged, _verdict
from cryonb.diagnostics.substituted_run import substitution_shell
from cryonb.errors import InputError, RunStopped
from cryonb.imaging.noise import white_noise
from cryonb.imaging.shells import n_coefficients
from cryonb.phantoms import phantom
from cryonb.schema import validate
from cryonb.simulate import simulate

SIZE, LENGTH = 32, 192.0
SHARED = ("heterogeneous", "resolution_limited")
"""Recipes whose halves are aligned to one reference."""


@cache
def reference():
    return phantom("helices", box_size=64, pixel_size=3.0)


@cache
def particles(snr):
    """Return 200 images of 32 pixels; pure white noise where the signal over noise is zero."""
    made = simulate(reference(), n_particles=200, binning=2.0, ctf=False, snr=snr or 1.0, seed=1)
    if snr:
        return made
    noise = white_noise(8, 0, made["particle"].values, SIZE)
    return made.assign(image=(made["image"].dims, noise, made["image"].attrs))


@cache
def judged(recipe, snr, lowpass):
    refine = dict(recipe=recipe, n_iterations=2, initial_lowpass=lowpass)
    if recipe == "resolution_limited":
        refine["max_resolution"] = lowpass
    config = dict(refine=refine, box=dict(box_size=SIZE))
    return diagnose(particles(snr), "noise_substitution", config=config, references=reference())


def past(found):
    """Return the shells from two past the substitution to the limit of the alignment."""
    last = int(LENGTH / float(found["alignment_limit"]) + 1e-6)
    return slice(int(found["substitution_shell"]) + 2, last + 1)


def curve(found, name):
    return found["fsc"].sel(curve=name).values


def levels(found):
    """Return the mean of each curve over the coefficients of these shells."""
    shells = past(found)
    weights = found["n_coefficients"].values[shells]
    return [np.average(curve(found, name)[shells], weights=weights) for name in CURVES]


@pytest.mark.parametrize("recipe", SHARED)
def test_a_shared_reference_makes_a_curve_of_noise_and_substitution_exposes_it(recipe):
    found = judged(recipe, 0.0, 16.0)
    run, substituted, true = levels(found)
    assert run > FALSE_CURVE and substituted > FALSE_CURVE
    assert abs(substituted - run) < SAME_FALSE_CURVE
    assert abs(true) < TRUE_OF_NOISE
    assert "all of it is made up by halves that are not independent" in found.attrs["verdict"]
    run_end, _, true_end = found["fsc_resolution"].values
    assert not true_end < 1.5 * run_end


def test_a_false_curve_ends_with_the_alignment():
    found = judged("resolution_limited", 0.0, 16.0)
    beyond = slice(int(LENGTH / float(found["alignment_limit"])) + 3, None)
    rest = curve(found, "run")[beyond]
    assert np.nanmean(np.abs(rest)) < NO_FALSE_CURVE or not np.isfinite(rest).any()


def test_halves_that_are_independent_make_nothing_up_past_their_join():
    found = judged("refine3d", 0.0, 60.0)
    joined = LENGTH / 40.0
    beyond = slice(int(joined) + 3, None)
    for name in ("run", "substituted"):
        assert abs(np.nanmean(curve(found, name)[beyond])) < NO_FALSE_CURVE, name


def test_signal_stays_true():
    found = judged("heterogeneous", 0.6, 20.0)
    run, substituted, true = levels(found)
    assert run > 0.3 and true > 0.85 * run
    assert substituted < 0.35 * run


def test_up_to_two_shells_past_the_substitution_the_curve_is_left_alone():
    found = judged("heterogeneous", 0.6, 20.0)
    shell = int(found["substitution_shell"])
    run, noise, true = (curve(found, name) for name in CURVES)
    assert np.array_equal(run[1 : shell + 2], true[1 : shell + 2])
    np.testing.assert_allclose(true[shell + 2 :], (run - noise)[shell + 2 :] / (1 - noise)[shell + 2 :])
    assert float(found["substitution_resolution"]) == LENGTH / shell


def test_the_result_says_what_made_it():
    found = validate(judged("heterogeneous", 0.6, 20.0))
    assert found.attrs["recipe"] == "heterogeneous" and float(found["alignment_limit"]) > 0
    assert found["fsc"].dims == ("curve", "frequency") and float(found["box_size"]) == SIZE
    assert np.allclose(found["level"].values, levels(found))


def test_the_same_run_gives_the_same_bits():
    again = judged.__wrapped__("fixed_poses", 0.6, 30.0)
    assert again["fsc"].equals(judged("fixed_poses", 0.6, 30.0)["fsc"])


def test_a_class_that_nobody_is_in_has_no_level():
    empty = np.full((3, 13), np.nan)
    resolutions, level, words = _judged(empty, 4, LENGTH, 20.0, n_coefficients(24))
    assert np.isnan(resolutions).all() and np.isnan(level).all()
    assert words == "no data past the shell from which the images hold noise."


# -- where the noise begins

FALLING = np.array([[1.0, 1.0, 1.0, 0.99, 0.97, 0.9, 0.7, 0.4, 0.1, 0.0, 0.0]])


@pytest.mark.parametrize(
    "limit,shell", [(np.nan, 6), (100.0 / 10, 6), (100.0 / 6, 4), (100.0 / 2, 3)], ids=["none", "far", "near", "coarse"]
)
def test_noise_begins_where_the_curve_falls_or_well_within_the_alignment(limit, shell):
    assert substitution_shell(FALLING, 100.0, alignment_limit=limit) == shell


def test_the_best_class_decides():
    worse = np.where(np.arange(11) > 3, 0.2, 1.0)[None]
    assert substitution_shell(np.concatenate([worse, FALLING]), 100.0) == 6
    assert substitution_shell(worse, 100.0) == 4


def test_a_curve_that_never_falls_leaves_shells_to_judge():
    assert substitution_shell(np.ones((1, 11)), 100.0) == 7
    assert substitution_shell(np.where(np.arange(11) < 8, 1.0, np.nan)[None], 100.0) == 5


@pytest.mark.parametrize("resolution,shell", [(20.0, 5), (33.0, 3), (12.5, 8)])
def test_a_wanted_resolution_is_taken(resolution, shell):
    assert substitution_shell(FALLING, 100.0, resolution) == shell


@pytest.mark.parametrize("resolution", [60.0, 10.0])
def test_a_resolution_that_leaves_no_shells_is_refused(resolution):
    with pytest.raises(InputError, match=r"noise must begin between 33.33 and 12.5 \[angstrom\]; got"):
        substitution_shell(FALLING, 100.0, resolution)


# -- the door


def test_starting_volumes_are_refused_where_they_are_not_read():
    with pytest.raises(InputError, match="references must go with a diagnostic that runs a refinement"):
        diagnose(particles(0.6), "orientations", references=reference())


def test_it_can_be_stopped():
    def stop(fraction, text):
        if "noise past the shell" in text:
            raise RunStopped(f"at {fraction:.2f}")

    config = RunConfig.gather(refine=dict(recipe="fixed_poses", n_iterations=1), box=dict(box_size=SIZE))
    with pytest.raises(RunStopped, match="at 0.[56]"):
        diagnose(particles(0.6), "noise_substitution", config=config, progress=stop)


@pytest.mark.parametrize(("shells", "words"), [((4,), "At 20.0 A, "), ((4, 5), "From 20.0 A to 16.0 A, ")])
def test_a_verdict_on_one_shell_names_it_once(shells, words):
    past = np.isin(np.arange(9), shells)
    said = _verdict(np.array([0.5, 0.0, 0.5]), past, [9.0, 9.0, 9.0], 80.0, 12.0, chance=0.01)
    assert said.startswith(words)
