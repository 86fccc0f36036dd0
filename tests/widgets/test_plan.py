"""What a run is expected to take, as the app says it."""

import pytest

import cryonb as cn
from cryonb.config import RunConfig
from cryonb.widgets.plan import MADE_FIRST, expected


@pytest.fixture(scope="module")
def particles():
    return cn.simulate("helices", n_particles=20, box_size=16, pixel_size=6.0, seed=1)


def test_time_that_starting_volumes_take_is_not_passed_over(particles):
    config = RunConfig.gather(refine=dict(recipe="homogeneous"))
    start = cn.reconstruct(particles)
    assert MADE_FIRST in expected(particles, None, config, "refine", None).words
    assert MADE_FIRST not in expected(particles, [start], config, "refine", None).words
    assert MADE_FIRST not in expected(particles, None, config, "reconstruct", None).words
    fixed = RunConfig.gather(refine=dict(recipe="fixed_poses"))
    assert MADE_FIRST not in expected(particles, None, fixed, "refine", None).words


@pytest.mark.parametrize("verb", ["reconstruct", "refine"])
def test_plans_are_printed_with_signs_and_units_that_stay_with_their_numbers(particles, verb):
    words = expected(particles, None, RunConfig(), verb, {}).words
    assert "6\xa0\u00c5" in words and " A " not in words and " A," not in words
    assert " x " not in words and "e+" not in words
    assert "\xa0MiB" in words and "\xa0s" in words
