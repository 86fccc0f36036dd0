"""Cones: sums as an obvious loop makes them, directions spread evenly, volumes that say what the curves say."""

import numpy as np
import pytest
from naive import cone_sum
from tolerances import CONE_INTERPOLATION, CONE_SUM, SURFACE

from cryonb.errors import InputError
from cryonb.imaging.cones import check_memory, coefficients, cone_sums, cone_volume, empty_cells, full_volume, products
from cryonb.imaging.directions import angles_of, healpix_hemisphere, healpix_resolution, middle_axis, unit_vectors
from cryonb.imaging.fourier import half_radius, half_transform
from cryonb.imaging.shells import fourier_shell_correlation, n_coefficients, shell_power
from cryonb.imaging.sphericity import sphericity


def spread(count):
    rot, tilt, _ = healpix_hemisphere(healpix_resolution(count))
    return unit_vectors(rot, tilt)


def pair(size, seed=0):
    rng = np.random.default_rng(seed)
    return [half_transform(rng.normal(size=(size,) * 3).astype(np.float32)) for _ in range(2)]


@pytest.mark.parametrize("resolution", [1, 2, 3, 9])
def test_directions_are_spread_evenly_and_none_is_twice(resolution):
    rot, tilt, edges = healpix_hemisphere(resolution)
    axes = unit_vectors(rot, tilt)
    assert len(axes) == 6 * resolution**2
    overlap = np.abs(axes @ axes.T) - np.eye(len(axes))
    assert np.rad2deg(np.arccos(overlap.max())) > 40 / resolution
    assert (axes.T @ axes / len(axes)).ravel() == pytest.approx(np.eye(3).ravel() / 3, abs=0.04 / resolution**2)
    assert ((edges[:, 0] < tilt) & (tilt < edges[:, 1])).all()


def test_pixels_have_equal_areas():
    axes = spread(54)
    points = np.random.default_rng(0).normal(size=(100_000, 3))
    nearest = np.argmax(np.abs(points @ axes.T), axis=1)
    share = np.bincount(nearest, minlength=len(axes)) * len(axes) / len(points)
    assert share.min() > 0.85
    assert share.max() < 1.15


def test_angles_and_vectors_are_each_others_inverse():
    rot, tilt, _ = healpix_hemisphere(3)
    found = np.array([angles_of(-axis) for axis in unit_vectors(rot, tilt)])
    turned = (found[:, 0] - rot + 180) % 360 - 180
    inner = tilt < 89.9
    assert np.abs(turned[inner]).max() < 1e-6
    assert found[:, 1] == pytest.approx(tilt)


def test_the_middle_of_a_cap_is_its_axis_whatever_the_signs():
    axes = spread(1000)
    wanted = unit_vectors([200.0], [70.0])[0]
    weights = (np.abs(axes @ wanted) > np.cos(np.deg2rad(25))).astype(float)
    flipped = axes * np.where(np.arange(len(axes)) % 2, 1.0, -1.0)[:, None]
    assert abs(middle_axis(flipped, weights) @ wanted) > np.cos(np.deg2rad(1.5))


