"""Fixed poses: the half maps of a plain reconstruction, to the same bits."""

import numpy as np
import pytest
from noise_particles import make_particles
from recipe_runs import particles, refined

from cryonb.errors import InputError
from cryonb.refine.iterate import iterate
from cryonb.refine.loop import reconstruct


@pytest.mark.parametrize("symmetry", ["C1", "D2"])
@pytest.mark.parametrize("box", [dict(), dict(box_size=24, pad_factor=1)])
def test_the_half_maps_are_those_of_a_reconstruction(symmetry, box):
    table = make_particles(140, 16).isel(particle=np.random.default_rng(1).permutation(140))
    settings = dict(imaging=dict(symmetry=symmetry), box=box)
    (found,) = iterate(table, None, refine=dict(recipe="fixed_poses"), **settings)
    plain = reconstruct(table, **settings)
    for name in ("half_map", "insertion_weight", "fsc_unmasked"):
        assert np.array_equal(found[name], plain[name], equal_nan=True), name
    for name in ("rot", "tilt", "psi", "shift_x", "shift_y", "random_subset"):
        np.testing.assert_allclose(found[name], table[name], atol=1e-3)


def test_it_takes_one_iteration_and_claims_what_the_curve_says():
    _, _, states = refined("fixed_poses", particles(200, 0.3), 1)
    assert states[1].converged and states[1].aligned_to == 0
    assert np.isfinite(states[1].claimed[0]) or "does not cross" in states[1].note


def test_poses_must_be_there():
    table = make_particles(40, 16).drop_vars(["rot", "tilt"])
    with pytest.raises(InputError, match="must have poses"):
        list(iterate(table, None, refine=dict(recipe="fixed_poses")))
