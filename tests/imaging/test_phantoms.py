"""Helix phantoms: the geometry of a helix, a shape without symmetry, and one with it."""

import numpy as np
import pytest

from cryonb.errors import InputError
from cryonb.imaging.phantoms import BACKBONE, alpha_helix, phantom_atoms
from cryonb.imaging.rotations import random_rotations
from cryonb.imaging.symmetry import symmetry_operators

N, CA, C, O, CB = range(len(BACKBONE))  # noqa: E741


def residues(count):
    return alpha_helix(count).reshape(count, len(BACKBONE), 3)


def length(a, b):
    return np.linalg.norm(a - b, axis=-1)


def test_bonds_have_their_usual_lengths():
    helix = residues(10)
    for first, second, bond in ((N, CA, 1.458), (CA, C, 1.525), (C, O, 1.231), (CA, CB, 1.53)):
        np.testing.assert_allclose(length(helix[:, first], helix[:, second]), bond, atol=0.01)
    np.testing.assert_allclose(length(helix[:-1, C], helix[1:, N]), 1.329, atol=0.01)
    np.testing.assert_allclose(length(helix[:-1, CA], helix[1:, CA]), 3.80, atol=0.02)
    np.testing.assert_allclose(length(helix[:-4, O], helix[4:, N]), 2.9, atol=0.1)


def test_the_helix_is_right_handed_and_of_left_handed_residues():
    helix = residues(8)
    np.testing.assert_allclose(np.diff(helix[:, CA, 2]), 1.5, atol=1e-9)
    angle = np.unwrap(np.arctan2(helix[:, CA, 1], helix[:, CA, 0]))
    np.testing.assert_allclose(np.rad2deg(np.diff(angle)), 100.0, atol=1e-9)
    to_n, to_c, to_cb = (helix[:, atom] - helix[:, CA] for atom in (N, C, CB))
    assert np.all(np.sum(np.cross(to_n, to_c) * to_cb, axis=1) > 2.0)
    assert abs(helix[:, CA, 2].mean()) < 1e-9


@pytest.mark.parametrize(("kind", "radius"), [("helices", 56.0), ("helices", 30.0), ("octahedral", 62.0)])
def test_phantoms_stay_inside_their_radius(kind, radius):
    positions = phantom_atoms(kind, radius, 0, 60.0, 0).positions
    assert 0.8 * radius < np.linalg.norm(positions, axis=1).max() < radius + 2.0
    assert np.array_equal(positions, phantom_atoms(kind, radius, 0, 60.0, 0).positions)
    assert not np.array_equal(positions[:9], phantom_atoms(kind, radius, 0, 60.0, 1).positions[:9])


def test_the_number_of_points_is_what_was_asked_for():
    assert len(phantom_atoms("helices", 56.0, 5900, 60.0, 0).positions) == pytest.approx(5900, abs=8)
    assert len(phantom_atoms("helices", 56.0, 2000, 60.0, 0).positions) == pytest.approx(2000, abs=8)


def test_the_24_mer_has_octahedral_symmetry_and_is_hollow():
    positions = phantom_atoms("octahedral", 62.0, 0, 60.0, 0).positions
    assert len(positions) % 24 == 0
    assert np.linalg.norm(positions, axis=1).min() > 25.0
    occupied = {tuple(cell) for cell in np.rint(positions * 10).astype(int)}
    for operator in symmetry_operators("O"):
        turned = np.rint(positions @ operator.T * 10 + 0.0).astype(int)
        assert np.mean([tuple(cell) in occupied for cell in turned]) > 0.98


def moments(positions):
    """Second moments in the frame of the particle, with the sign of its handedness."""
    centred = positions - positions.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    third = ((centred @ axes) ** 3).mean(axis=0)
    axes = axes * np.where(third < 0, -1.0, 1.0)
    return np.linalg.det(axes), third / np.abs(centred @ axes).mean(axis=0) ** 3


def test_the_asymmetric_phantom_is_no_mirror_image_of_itself():
    positions = phantom_atoms("helices", 56.0, 0, 60.0, 0).positions
    hand, skew = moments(positions)
    assert np.abs(skew).min() > 0.05
    assert moments(positions @ random_rotations(1, np.random.default_rng(0))[0].T)[0] == pytest.approx(hand)
    assert moments(positions * (1, 1, -1))[0] == pytest.approx(-hand)


@pytest.mark.parametrize("kind", ["helices", "octahedral"])
def test_a_conformation_moves_one_part_as_a_rigid_body(kind):
    first, second = (phantom_atoms(kind, 50.0, 0, 60.0, 0, turn).positions for turn in (0.0, 30.0))
    moved = length(first, second) > 1e-9
    assert len(first) == len(second)
    if kind == "helices":
        assert 0.05 < moved.mean() < 0.5
        one, other = first[moved], second[moved]
        np.testing.assert_allclose(length(one[1:], one[:-1]), length(other[1:], other[:-1]), atol=1e-9)
    assert length(first, second).max() > 4.0


def test_a_radius_without_room_is_refused():
    with pytest.raises(InputError, match="radius must leave room for helices"):
        phantom_atoms("octahedral", 12.0, 0, 60.0, 0)
