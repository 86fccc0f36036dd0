"""Masks, fixed limits, sharpening and symmetry, as each package decides them."""

import dataclasses
import math

import numpy as np
import pytest
from recipe_runs import LENGTH, particles, refined, run_of, truth

from cryonb import simulate
from cryonb.errors import InputError
from cryonb.phantoms import phantom
from cryonb.refine.recipes.resolution_limited import fixed_limit, particle_fraction


def test_the_dynamic_mask_begins_where_the_map_has_reached_its_start():
    _, run, states = refined("homogeneous", particles(), 2)
    assert run.config.mask.kind == "dynamic"
    sphere, dynamic = states[0].mask, states[-1].mask
    assert LENGTH / states[1].limit < 12 and dynamic.mean() < 0.7 * sphere.mean()
    density = truth()["density"].values
    assert (dynamic[density > 0.3 * density.max()] > 0.99).all()
    coarse = refined("homogeneous", particles(), 1, mask=dict(kind="dynamic", start_resolution=4.0))[2]
    assert np.array_equal(coarse[1].mask, sphere)


def test_a_homogeneous_refinement_can_do_without_a_mask():
    _, run, states = refined("homogeneous", particles(64), 1, params=dict(mask="none"))
    assert states[1].mask is None
    assert np.array_equal(states[1].fsc[0], run.fsc(*states[1].half_map[0]), equal_nan=True)


def test_half_maps_stay_as_they_are_when_the_map_is_sharpened():
    table = simulate("helices", box_size=32, pixel_size=3.0, n_particles=80, snr=0.0)
    recipe, run, states = refined("homogeneous", table, 1, search="local")
    halves, choices = states[-1].half_map.copy(), {}
    for sharpen in ("if_reliable", "always", "never"):
        choices[sharpen] = recipe.shown(
            dataclasses.replace(run, params=run.params.replace(sharpen=sharpen)), states[-1]
        )
    plain, note = choices["if_reliable"]
    assert "not sharpened: the range 10 to 6 A holds 7 shells, and 20 are needed" in note
    sharp, said = choices["always"]
    assert said.startswith("sharpened by") and "although" in said and not np.allclose(plain, sharp)
    assert choices["never"][1] == "not sharpened: sharpening is switched off"
    assert np.array_equal(choices["never"][0], plain) and np.array_equal(states[-1].half_map, halves)


def test_the_fixed_limit_is_less_the_shells_that_the_mask_bleeds_over():
    _, run = run_of("resolution_limited", particles(64), params=dict(alignment_resolution=10.0, mask_radius=50.0))
    assert fixed_limit(run) == pytest.approx(LENGTH / 10 - math.ceil(LENGTH / 50))
    assert particle_fraction(run) == pytest.approx(4 / 3 * math.pi * 50**3 / LENGTH**3)
    _, run = run_of("resolution_limited", particles(64), params=dict(alignment_resolution=10.0, molecular_mass=100.0))
    assert particle_fraction(run) == pytest.approx(1.23e5 / LENGTH**3)
    _, _, states = refined("resolution_limited", particles(64), 2)
    assert {state.limit for state in states} == {LENGTH / 12 - 3}
    assert np.isfinite(states[-1].fsc[0][1:]).all(), "the map goes on past the limit of the alignment"


def test_the_map_ends_at_the_limit_where_it_is_set_for_both():
    settings = dict(params=dict(alignment_resolution=0.0), max_resolution=12.0)
    _, _, states = refined("resolution_limited", particles(64), 1, **settings)
    assert np.isfinite(states[-1].fsc[0][1:13]).all() and np.isnan(states[-1].fsc[0][13:]).all()
    with pytest.raises(InputError, match="a limit must be set with recipe resolution_limited"):
        run_of("resolution_limited", particles(64), params=dict(alignment_resolution=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["homogeneous", "class3d", "heterogeneous"])
def test_symmetric_particles_give_symmetric_maps(name):
    """A D2 phantom, made by turning one of odd size about its three axes."""
    one = phantom("helices", box_size=33, pixel_size=LENGTH / 33)
    density = one["density"].values
    turned = sum(np.flip(density, axes) for axes in ((), (0, 1), (0, 2), (1, 2))).astype(np.float32)
    table = simulate(one.assign(density=(one["density"].dims, turned, one["density"].attrs)), n_particles=150, snr=0.5)
    settings = dict(box=dict(box_size=33), imaging=dict(symmetry="D2"))
    recipe, run, states = refined(name, table, 2, turned[None], **settings)
    volume = recipe.shown(run, states[-1])[0][0]
    for axes in ((0, 1), (0, 2)):
        assert np.corrcoef(volume.ravel(), np.flip(volume, axes).ravel())[0, 1] > 0.98
    assert np.corrcoef(volume.ravel(), turned.ravel())[0, 1] > 0.8
