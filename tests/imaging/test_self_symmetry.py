"""Symmetry of noise: the group that it was averaged over is found, and none in noise that was not."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from cryonb.imaging.self_symmetry import AGREEMENT, find_symmetry
from cryonb.imaging.symmetry import symmetry_operators


def averaged(group, size=32, seed=0):
    noise = np.random.default_rng(seed).normal(size=(size,) * 3)
    centre = np.full(3, size // 2)
    turns = [turn[::-1, ::-1] for turn in symmetry_operators(group)]
    return np.mean([affine_transform(noise, turn, centre - turn @ centre, order=3) for turn in turns], axis=0)


@pytest.mark.parametrize("group", ["C2", "C3", "C4", "C7", "D2", "D3", "T", "O", "I", "I1"])
def test_the_group_is_found(group):
    name, agreement = find_symmetry(averaged(group).astype(np.float32))
    assert name == group and agreement > AGREEMENT


@pytest.mark.parametrize("size", [24, 33])
def test_plain_noise_obeys_no_group(size):
    name, agreement = find_symmetry(averaged("C1", size).astype(np.float32))
    assert name == "C1" and agreement < AGREEMENT / 2
