import numpy as np
import pytest
from tolerances import NUFFT_DOUBLE

from cryonb.imaging.dither import (
    LEAST_TURN,
    bytes_to_read_back,
    read_back,
    turn_from_cube,
    turned_grids,
    within_sphere,
)
from cryonb.imaging.exact import exact_slices
from cryonb.imaging.fourier import half_indices, half_transform
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.symmetry import symmetry_operators

CENTRES = np.array([[3.0, -1.0, 0.5], [-2.0, 2.5, 1.0], [0.0, 0.7, -3.0]])
HEIGHTS = (1.0, -0.6, 1.7)
WIDTH = 2.0


def blobs(size, rotation):
    """Return Gaussians at turned places, so narrow in both spaces that neither cuts them: float32."""
    z, y, x = np.indices((size,) * 3) - size // 2
    points = np.stack([x, y, z], axis=-1)
    return sum(
        height * np.exp(-((points - rotation @ centre) ** 2).sum(axis=-1) / (2.0 * WIDTH**2))
        for centre, height in zip(CENTRES, HEIGHTS)
    ).astype(np.float32)


def transform_of_blobs(size):
    """Return the half transform of the unturned blobs, from its formula."""
    kz, ky, kx = half_indices(size)
    fall = (2.0 * np.pi * WIDTH**2) ** 1.5 * np.exp(
        -2.0 * (np.pi * WIDTH / size) ** 2 * (kz**2 + ky**2 + kx**2).astype(float)
    )
    return fall * sum(
        height * np.exp(-2j * np.pi / size * (kx * centre[0] + ky * centre[1] + kz * centre[2]))
        for centre, height in zip(CENTRES, HEIGHTS)
    )


def in_sphere(size):
    kz, ky, kx = half_indices(size)
    return kz**2 + ky**2 + kx**2 <= (size / 2) ** 2


@pytest.mark.parametrize("size", [32, 33])
def test_a_turned_map_is_read_back_as_the_unturned_one(size):
    expected = transform_of_blobs(size)
    for turn in turned_grids(2, 7):
        found = read_back(blobs(size, turn), turn)
        inside = in_sphere(size)
        assert np.abs(found - expected)[inside].max() < NUFFT_DOUBLE * np.abs(expected).max()
        assert not found[~inside].any()


def test_without_a_turn_it_is_the_transform():
    density = blobs(32, np.eye(3))
    expected = half_transform(density) * in_sphere(32)
    assert np.abs(read_back(density, np.eye(3)) - expected).max() < NUFFT_DOUBLE * np.abs(expected).max()


@pytest.mark.parametrize("size", [8, 9])
def test_every_coefficient_is_the_direct_sum(size):
    density = np.random.default_rng(0).normal(size=(size,) * 3).astype(np.float32)
    turn = turned_grids(1, 3)[0]
    found = read_back(density, turn)
    z, y, x = np.indices(density.shape) - size // 2
    kz, ky, kx = (np.broadcast_to(axis, found.shape) for axis in half_indices(size))
    for place in np.argwhere(in_sphere(size))[::5]:
        frequency = turn @ np.array([axis[tuple(place)] for axis in (kx, ky, kz)])
        phase = (frequency[0] * x + frequency[1] * y + frequency[2] * z) / size
        expected = (density * np.exp(-2j * np.pi * phase)).sum()
        assert abs(found[tuple(place)] - expected) < NUFFT_DOUBLE * np.abs(found).max()


def test_its_central_plane_is_the_exact_slice():
    density = np.random.default_rng(1).normal(size=(16,) * 3).astype(np.float32)
    turn = turned_grids(1, 5)[0]
    plane = exact_slices(density, turn.T[None], limit="circle")[0]
    inside = in_sphere(16)[0]
    difference = np.abs(read_back(density, turn)[0] - plane)[inside]
    assert difference.max() < NUFFT_DOUBLE * np.abs(plane).max()


@pytest.mark.parametrize("size", [8, 9])
def test_what_lies_outside_the_sphere_is_left_out(size):
    transform = half_transform(np.random.default_rng(2).normal(size=(size,) * 3).astype(np.float32))
    kept = within_sphere(transform)
    assert np.array_equal(kept, transform * in_sphere(size))
    assert 0 < np.count_nonzero(kept) < np.count_nonzero(transform)


def test_no_turned_grid_comes_close_to_the_unturned_one():
    turns = turned_grids(200, 0)
    cube = symmetry_operators("O")
    cosine = (np.einsum("kij,mij->mk", cube, turns) - 1.0) / 2.0
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    assert angle.min() >= LEAST_TURN
    assert np.allclose(angle.min(axis=1), [turn_from_cube(turn) for turn in turns])
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-12) and np.all(np.linalg.det(turns) > 0)


def test_random_turns_do_come_close():
    """Else the test above would not test anything."""
    turns = random_rotations(200, np.random.default_rng(0))
    assert min(turn_from_cube(turn) for turn in turns) < LEAST_TURN


def test_turned_grids_belong_to_their_seed_whatever_their_number():
    assert np.array_equal(turned_grids(2, 5), turned_grids(6, 5)[:2])
    assert np.array_equal(turned_grids(3, 5), turned_grids(3, 5))
    assert not np.allclose(turned_grids(1, 5), turned_grids(1, 6))
    assert turned_grids(0, 5).shape == (0, 3, 3)


def test_angles_from_the_cube():
    turn = np.radians(30.0)
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    assert turn_from_cube(about_z) == pytest.approx(30.0)
    quarter = symmetry_operators("O")[5]
    assert turn_from_cube(quarter @ about_z) == pytest.approx(30.0)


def test_memory_grows_with_the_volume():
    assert bytes_to_read_back(64) > 16 * 64**3
    assert 7.0 < bytes_to_read_back(256) / bytes_to_read_back(128) < 8.5
