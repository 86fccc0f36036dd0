"""Orientations: cells of equal area, slices counted as an obvious loop does, and figures of known distributions."""

import numpy as np
import pytest

from cryonb.diagnostics import diagnose
from cryonb.diagnostics.orientations import SphereCells, sampling_evenness, slices_through
from cryonb.errors import InputError
from cryonb.imaging.rotations import matrix_to_euler, random_rotations

from .conftest import particles


def directions(count, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [12, 100, 600, 3000])
def test_cells_cover_the_sphere_equally(count):
    cells = SphereCells.about(count)
    where = cells.coordinates()
    low, high = np.deg2rad(where["view_tilt_low"]), np.deg2rad(where["view_tilt_high"])
    area = np.deg2rad(where["view_rot_width"]) * (np.cos(low) - np.cos(high))
    assert area == pytest.approx(4 * np.pi / cells.count)
    assert abs(cells.count - count) < 0.1 * count + 6


@pytest.mark.parametrize("count", [12, 600])
def test_every_direction_falls_in_its_own_cell(count):
    cells = SphereCells.about(count)
    assert np.array_equal(cells.indices(cells.centres()), np.arange(cells.count))
    where, views = cells.coordinates(), directions(2000)
    cell = cells.indices(views)
    tilt = np.rad2deg(np.arccos(views[:, 2]))
    rot = np.rad2deg(np.arctan2(views[:, 1], views[:, 0]))
    assert (tilt >= where["view_tilt_low"][cell] - 1e-9).all()
    assert (tilt <= where["view_tilt_high"][cell] + 1e-9).all()
    away = (rot - where["view_rot"][cell] + 180) % 360 - 180
    assert (np.abs(away) <= where["view_rot_width"][cell] / 2 + 1e-9).all()
    poles = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    assert cells.indices(poles).tolist() == [0, cells.count - cells.per_ring[-1]]


def test_slices_are_counted_as_a_loop_counts_them(monkeypatch):
    monkeypatch.setattr("cryonb.diagnostics.orientations.CHUNK", 64)
    views, wanted = directions(50), directions(10, 1)
    weights = np.random.default_rng(2).uniform(size=50)
    counted = slices_through(views, weights, wanted, 0.2)
    expected = [sum(w for v, w in zip(views, weights) if abs(v @ d) <= 0.2) for d in wanted]
    assert counted == pytest.approx(expected)


def uniform(count):
    return matrix_to_euler(random_rotations(count, np.random.default_rng(0)))


def test_an_even_spread_is_even():
    result = diagnose(particles(*uniform(20000)), "orientations")
    assert float(result["view_density"].mean()) == pytest.approx(1.0)
    assert float(result["slice_density"].mean()) == pytest.approx(1.0, abs=0.01)
    assert float(result["efficiency"]) > 0.99
    assert float(result["evenness"]) > 0.7
    assert float(result["empty_fraction"]) == 0
    assert int(result["view_count"].sum()) == 20000
    assert float(result["slice_half_angle"]) == pytest.approx(np.rad2deg(np.arcsin(1 / 32)))


def test_evenness_of_few_random_views_is_a_number_with_a_meaning():
    result = diagnose(particles(*uniform(400)), "orientations")
    assert 0.2 < float(result["evenness"]) < 0.8
    slices = result["slice_density"].values
    assert float(result["evenness"]) == pytest.approx(np.percentile(slices, 5) / slices.mean())
    definition = result.attrs["definitions"]
    assert "5 % of the directions" in definition
    assert f"{float(result['slice_count'].mean()):.3g} slices on average" in definition


def test_evenness_of_no_slices_is_zero():
    assert sampling_evenness(np.zeros(4)) == 0


def test_views_from_the_top_fill_a_plane_only():
    rot, _, psi = uniform(500)
    result = diagnose(particles(rot, np.zeros(500), psi), "orientations")
    assert float(result["efficiency"]) < 0.05
    assert float(result["empty_fraction"]) > 0.8
    assert float(result["evenness"]) == 0
    assert (np.sin(np.deg2rad(result["view_tilt"].values[result["slice_count"].values > 0])) > 0.99).all()


def test_views_from_the_side_fill_space_unevenly():
    rot, _, psi = uniform(20000)
    result = diagnose(particles(rot, np.full(20000, 90.0), psi), "orientations")
    assert 0.7 < float(result["efficiency"]) < 0.9
    assert float(result["empty_fraction"]) == 0
    slices = result["slice_density"].values
    assert slices[0] > 5 * slices[len(slices) // 2]


def test_symmetry_fills_space():
    rot, _, psi = uniform(300)
    table = particles(rot, np.zeros(300), psi)
    alone, copied = (
        diagnose(table, "orientations", config={"imaging": {"symmetry": group}}, resolution=20.0)
        for group in ("C1", "O")
    )
    assert float(copied["empty_fraction"]) < float(alone["empty_fraction"])
    assert int(copied["view_count"].sum()) == 300


def test_many_views_are_thinned_without_bias(monkeypatch):
    table = particles(*uniform(5000))
    everything = diagnose(table, "orientations", resolution=10.0)
    monkeypatch.setattr("cryonb.diagnostics.orientations.MOST_VIEWS", 1000)
    thinned = diagnose(table, "orientations", resolution=10.0)
    assert float(thinned["slice_density"].mean()) == pytest.approx(float(everything["slice_density"].mean()), rel=0.02)


def test_particles_without_poses_are_refused():
    table = particles(*uniform(10)).drop_vars("psi")
    with pytest.raises(InputError, match="the Dataset must hold rot, tilt and psi"):
        diagnose(table, "orientations")
