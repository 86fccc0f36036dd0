"""Heterogeneous refinement: one box whatever the particles' box, no way back to real space, batches."""

from types import SimpleNamespace

import numpy as np
import pytest
from recipe_runs import angles_off, particles, refined, run_of
from tolerances import POSES_FROM_25, SAME_POSE

from cryonb.refine.candidates import Candidates
from cryonb.refine.recipes import get_recipe
from cryonb.refine.recipes.heterogeneous import _spread


def test_the_target_box_is_fixed_whatever_the_particle_box():
    for size, table in ((32, particles(64)), (16, particles(64, binning=2.0))):
        _, run = run_of("heterogeneous", table, box=dict(box_size=0), params=dict(box_size=48))
        assert (run.sampling.read_size, run.sampling.box_size) == (size, 48)
        assert run.sampling.field_of_view == pytest.approx(144.0)
    _, run = run_of("heterogeneous", particles(64), box=dict(box_size=0))
    assert run.sampling.box_size == get_recipe("heterogeneous").params().box_size == 128
    _, run = run_of("heterogeneous", particles(64), box=dict(box_size=40))
    assert run.sampling.box_size == 40


def test_it_never_goes_back_to_real_space():
    _, run, states = refined("heterogeneous", particles(64), 2)
    assert states[0].reference is not None and states[0].fourier is None
    assert states[1].reference is None and states[1].fourier.shape == (
        1,
        1,
        *run.fourier(np.zeros((32,) * 3)).values.shape,
    )
    assert states[1].fourier.dtype == np.complex64


def test_halves_are_split_after_every_alignment_or_once():
    for splitting, again in (("random", True), ("fixed", False)):
        _, _, states = refined("heterogeneous", particles(64), 2, params=dict(splitting=splitting))
        assert (np.array_equal(states[1].half, states[2].half)) != again
        assert np.bincount(states[2].half).tolist() == [0, 32, 32]


def test_the_threshold_moves_the_limit():
    coarse, fine = (
        refined("heterogeneous", particles(), 1, limit_threshold=threshold)[2][1].limit for threshold in (0.5, 0.143)
    )
    assert coarse < fine


def test_batches_leave_the_others_as_they_were_and_the_last_iteration_sees_all():
    params = dict(batch_size=40, full_iterations=1)
    _, _, states = refined("heterogeneous", particles(120), 3, params=params, n_iterations=3)
    first, second, last = states[1].candidates, states[2].candidates, states[3].candidates
    seen = np.isfinite(first.score[:, 0])
    assert seen.sum() == 40 and (first.weight[~seen] == 0).all()
    assert first.class_posterior.sum(axis=1) == pytest.approx(1.0)
    moved = (first.rotation != second.rotation).any(axis=(1, 2, 3))
    assert moved.sum() <= 40 and (moved & seen).sum() < 40
    assert np.isfinite(last.score[:, 0]).all()
    assert [state.still for state in states[:3]] == [0, 0, 0], "images that nobody looked at do not stand still"
    assert np.isfinite(states[3].fourier).all()


def test_the_learning_rate_is_the_share_of_the_new_batch():
    def second(rate):
        params = dict(batch_size=40, full_iterations=0, learning_rate=rate, regularise=False)
        return [state.fourier for state in refined("heterogeneous", particles(120), 2, params=params)[2][1:]]

    (start, slow), (other, fast) = second(0.5), second(1.0)
    assert np.array_equal(start, other)
    assert np.allclose(slow, 0.5 * start + 0.5 * fast, atol=1e-5 * np.abs(fast).max())


def test_a_local_search_in_batches_begins_at_the_poses_of_the_table():
    table, params = particles(120), dict(batch_size=40, full_iterations=1)
    _, _, states = refined("heterogeneous", table, 3, params=params, n_iterations=3, search="local")
    assert np.median(angles_off(table, states[1])) < SAME_POSE, "most images have not been looked at"
    assert np.isfinite(states[3].candidates.score[:, 0]).all()
    assert np.median(angles_off(table, states[3])) < POSES_FROM_25


def test_batches_with_more_or_fewer_candidates_go_together():
    run, rng = SimpleNamespace(ids=np.arange(6)), np.random.default_rng(0)

    def candidates(count, places):
        share = np.full((count, places), 1.0 / places)
        return Candidates(
            rotation=rng.normal(size=(count, places, 3, 3)),
            shift=rng.normal(size=(count, places, 2)),
            class_index=np.zeros((count, places), np.int64),
            score=rng.normal(size=(count, places)),
            correlation=share,
            scale=share,
            weight=share,
            class_posterior=np.ones((count, 1)),
            hypotheses=np.full(count, 9),
        )

    before, members = candidates(6, 5), np.array([1, 4])
    for places in (3, 8):
        found = candidates(2, places)
        joined = _spread(run, found, members, before)
        np.testing.assert_array_equal(joined.of_best("rotation")[members], found.of_best("rotation"))
        others = np.setdiff1d(np.arange(6), members)
        np.testing.assert_array_equal(joined.of_best("rotation")[others], before.of_best("rotation")[others])
        np.testing.assert_allclose(joined.weight.sum(axis=1), 1.0)
        assert np.isneginf(joined.score[members, places:]).all()
