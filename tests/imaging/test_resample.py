import numpy as np
import pytest

from cryonb.errors import InputError
from cryonb.imaging.fourier import crop_half_transform, half_transform, real_space, resize
from cryonb.imaging.resample import binned_size, interpolate_images, interpolation_matrix


def smooth(size, dims=2):
    axes = np.indices((size,) * dims) / size - (size // 2) / size
    return sum(np.cos(2 * np.pi * (k + 1) * axis + k) for k, axis in enumerate(axes)).astype(np.float32)


@pytest.mark.parametrize("old,new", [(16, 32), (16, 24), (15, 30), (16, 25), (32, 16)])
def test_fourier_resizing_samples_the_same_function(old, new):
    assert np.allclose(resize(smooth(old), new, 2), smooth(new), atol=1e-5)
    assert np.allclose(resize(smooth(old, 3), new, 3), smooth(new, 3), atol=1e-5)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("dims", [2, 3])
def test_transforms_come_back_and_keep_energy(size, dims):
    data = np.random.default_rng(0).normal(size=(2, *(size,) * dims))
    transform = half_transform(data, dims)
    assert np.allclose(real_space(transform, size, dims), data)
    delta = np.zeros((size,) * dims)
    delta[(size // 2,) * dims] = 1.0
    assert np.allclose(half_transform(delta, dims), 1.0)


def test_cropping_keeps_every_shared_coefficient():
    data = np.random.default_rng(0).normal(size=(12, 12))
    wide = crop_half_transform(half_transform(data, 2), 12, 20, 2)
    back = crop_half_transform(wide, 20, 12, 2)
    inner = np.abs(np.fft.fftfreq(12, 1 / 12)) < 6
    assert np.allclose(back[inner, :6], half_transform(data, 2)[inner, :6])


@pytest.mark.parametrize("method", ["linear", "cubic"])
@pytest.mark.parametrize("old,new", [(12, 24), (13, 20), (16, 16), (24, 12)])
def test_interpolation_keeps_constants_and_ramps(method, old, new):
    matrix = interpolation_matrix(old, new, method)
    assert np.allclose(matrix.sum(axis=1), 1.0, atol=1e-6)
    ramp = np.arange(old) - old // 2
    inner = slice(new // 4, new - new // 4)
    expected = (np.arange(new) - new // 2) * old / new
    assert np.allclose((matrix @ ramp)[inner], expected[inner], atol=1e-4)


def test_cubic_is_closer_than_linear_on_smooth_images():
    image, wanted = smooth(32)[None], smooth(64)
    inner = (slice(8, -8),) * 2
    errors = {m: np.abs(interpolate_images(image, 64, m)[0] - wanted)[inner].max() for m in ("linear", "cubic")}
    assert errors["cubic"] < 0.2 * errors["linear"]


def test_binned_sizes_are_even_and_large_enough():
    assert [binned_size(128, b) for b in (1, 2, 1.5, 3)] == [128, 64, 86, 42]
    assert binned_size(101, 1) == 101
    with pytest.raises(InputError, match=r"at least 8 pixels; got 4\. Use binning 8 or less"):
        binned_size(64, 16)