@pytest.mark.parametrize("size", [8, 9])
def test_cones_are_summed_as_a_loop_sums_them(size):
    first, second = pair(size)
    axes = unit_vectors([0.0, 31.0, -77.0], [0.0, 47.0, 83.0])
    sums, counts = cone_sums(products(first, second), size, axes, 23.0)
    inside = slice(1, (size + 1) // 2)  # the Nyquist shell of an even box has coefficients whose sign is a choice
    maps = [np.fft.fftn(np.fft.irfftn(half, s=(size,) * 3, axes=(0, 1, 2))) for half in (first, second)]
    for number, axis in enumerate(axes):
        expected = np.array([cone_sum(*maps, axis, 23.0, shell) for shell in range(size // 2 + 1)]).T
        assert sums[:, number, inside] == pytest.approx(expected[:3, inside], rel=CONE_SUM, abs=CONE_SUM * size**3)
        assert np.array_equal(counts[number, inside], expected[3, inside])


@pytest.mark.parametrize("size", [16, 17])
def test_a_cone_of_everything_is_a_shell(size):
    first, second = pair(size)
    sums, counts = cone_sums(products(first, second), size, np.eye(3), 91.0)
    for number in range(3):
        assert np.array_equal(counts[number, 1:], n_coefficients(size)[1:])
        assert sums[1, number, 1:] == pytest.approx(shell_power(first)[1:], rel=CONE_SUM)
        curve = sums[0, number] / np.sqrt(np.maximum(sums[1, number] * sums[2, number], 1e-30))
        assert curve[1:] == pytest.approx(fourier_shell_correlation(first, second)[1:], abs=CONE_SUM)


def test_progress_is_told_after_every_cone():
    seen = []
    cone_sums(products(*pair(8)), 8, spread(24), 20.0, lambda fraction, text: seen.append((fraction, text)))
    assert len(seen) == 24
    assert seen[-1] == (1.0, "cone 24 of 24")


@pytest.mark.parametrize("size", [12, 13])
def test_equal_curves_make_a_round_volume(size):
    curve = np.linspace(1.0, 0.2, size // 2 + 1)
    volume = cone_volume(np.tile(curve, (96, 1)), size, spread(96))
    axis = np.arange(size) - size // 2
    radius = np.sqrt(sum(part.astype(np.float64) ** 2 for part in np.meshgrid(axis, axis, axis)))
    shell = np.floor(radius + 0.5).astype(int)
    inside = shell <= size // 2
    assert volume[inside] == pytest.approx(curve[shell[inside]], abs=1e-6)
    assert np.isnan(volume[~inside]).all()
    assert volume[size // 2, size // 2, size // 2] == 1


def test_a_volume_follows_its_curves_and_leaves_gaps_open():
    size, axes = 32, spread(486)
    curves = np.tile((axes[:, 2] ** 2)[:, None], (1, size // 2 + 1))
    gap = np.abs(axes[:, 0]) > np.cos(np.deg2rad(35))
    curves[gap] = np.nan
    volume = cone_volume(curves, size, axes)
    z, _, x = np.indices(volume.shape) - size // 2
    radius = full_volume(half_radius(size))
    along = np.abs(x) / np.maximum(radius, 1)
    clear = (along < np.cos(np.deg2rad(47))) & (radius > 0) & (radius < size // 2)
    assert np.abs(volume - (z / np.maximum(radius, 1)) ** 2)[clear].max() < CONE_INTERPOLATION
    assert np.isnan(volume[(along > np.cos(np.deg2rad(20))) & (radius > 0)]).all()


def test_a_gap_in_one_half_is_a_gap():
    counts = np.full((4, 3), 50.0)
    counts[3] = 0.0
    power = np.full((2, 4, 3), 100.0) * (counts > 0)
    power[1, 0, 1] = 1.0
    power[:, 1, 2] = 1e-9
    few = counts * 0.1
    assert empty_cells(power, counts, np.zeros(2), 0.1).sum(axis=1).tolist() == [1, 1, 0, 3]
    assert empty_cells(power, few, np.zeros(2), 0.1).sum(axis=1).tolist() == [0, 0, 0, 3]
    assert empty_cells(power, few, np.full(2, 1e-6), 0.1).sum(axis=1).tolist() == [0, 1, 0, 3]


def test_a_box_that_does_not_fit_is_refused_with_one_that_does():
    check_memory(64, 2.0**30)
    with pytest.raises(
        InputError, match=r"conical FSC must fit in memory; got a box of 512 .* Bin the half maps to 266"
    ):
        check_memory(512, 2.0**30)


def test_coefficients_are_all_there_once():
    for size in (8, 9):
        listed = coefficients(size)
        assert listed.weight.sum() == n_coefficients(size)[1:].sum()
        assert np.linalg.norm(listed.unit, axis=0) == pytest.approx(1.0, abs=1e-6)


def shape(size, z=1.0, y=1.0, x=1.0):
    axes = np.meshgrid(*[np.arange(size) - size // 2] * 3, indexing="ij")
    return np.sqrt(sum((axis / scale) ** 2 for axis, scale in zip(axes, (z, y, x))))


@pytest.mark.parametrize("size", [33, 48])
def test_a_ball_is_round_whether_its_edge_is_sharp_or_soft(size):
    distance = shape(size) / 10.0
    for ball in (distance <= 1, np.exp2(-(distance**2)), np.where(distance < 1.2, 1.5 - distance, np.nan)):
        assert sphericity(ball.astype(np.float32), 0.5) == pytest.approx(1.0, abs=SURFACE)


def test_a_ball_that_fills_the_grid_is_round():
    assert sphericity((shape(32) <= 16).astype(np.float32), 0.5) == pytest.approx(1.0, abs=SURFACE)


def test_an_ellipsoid_is_less_round_by_the_formula():
    for axes, expected in (((2.0, 1.0, 1.0), 0.9287), ((1.0, 1.0, 0.5), 0.9135)):
        distance = shape(48, *(9.0 * axis for axis in axes))
        assert sphericity((distance <= 1).astype(np.float32), 0.5) == pytest.approx(expected, abs=2 * SURFACE)


def test_a_region_of_a_few_voxels_has_no_shape():
    assert np.isnan(sphericity((shape(16) <= 1).astype(np.float32), 0.5))
    assert np.isnan(sphericity(np.full((8, 8, 8), np.nan, np.float32), 0.5))
