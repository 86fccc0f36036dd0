"""What every recipe promises: it finds poses, goes on from its state alone, and says what it does."""

import dataclasses
import inspect
import json

import numpy as np
import pytest
from recipe_runs import OWN, SEARCHING, angles_off, particles, refined, run_of, same, truth
from tolerances import POSES_FROM_25

from cryonb.config import RunConfig
from cryonb.knobs import knobs
from cryonb.refine.counter import Counter
from cryonb.refine.iterate import iterate
from cryonb.refine.recipes import get_recipe, names

WORDS = {"halves", "limit", "threshold", "mask", "volume", "classes"}


@pytest.mark.parametrize("name", SEARCHING)
def test_poses_are_found_from_a_blurred_start(name):
    settings = dict(limit_threshold=0.143) if name == "heterogeneous" else {}
    recipe, run, states = refined(name, particles(), 3, **settings)
    first, last = (np.median(angles_off(particles(), state)) for state in (states[1], states[-1]))
    assert last < 1.1 * first and last < POSES_FROM_25
    volumes, note = recipe.shown(run, states[-1])
    assert volumes.shape == (1, 32, 32, 32) and volumes.dtype == np.float32 and note


@pytest.mark.parametrize("name", SEARCHING)
def test_an_iteration_follows_from_the_state_and_the_settings_alone(name):
    recipe, run, states = refined(name, particles(64), 2)
    again = recipe.iterate(run.at(2, Counter(1.0, None)), states[1])
    assert same(again, states[2]) and again.iteration == 2
    one_thread = dataclasses.replace(run, threads=1).at(2, Counter(1.0, None))
    assert same(recipe.iterate(one_thread, states[1]), states[2])


@pytest.mark.parametrize("name", SEARCHING)
def test_a_state_is_whole(name):
    _, run, states = refined(name, particles(64), 1)
    state = states[-1]
    assert state.half_map.shape == (1, 2, 32, 32, 32) and state.shell_weight.shape == (1, 2, 17)
    assert len(state.candidates) == 64 and set(state.half) == {1, 2}
    assert state.noise.shape[0] == (2 if name in ("homogeneous", "refine3d") else 1)
    assert state.aligned_to == states[0].limit and state.limit <= run.sampling.max_index
    assert np.isfinite(state.half_map).all() and np.isfinite(state.noise).all()


def test_a_fixed_limit_and_half_sets_are_not_claimed_where_there_may_be_none():
    recipe = get_recipe("resolution_limited")
    config = RunConfig.gather(refine=dict(recipe="resolution_limited", max_resolution=2.0))
    assert recipe.decides(config, recipe.params())["limit"].startswith("fixed at 2 A or the data end, ")
    fixed = get_recipe("fixed_poses")
    assert fixed.decides(config, fixed.params())["halves"] == "those of the table, or drawn where it has none"


def test_every_recipe_says_what_it_decides():
    assert set(names()) == {*SEARCHING, "fixed_poses"}
    for name in names():
        recipe, run = run_of(name, particles(64))
        said = recipe.decides(run.config, run.params)
        assert set(said) == WORDS and all(said.values())
        assert not inspect.getdoc(type(recipe)).startswith("Return")
        assert all(field.metadata["help"] for field, _ in knobs(recipe.params))


def test_recipes_decide_differently():
    said = [
        get_recipe(name).decides(run_of(name, particles(64))[1].config, get_recipe(name).params()) for name in names()
    ]
    assert len({tuple(sorted(one.items())) for one in said}) == len(said)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHING)
def test_signal_to_the_end_of_the_images_is_no_resolution(name):
    """Particles cropped to a Nyquist frequency where their signal has not ended, in images without noise."""
    table = particles(300, 0.0)
    settings = dict(params=dict(alignment_resolution=9.0)) if name == "resolution_limited" else {}
    _, run, states = refined(name, table, 2, search="local", limit_threshold=0.143, **settings)
    assert np.isnan(states[-1].claimed).all()
    assert "does not cross before the data end at 9 A" in states[-1].note
    if name != "resolution_limited":
        assert states[-1].limit == run.sampling.max_index


@pytest.mark.parametrize("name", [*SEARCHING, "fixed_poses"])
def test_every_recipe_goes_through_the_door(name):
    table, own = particles(64), OWN.get(name, {})
    refine = dict(recipe=name, n_iterations=1, initial_lowpass=25.0, params=own.get("params", {}))
    (found,) = iterate(table, truth(), refine=refine, box=own.get("box"))
    assert set(json.loads(found.attrs["decisions"])) == WORDS
    assert found.attrs["recipe"] == name and found.attrs["volume_note"]
    assert np.isfinite(found["volume"]).all() and float(found["iteration"]) == 1
    claimed = float(found["claimed_resolution"])
    assert np.isfinite(claimed) or "does not cross before the data end" in found.attrs["note"]
