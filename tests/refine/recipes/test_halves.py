"""Halves that shared a reference make resolution up; independent ones do not, and nothing passes between them."""

import importlib

import numpy as np
import pytest
from recipe_runs import noise_only, particles, refined, run_of, states_of, truth
from tolerances import MADE_UP, NOT_MADE_UP

from cryonb.refine.run import Run


def mean_of(state, first, last):
    return float(np.mean(state.fsc[0][first : last + 1]))


SHARED = {
    "heterogeneous": dict(initial_lowpass=12.0),
    "class3d": dict(initial_lowpass=12.0),
    "resolution_limited": dict(initial_lowpass=12.0),
}
INDEPENDENT = {"homogeneous": dict(initial_lowpass=20.0), "refine3d": dict(initial_lowpass=40.0)}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_noise_aligned_to_one_reference_correlates_to_the_limit_of_the_alignment(name):
    """Measured on shells 5 to the limit, one iteration: heterogeneous 0.31, class3d 0.55, resolution_limited 0.42."""
    _, _, states = refined(name, noise_only(), 1, **SHARED[name])
    limit = int(states[1].aligned_to)
    assert mean_of(states[1], 5, limit - 1) > MADE_UP
    assert abs(mean_of(states[1], limit + 2, 16)) < NOT_MADE_UP


@pytest.mark.slow
@pytest.mark.parametrize("name", INDEPENDENT)
def test_independent_halves_of_noise_do_not_correlate_past_their_join(name):
    """Measured past the join: homogeneous -0.01, refine3d 0.01, although its alignment went on to shell 13 of 16."""
    _, run, states = refined(name, noise_only(), 2, **INDEPENDENT[name])
    join = run.sampling.field_of_view / run.params.join_resolution
    assert states[-1].aligned_to >= join
    assert abs(mean_of(states[-1], int(join) + 3, 16)) < NOT_MADE_UP
    assert states[-1].claimed[0] > 0.6 * run.params.join_resolution
    assert "the curve falls at the join of the halves" in states[-1].note
    assert mean_of(states[-1], 1, int(join) - 1) > 0.5, "what is joined does correlate: no halves are told apart there"


def with_other_images_in_half_b(table):
    image = table["image"].values.copy()
    other = table["random_subset"].values == 2
    image[other] = np.random.default_rng(5).normal(size=image[other].shape) * image.std()
    return table.assign(image=(table["image"].dims, image, table["image"].attrs))


def poses_of_half_a(name, table, iterations=2, **settings):
    recipe, run = run_of(name, table, initial_lowpass=20.0, **settings)
    states = states_of(recipe, run, truth()["density"].values[None], iterations)
    members = run.members(states[-1].half, 1)
    return states[-1].candidates[members].arrays(), states[-1].reference


def hold_the_curve(monkeypatch):
    """Fix what may pass between the halves: the curve, raw and under the mask."""
    curve = np.clip(1.3 - np.arange(17) / 12.0, 0.01, 0.99)
    monkeypatch.setattr(Run, "fsc", lambda self, first, second: curve)
    homogeneous = importlib.import_module("cryonb.refine.recipes.homogeneous")
    monkeypatch.setattr(homogeneous, "mask_corrected_fsc", lambda *arguments: curve)
    monkeypatch.setattr(homogeneous, "make_mask", lambda *arguments: np.ones((32,) * 3, np.float32))


@pytest.mark.parametrize("name", ["homogeneous", "refine3d"])
def test_half_a_knows_nothing_of_the_images_of_half_b(name, monkeypatch):
    """With the curve and the mask held fixed and nothing joined, other images in half B leave half A as it is."""
    hold_the_curve(monkeypatch)
    table, apart = particles(64), dict(params=dict(join_resolution=0.0))
    before, reference = poses_of_half_a(name, table, **apart)
    after, other = poses_of_half_a(name, with_other_images_in_half_b(table), **apart)
    assert all(np.array_equal(before[key], after[key]) for key in before)
    assert np.array_equal(reference[0, 0], other[0, 0]) and not np.array_equal(reference[0, 1], other[0, 1])


def test_the_test_sees_what_passes_where_halves_are_joined_or_share_a_reference(monkeypatch):
    hold_the_curve(monkeypatch)
    table = particles(64)
    for name, settings in (("refine3d", dict(params=dict(join_resolution=20.0))), ("class3d", {})):
        before, _ = poses_of_half_a(name, table, **settings)
        after, _ = poses_of_half_a(name, with_other_images_in_half_b(table), **settings)
        assert not np.array_equal(before["rotation"], after["rotation"])


def test_a_start_finer_than_the_join_is_told():
    _, _, states = refined("refine3d", particles(64), 1, initial_lowpass=12.0)
    assert "both halves started from one volume of 12 A, past their join at 40 A" in states[-1].note
    _, _, states = refined("refine3d", particles(64), 1, initial_lowpass=40.0)
    assert "started" not in states[-1].note
