"""Particles from other programs: what their poses and shifts give, and what the wrong ones give."""

import mrcfile
import numpy as np
import pytest
from noise_particles import make_particles

from cryonb.imaging.rotations import matrix_to_euler
from cryonb.io import open_particles
from cryonb.refine.loop import reconstruct

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:mrcfile", "ignore::UserWarning:cryonb")


def half_set_fsc(images, rotations, shifts):
    """FSC of half maps from matrices and shifts [pixel]."""
    rot, tilt, psi = matrix_to_euler(rotations.astype(np.float64))
    shift_x, shift_y = shifts.T.astype(np.float64)
    table = make_particles(
        len(images),
        images.shape[-1],
        1.0,
        image=images.astype(np.float32),
        **dict(rot=rot, tilt=tilt, psi=psi, shift_x=shift_x, shift_y=shift_y),
    )
    return reconstruct(table)["fsc_unmasked"].values


def poses(path):
    with np.load(path, allow_pickle=False) as stored:
        return stored["rotation"], stored["shift"]


def test_the_hand_needs_its_rotations_and_its_shifts(data):
    images = mrcfile.read(data / "conventions" / "hand.mrcs")
    rotations, shifts = poses(data / "conventions" / "hand_poses.npz")
    shifts = 64 * shifts
    right = half_set_fsc(images, rotations, shifts)
    turned = half_set_fsc(images, np.swapaxes(rotations, 1, 2), shifts)
    moved = half_set_fsc(images, rotations, -shifts)
    assert right[1:11].min() > 0.65
    assert np.abs(turned[8:20]).max() < 0.1
    assert (moved[2:11] < right[2:11] - 0.05).all()


def test_the_toy_has_right_rotations_and_shifts_of_another_stack(data):
    images = mrcfile.read(data / "conventions" / "toy_projections.mrcs")
    rotations, shifts = poses(data / "conventions" / "toy_poses.npz")
    centred = half_set_fsc(images, rotations, np.zeros_like(shifts))
    moved = half_set_fsc(images, rotations, 30 * shifts)
    turned = half_set_fsc(images, np.swapaxes(rotations, 1, 2), np.zeros_like(shifts))
    assert centred.min() > 0.95
    assert moved[5:].max() < 0.4 and np.abs(moved[8:]).max() < 0.1
    assert turned[3:].max() < 0.95 and turned[5:].max() < 0.7


def test_relions_shifts_have_relions_sign(data):
    particles = open_particles(data / "conventions" / "relion_proj_batch.star")
    right = reconstruct(particles)["fsc_unmasked"].values
    wrong = reconstruct(particles.assign(shift_x=-particles.shift_x, shift_y=-particles.shift_y))["fsc_unmasked"].values
    assert right[1:30].min() > 0.35
    assert np.abs(wrong[4:]).max() < 0.1
