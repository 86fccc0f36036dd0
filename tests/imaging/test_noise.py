"""Noise that depends on seed, stream and particle only, and has the spectrum that was asked for."""

import numpy as np
import pytest
import tolerances

from cryonb.imaging.noise import colour, falling_spectrum, noise_spectrum, plane_multiplicity, white_noise


def test_noise_belongs_to_the_particle():
    together = white_noise(3, 1, [4, 5, 6], 8)
    assert np.array_equal(white_noise(3, 1, [6], 8)[0], together[2])
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(white_noise(3, 2, [4], 8)[0], together[0])
    assert not np.array_equal(white_noise(4, 1, [4], 8)[0], together[0])
    assert together.dtype == np.float32


@pytest.mark.parametrize("size", [31, 32])
def test_white_noise_has_a_flat_spectrum_of_its_variance(size):
    images = white_noise(0, 1, range(200), size)
    spectrum = noise_spectrum(images)
    assert images.var() == pytest.approx(1.0, abs=tolerances.NOISE_POWER)
    np.testing.assert_allclose(spectrum[3:], 1.0, atol=tolerances.NOISE_POWER)


@pytest.mark.parametrize("size", [31, 32])
def test_coloured_noise_has_the_spectrum_and_the_variance(size):
    wanted = falling_spectrum(size, 9.0)
    assert wanted[0] == 9.0
    assert size % 2 == 1 or wanted[-1] == pytest.approx(1.0)
    images = colour(white_noise(0, 1, range(300), size), wanted)
    assert images.dtype == np.float32
    assert images.var() == pytest.approx(1.0, abs=tolerances.NOISE_POWER)
    spectrum = noise_spectrum(images)
    ratio = spectrum[3 : size // 2] / wanted[3 : size // 2]
    np.testing.assert_allclose(ratio / ratio.mean(), 1.0, atol=tolerances.NOISE_POWER)


def test_a_particle_in_the_middle_does_not_disturb_the_background():
    images = white_noise(0, 1, range(200), 48) + 5.0
    line = np.arange(48) - 24
    particle = 40.0 * np.exp(-(line[:, None] ** 2 + line**2) / 18.0)
    spectrum = noise_spectrum(images + particle.astype(np.float32), background_radius=16.0)
    np.testing.assert_allclose(spectrum[4:], 1.0, atol=tolerances.NOISE_POWER)
    assert noise_spectrum(images + particle.astype(np.float32))[4] > 2.0


@pytest.mark.parametrize("size", [7, 8])
def test_the_half_plane_stands_for_the_full_one(size):
    image = np.random.default_rng(0).normal(size=(size, size))
    power = (plane_multiplicity(size) * np.abs(np.fft.rfft2(image)) ** 2).sum() / size**2
    assert plane_multiplicity(size).sum() == size**2
    assert power == pytest.approx((image**2).sum())
