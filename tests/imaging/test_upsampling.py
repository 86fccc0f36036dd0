"""Traces of upsampling in noise: the cube that padding keeps, the replicas that interpolation leaves, and neither."""

import numpy as np
import pytest

from cryonb.imaging.fourier import half_transform, resize
from cryonb.imaging.resample import interpolation_matrix
from cryonb.imaging.upsampling import REPLICA, STEP, cube_step, find_upsampling, replica_correlation


def noise(size=32, seed=0):
    return np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32)


def interpolated(density, size, method):
    matrix = interpolation_matrix(density.shape[0], size, method)
    return np.einsum("ai,bj,ck,ijk->abc", matrix, matrix, matrix, density, optimize=True)


@pytest.mark.parametrize("size", [40, 48, 64])
def test_padding_keeps_a_cube(size):
    found = find_upsampling(half_transform(resize(noise(), size)))
    assert (found.size, found.how) == (32, "Fourier padding")
    assert cube_step(half_transform(resize(noise(), size)))[0] == 15


def test_padding_that_keeps_the_nyquist_plane_adds_no_plane():
    transform = np.fft.fftshift(np.fft.fftn(noise()))
    padded = np.zeros((64,) * 3, complex)
    padded[16:48, 16:48, 16:48] = transform
    density = np.real(np.fft.ifftn(np.fft.ifftshift(padded))).astype(np.float32)
    found = find_upsampling(half_transform(density))
    assert (found.size, found.how) == (32, "Fourier padding")


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("size", [48, 64])
def test_interpolation_leaves_replicas(method, size):
    found = find_upsampling(half_transform(interpolated(noise(), size, method)))
    assert (found.size, found.how) == (32, "interpolation")


@pytest.mark.parametrize("size", [31, 32, 48])
def test_noise_of_its_own_sampling_has_no_trace(size):
    for seed in range(3):
        transform = half_transform(noise(size, seed))
        assert find_upsampling(transform).how == ""
        assert cube_step(transform)[1] < STEP / 2
        shifted = replica_correlation(transform)
        assert (shifted[:, 0] == 1.0).all() and shifted[:, 2:].max() < REPLICA / 2
