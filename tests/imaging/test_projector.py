import naive
import numpy as np
import pytest
from tolerances import KAISER_BESSEL_SLICE, TRILINEAR_SLICE

from cryonb.imaging.fourier import half_transform
from cryonb.imaging.projector import Grid, fourier_volume, gridding_profile, in_plane_limit, slices
from cryonb.imaging.rotations import random_rotations


def blob(size, seed=0):
    rng = np.random.default_rng(seed)
    z, y, x = (np.indices((size,) * 3) - size // 2) / size
    volume = np.zeros((size,) * 3)
    for _ in range(6):
        cz, cy, cx = rng.uniform(-0.15, 0.15, 3)
        volume += rng.uniform(0.5, 1) * np.exp(-((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2) / 0.006)
    return volume.astype(np.float32)


@pytest.mark.parametrize("kernel", ["nearest", "trilinear", "kaiser_bessel"])
@pytest.mark.parametrize("size,pad", [(8, 1.0), (9, 1.0), (8, 2.0), (10, 1.5)])
def test_slices_are_what_the_loops_read(kernel, size, pad):
    volume = np.random.default_rng(1).normal(size=(size,) * 3).astype(np.float32)
    prepared = fourier_volume(volume, pad, kernel, gridding_correction=False)
    grid = prepared.grid
    padded = np.zeros((grid.padded,) * 3)
    start = grid.padded // 2 - size // 2
    padded[(slice(start, start + size),) * 3] = volume
    cube = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(padded)))
    if grid.padded % 2 == 0:
        cube = np.pad(cube, ((0, 1),) * 3, mode="wrap")
    rotations = random_rotations(3, np.random.default_rng(2))
    inside = in_plane_limit(size, "circle", size / 2 - 2.1 / pad)
    result = slices(prepared, rotations, inside)
    expected = naive.extract(cube, rotations, size, grid.scale, kernel, grid.shape_parameter) * inside
    assert np.allclose(result, expected, atol=2e-4 * np.abs(cube).max())


@pytest.mark.parametrize("size", [24, 25])
def test_the_projection_slice_theorem_along_an_axis(size):
    volume = blob(size)
    inside = in_plane_limit(size, "circle")
    for kernel, tolerance in (("trilinear", TRILINEAR_SLICE), ("kaiser_bessel", KAISER_BESSEL_SLICE)):
        result = slices(fourier_volume(volume, 2.0, kernel), np.eye(3)[None], inside)[0]
        expected = half_transform(volume.sum(axis=0), 2) * inside
        assert np.linalg.norm(result - expected) < tolerance * np.linalg.norm(expected), kernel


def test_slices_are_close_to_direct_sums_in_any_direction():
    size, volume = 16, blob(16)
    rotations = random_rotations(2, np.random.default_rng(5))
    result = slices(fourier_volume(volume, 3.0, "kaiser_bessel"), rotations, in_plane_limit(size, "circle"))
    for image, (ky, kx) in ((0, (3, 2)), (1, (-4, 1)), (1, (0, 5))):
        exact = naive.fourier_slice(volume, rotations[image], kx, ky)
        assert abs(result[image, ky % size, kx] - exact) < 1e-3 * np.abs(result).max()


def test_padding_makes_trilinear_slices_better():
    size, volume = 32, blob(32)
    rotations = random_rotations(8, np.random.default_rng(3))
    inside = in_plane_limit(size, "circle", 10)
    exact = slices(fourier_volume(volume, 3.0, "kaiser_bessel"), rotations, inside)
    errors = [
        np.linalg.norm(slices(fourier_volume(volume, pad), rotations, inside) - exact) / np.linalg.norm(exact)
        for pad in (1.0, 1.5, 2.0, 3.0)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.03


def test_profiles_are_the_transforms_of_the_kernels():
    for kernel in ("nearest", "trilinear", "kaiser_bessel"):
        grid = Grid.of(32, 2.0, kernel, 16)
        distance = np.linspace(-2, 2, 4001)
        weight = np.array([naive.kernel_weight(kernel, d, grid.shape_parameter) for d in distance])
        position = (np.arange(32) - 16) / 64
        expected = np.cos(2 * np.pi * distance[None] * position[:, None]) @ weight / weight.sum()
        assert np.allclose(gridding_profile(grid), expected, atol=3e-3), kernel


def test_limits_count_each_pair_once():
    once = in_plane_limit(9, "square", pairs="once")
    assert once.sum() == (9 * 9 + 1) // 2
    circle = in_plane_limit(8, "circle", 3.0)
    ky = np.fft.fftfreq(8, 1 / 8)[:, None]
    assert np.array_equal(circle > 0, ky**2 + np.arange(5)[None] ** 2 <= 9)
    assert not in_plane_limit(8, "square")[4].any() and not in_plane_limit(8, "square")[:, 4].any()
