import numpy as np
import pytest

from cryonb.imaging.fourier import half_transform
from cryonb.imaging.images import displacement, normalise, soft_window


def test_normalised_images_have_a_standard_background():
    images = np.random.default_rng(0).normal(5.0, 3.0, (4, 32, 32)).astype(np.float32)
    images[:, 12:20, 12:20] += 50.0
    line = (np.arange(32) - 16) / 16
    background = np.hypot(line[:, None], line) > 0.75
    result = normalise(images)[:, background]
    assert np.allclose(result.mean(axis=1), 0.0, atol=1e-5)
    assert np.allclose(result.std(axis=1), 1.0, atol=1e-5)


def test_a_constant_image_is_not_divided_by_zero():
    assert np.array_equal(normalise(np.full((1, 16, 16), 7.0, np.float32)), np.zeros((1, 16, 16)))


def test_the_window_is_one_inside_and_zero_outside():
    window = soft_window(33, 0.5, 0.9)
    assert window[16, 16] == 1.0 and window[16, 0] == 0.0 and window[0, 0] == 0.0
    assert 0.0 < window[16, 16 + 12] < 1.0


@pytest.mark.parametrize("size", [16, 15])
def test_shifts_in_whole_pixels_roll_the_image(size):
    image = np.random.default_rng(0).normal(size=(size, size))
    along_y, along_x = displacement([2 / size], [-3 / size], size, size // 2, size)
    moved = np.fft.rfft2(image) * along_y[0][:, None] * along_x[0][None]
    expected = half_transform(np.roll(image, (-3, 2), axis=(0, 1)), 2)
    inner = np.abs(np.fft.fftfreq(size, 1 / size)) < size / 2
    columns = (size + 1) // 2
    assert np.allclose(moved[inner, :columns], expected[inner, :columns], atol=1e-4)
