import numpy as np
import pytest

from cryonb.imaging.fourier import resize
from cryonb.imaging.regrid import regrid, regridding_matrix


def blob(size, voxel, width=9.0):
    line = (np.arange(size) - size // 2) * voxel
    return np.exp(-((line[:, None, None] - 10) ** 2 + (line[:, None] + 5) ** 2 + line**2) / (2 * width**2)).astype(
        np.float32
    )


@pytest.mark.parametrize("old", [(64, 2.0), (48, 3.0), (51, 2.7), (32, 4.0), (65, 2.0)])
@pytest.mark.parametrize("new", [(48, 3.1), (64, 2.2), (49, 2.6), (32, 5.0)])
def test_a_smooth_map_is_the_same_on_any_grid(old, new):
    assert np.abs(regrid(blob(*old), old[1], *new) - blob(*new)).max() < 2e-4


def test_detail_past_the_new_nyquist_is_dropped():
    noise = np.random.default_rng(0).normal(size=(24, 24, 24)).astype(np.float32)
    assert np.allclose(regrid(noise, 2.0, 12, 4.0), resize(noise, 12), atol=1e-5)


def test_nothing_lies_outside_the_old_box():
    flat = np.ones((8, 8, 8), np.float32)
    moved = regrid(flat, 2.0, 16, 2.0)
    assert np.allclose(moved[4:12, 4:12, 4:12], 1.0, atol=1e-6)
    assert moved.sum() == pytest.approx(512.0, rel=1e-5)


def test_the_same_grid_changes_nothing():
    noise = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    assert regrid(noise, 2.0, 9, 2.0) is noise
    assert np.allclose(regridding_matrix((9, 2.0), (9, 2.0)), np.eye(9), atol=1e-6)
    even = regridding_matrix((8, 1.0), (8, 1.0))
    assert np.allclose(even @ np.cos(2 * np.pi * np.arange(8) / 8), np.cos(2 * np.pi * np.arange(8) / 8), atol=1e-6)
