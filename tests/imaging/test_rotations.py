import numpy as np
import pytest

from cryonb.imaging.rotations import euler_to_matrix, matrix_to_euler, random_rotations


def test_the_formula_of_the_reference_data():
    rot, tilt, psi = 12.0, 34.0, 56.0
    a, b, g = np.deg2rad([rot, tilt, psi])
    first = np.cos(g) * np.cos(b) * np.cos(a) - np.sin(g) * np.sin(a)
    assert euler_to_matrix([rot], [tilt], [psi])[0, 0, 0] == pytest.approx(first)
    assert euler_to_matrix([rot], [tilt], [psi])[0, 2] == pytest.approx(
        [np.sin(b) * np.cos(a), np.sin(b) * np.sin(a), np.cos(b)]
    )


def test_matrices_are_rotations_and_angles_come_back():
    matrices = random_rotations(200, np.random.default_rng(1))
    assert np.allclose(matrices @ np.swapaxes(matrices, 1, 2), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(matrices), 1.0)
    assert np.allclose(euler_to_matrix(*matrix_to_euler(matrices)), matrices, atol=1e-12)


@pytest.mark.parametrize("tilt", [0.0, 180.0])
def test_the_poles_keep_their_rotation(tilt):
    matrices = euler_to_matrix([10.0, -50.0], [tilt, tilt], [5.0, 170.0])
    assert np.allclose(euler_to_matrix(*matrix_to_euler(matrices)), matrices, atol=1e-12)


def test_random_rotations_are_uniform():
    views = random_rotations(20000, np.random.default_rng(2))[:, 2]
    assert np.abs(views.mean(axis=0)).max() < 3 / np.sqrt(3 * 20000)
    assert np.allclose((views**2).mean(axis=0), 1 / 3, atol=0.01)
