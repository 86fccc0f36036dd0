"""Several classes: who goes where, how many are in each, and what becomes of one that nobody is in."""

import numpy as np
import pytest
from recipe_runs import particles, refined, truth
from tolerances import CLASSES_RIGHT

from cryonb.errors import InputError


def both():
    return truth(2)["density"].values


def right(table, state):
    return float(np.mean(state.candidates.class_posterior.argmax(axis=1) + 1 == table["class_number"].values))


@pytest.mark.slow
@pytest.mark.parametrize(("assignment", "shares"), [("posterior", "0.8,0.2"), ("hard", "")])
def test_two_conformations_are_told_apart(assignment, shares):
    table = particles(300, 0.5, 2, class_shares=shares)
    params = dict(assignment=assignment, extra_shells=4)
    _, _, states = refined("class3d", table, 3, both(), n_classes=2, params=params)
    assert right(table, states[-1]) > CLASSES_RIGHT
    occupancy = states[-1].candidates.class_posterior.mean(axis=0)
    truly = np.bincount(table["class_number"].values - 1) / 300
    assert occupancy == pytest.approx(truly, abs=1 - CLASSES_RIGHT)


@pytest.mark.parametrize("name", ["heterogeneous", "class3d", "resolution_limited"])
@pytest.mark.parametrize("assignment", ["posterior", "hard"])
def test_shares_of_an_image_sum_to_one(name, assignment):
    own = {"alignment_resolution": 12.0} if name == "resolution_limited" else {}
    params = dict(assignment=assignment, **own)
    _, _, states = refined(name, particles(64, 0.5, 2), 1, both(), n_classes=2, params=params)
    posterior, weight = states[1].candidates.class_posterior, states[1].candidates.weight
    assert posterior.sum(axis=1) == pytest.approx(1.0) and weight.sum(axis=1) == pytest.approx(1.0)
    if assignment == "hard":
        assert set(np.unique(posterior)) == {0.0, 1.0} and set(np.unique(weight)) == {0.0, 1.0}
    assert states[1].half_map.shape[0] == states[1].fsc.shape[0] == len(states[1].claimed) == 2


@pytest.mark.parametrize("name", ["heterogeneous", "class3d", "resolution_limited"])
def test_a_class_that_nobody_is_in_keeps_its_volume(name):
    volumes = np.stack([truth()["density"].values, 1e-6 * np.random.default_rng(0).normal(size=(32,) * 3)])
    params = {"assignment": "hard", **({"alignment_resolution": 12.0} if name == "resolution_limited" else {})}
    settings = dict(n_classes=2, params=params)
    if name == "heterogeneous":
        params["score"] = "likelihood"
    table = particles(64, 0.0)
    _, _, states = refined(name, table, 2, volumes.astype(np.float32), **settings)
    assert states[-1].candidates.class_posterior[:, 1].sum() == 0
    assert np.isnan(states[-1].fsc[1]).all() and np.isnan(states[-1].claimed[1])
    assert "class 2: there are no data" in states[-1].note
    arrays = (
        (states[1].reference, states[2].reference)
        if name != "heterogeneous"
        else (states[1].fourier, states[2].fourier)
    )
    assert np.array_equal(arrays[0][1], arrays[1][1]) and np.isfinite(arrays[1][0]).all()


@pytest.mark.parametrize("name", ["homogeneous", "refine3d", "fixed_poses"])
def test_independent_halves_are_of_one_class(name):
    with pytest.raises(InputError, match=f"n_classes must be 1 with recipe {name}; got 2. Use 1, or"):
        refined(name, particles(64), 1, n_classes=2)
