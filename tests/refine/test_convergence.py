"""Convergence: neither limit nor poses nor classes go on."""

import dataclasses

import numpy as np
import pytest

from cryonb.imaging.rotations import euler_to_matrix, random_rotations
from cryonb.imaging.symmetry import symmetry_operators
from cryonb.refine.candidates import Candidates
from cryonb.refine.convergence import iterations_still, pose_change
from cryonb.refine.state import State

C1 = symmetry_operators("C1")
TURNS = random_rotations(50, np.random.default_rng(0))


def poses(turns=TURNS, shift=0.0, number=None):
    count = len(turns)
    ones = np.ones((count, 1))
    number = np.zeros(count, np.int64) if number is None else number
    place = np.zeros((count, 1, 2))
    place[..., 0] = shift
    return Candidates(turns[:, None], place, number[:, None], ones, ones, ones, ones, np.ones((count, 2)) / 2, number)


def state(candidates, limit=20.0, still=0):
    return State(1, None, None, limit, np.ones((1, 9)), np.ones(50), candidates, aligned_to=limit, still=still)


def turned(degrees):
    return euler_to_matrix(np.full(50, degrees), np.zeros(50), np.zeros(50)) @ TURNS


def test_the_change_of_a_pose_is_the_angle_between_its_orientations():
    angle, shift = pose_change(poses(), poses(turned(7.0), 0.01), C1)
    assert np.rad2deg(angle) == pytest.approx(7.0) and shift == pytest.approx(0.01)


def test_a_turn_of_the_symmetry_is_no_change():
    operators = symmetry_operators("D2")
    for operator in operators:
        angle, _ = pose_change(poses(), poses(TURNS @ operator), operators)
        assert angle == pytest.approx(0.0, abs=1e-6)
    assert pose_change(poses(), poses(TURNS @ operators[1]), C1)[0] == pytest.approx(np.pi)


def test_a_refinement_stands_still_when_limit_poses_and_classes_do():
    before = state(poses(), still=1)
    assert iterations_still(before, state(poses(turned(0.5))), C1) == 2
    assert iterations_still(before, state(poses(turned(9.0))), C1) == 0
    assert iterations_still(before, state(poses(shift=0.02)), C1) == 0
    assert iterations_still(before, state(poses(), 21.5), C1) == 0
    moved = np.zeros(50, np.int64)
    moved[:5] = 1
    assert iterations_still(before, state(poses(number=moved)), C1) == 0
    assert iterations_still(dataclasses.replace(before, candidates=None), state(poses()), C1) == 0
