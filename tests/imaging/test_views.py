import numpy as np
import pytest

from cryonb.imaging.symmetry import symmetry_operators
from cryonb.imaging.views import disc, distinct_views, half_sphere, order_for, view_matrices, view_step


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_views_cover_the_sphere_evenly(order):
    directions = view_matrices(order)[:, :, 2].reshape(-1, 3)
    assert len(directions) == 12 * 4**order
    np.testing.assert_allclose(directions.mean(axis=0), 0.0, atol=1e-12)
    spread = np.einsum("ni,nj->ij", directions, directions) / len(directions)
    np.testing.assert_allclose(spread, np.eye(3) / 3, atol=0.1 / 4**order)
    nearest = np.sort(directions @ directions.T, axis=1)[:, -2]
    apart = np.rad2deg(np.arccos(nearest))
    assert apart.min() > 0.7 * view_step(order)
    random = np.random.default_rng(0).normal(size=(2000, 3))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert np.rad2deg(np.arccos((random @ directions.T).max(axis=1))).max() < 0.9 * view_step(order)


def test_the_second_half_holds_the_antipodes_of_the_first():
    matrices = view_matrices(2)
    np.testing.assert_allclose(matrices[0][:, 2], -matrices[1][:, 2], atol=1e-12)
    np.testing.assert_allclose(matrices[0][:, 0], matrices[1][:, 0], atol=1e-12)
    np.testing.assert_allclose(matrices[0][:, 1], -matrices[1][:, 1], atol=1e-12)


def test_no_view_of_half_a_sphere_is_the_antipode_of_another():
    directions = view_matrices(1)[0][:, 2]
    assert (directions @ directions.T).min() > -1 + 1e-9
    assert len(half_sphere(1)[0]) == 24


@pytest.mark.parametrize("group", ["C1", "C2", "C3", "D2", "O", "I"])
def test_symmetry_leaves_the_views_that_make_up_all_others(group):
    operators = symmetry_operators(group)
    matrices = view_matrices(3)[0]
    kept = distinct_views(matrices, operators)
    assert kept.sum() <= 1.7 * len(matrices) / len(operators) + 4
    made = np.einsum("nj,gjk->ngk", matrices[kept][:, 2], operators).reshape(-1, 3)
    closest = np.abs(matrices[:, 2] @ made.T).max(axis=1)
    assert np.rad2deg(np.arccos(np.clip(closest, -1, 1))).max() < view_step(3)


@pytest.mark.parametrize("group", ["C3", "D2", "D7", "T", "O", "I"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_with_a_margin_no_direction_is_further_from_a_view_than_without_symmetry(group, order):
    operators, matrices = symmetry_operators(group), view_matrices(order)[0]
    random = np.random.default_rng(0).normal(size=(1000, 3))
    random /= np.linalg.norm(random, axis=1, keepdims=True)

    def furthest(views):
        made = np.einsum("nj,gjk->ngk", views[:, 2], operators).reshape(-1, 3)
        return np.rad2deg(np.arccos(np.clip(np.abs(random @ made.T).max(axis=1), -1, 1))).max()

    margin = 0.5 * np.deg2rad(view_step(order))
    assert furthest(matrices[distinct_views(matrices, operators, margin)]) < 0.9 * view_step(order)
    assert np.all(distinct_views(matrices, operators, margin) | ~distinct_views(matrices, operators))


def test_shifts_fill_a_disc_from_its_centre():
    points = disc(3.0, 1.0)
    assert tuple(points[0]) == (0.0, 0.0)
    assert np.hypot(*points.T).max() <= 3.0 + 1e-9
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(apart.min(axis=1), 1.0, atol=1e-9)
    assert len(points) == 37


def test_an_order_is_as_fine_as_asked():
    assert all(view_step(order_for(step)) <= step for step in (60.0, 20.0, 7.5, 2.0))
    assert order_for(0.01) == 6
