"""Clean images: direct checks, and the projections that RELION made of the same map."""

import mrcfile
import numpy as np
import pytest
import starfile
import tolerances

from cryonb.imaging.ctf import CtfParameters
from cryonb.imaging.forward import clean_images
from cryonb.imaging.fourier import half_transform, real_space, resize
from cryonb.imaging.projector import in_plane_limit
from cryonb.imaging.rotations import euler_to_matrix, random_rotations


def blob(box, rng):
    line = np.arange(box) - box // 2
    envelope = np.exp(-(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2) / (2 * (box / 8) ** 2))
    return (envelope * rng.normal(1.0, 0.5, (box,) * 3)).astype(np.float32)


@pytest.mark.parametrize("box", [15, 16])
def test_an_unturned_image_is_the_projection(box):
    volume = blob(box, np.random.default_rng(0))
    image = clean_images(volume, np.eye(3)[None], np.zeros((1, 2)), size=box, voxel_size=2.0)[0]
    expected = volume.sum(axis=0)
    if box % 2 == 0:  # without its Nyquist lines
        expected = resize(resize(expected, box - 1, 2), box, 2)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, expected, atol=tolerances.NUFFT_SINGLE * 10 * expected.max())


@pytest.mark.parametrize(("box", "size"), [(24, 12), (24, 15), (21, 12)])
def test_a_binned_image_is_the_crop_of_the_fine_one(box, size):
    rng = np.random.default_rng(1)
    volume, rotations, shifts = blob(box, rng), random_rotations(3, rng), rng.normal(size=(3, 2))
    fine = clean_images(volume, rotations, shifts, size=box, voxel_size=2.0)
    coarse = clean_images(volume, rotations, shifts, size=size, voxel_size=2.0)
    expected = resize(fine, size, 2) * (size / box)
    np.testing.assert_allclose(coarse, expected, atol=tolerances.NUFFT_SINGLE * 10 * expected.max())


def test_the_content_moves_by_minus_the_shift():
    volume = blob(16, np.random.default_rng(2))
    still, moved = clean_images(
        volume, np.repeat(np.eye(3)[None], 2, 0), [[0, 0], [6.0, -4.0]], size=16, voxel_size=2.0
    )
    expected = np.roll(still, (2, -3), axis=(0, 1))
    np.testing.assert_allclose(moved, expected, atol=tolerances.NUFFT_SINGLE * 10 * expected.max())


def test_images_are_those_that_relion_makes(data):
    folder = data / "relion"
    reference, images = mrcfile.read(folder / "ref.mrc"), mrcfile.read(folder / "clean_40.mrcs")
    table = starfile.read(folder / "clean_40.star")
    rows = table["particles"].merge(table["optics"], on="rlnOpticsGroup", suffixes=("", "_of_group"))
    rows = rows.set_index("rlnImageName").loc[table["particles"]["rlnImageName"]]
    rotations = euler_to_matrix(*(rows[f"rlnAngle{name}"] for name in ("Rot", "Tilt", "Psi")))
    shifts = rows[["rlnOriginXAngst", "rlnOriginYAngst"]].to_numpy()
    labels = (
        "DefocusU",
        "DefocusV",
        "DefocusAngle",
        "PhaseShift",
        "Voltage",
        "SphericalAberration",
        "AmplitudeContrast",
    )
    columns = [rows[f"rln{label}"].to_numpy(np.float64) for label in labels]
    ctf = CtfParameters(*columns, np.zeros(len(rows)), np.ones(len(rows)))
    found = clean_images(reference, rotations, shifts, ctf, size=64, voxel_size=2.1, limit="circle")
    inside = in_plane_limit(64, "circle", 31)  # RELION interpolates with zeros at the edge of its circle
    for ours, theirs in zip(*(real_space(half_transform(stack, 2) * inside, 64, 2) for stack in (found, images))):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] >= tolerances.RELION_IMAGE
        scale = np.vdot(theirs, ours) / np.vdot(theirs, theirs)
        assert scale == pytest.approx(1.0, abs=tolerances.RELION_SCALE)
