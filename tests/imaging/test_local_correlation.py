"""Local correlation: the convolutions are the sums they stand for, and noise scatters as predicted."""

import numpy as np
import pytest
from tolerances import FLOAT32_FFT, LOCAL_SCATTER

from cryonb.imaging.local_correlation import (
    Bands,
    banded_correlations,
    soft_window,
    whitened,
)
from cryonb.imaging.shells import n_coefficients, shell_power
from cryonb.imaging.windowed_correlation import window_box, windowed_correlations


def noise(size, seed):
    return np.random.default_rng(seed).standard_normal((size,) * 3).astype(np.float32)


def silent(fraction, text):
    pass


def banded(first, second, diameter, places, held=None):
    size = first.shape[0]
    held = np.ones(size // 2 + 1, bool) if held is None else held
    bands = Bands.of_window(size, diameter, int(np.flatnonzero(held).max()))
    pair = (whitened(half, held) for half in (first, second))
    return bands, list(banded_correlations(*pair, diameter, bands, places, silent))


def everywhere(size, step):
    axis = np.arange(0, size, step)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def naive_banded(first, second, diameter, bands, number, place):
    """Return one correlation by whitening, filtering and summing with plain arrays."""
    size = first.shape[0]
    axis = np.fft.fftfreq(size, 1 / size)
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    shell = np.floor(radius + 0.5).astype(int)
    distance = np.abs(radius - bands.centres[number]) / bands.reach
    transfer = np.where(distance < 1, np.cos(0.5 * np.pi * distance) ** 2, 0.0)
    filtered = []
    for density in (first, second):
        transform = np.fft.fftn(density.astype(float))
        for each in range(size):
            members = shell == each
            inside = each <= size // 2 and each > 0
            level = np.sqrt(np.mean(np.abs(transform[members]) ** 2)) if members.any() else 1.0
            transform[members] *= 1.0 / level if inside else 0.0
        filtered.append(np.fft.ifftn(transform * transfer).real)
    shift = [centre - size // 2 for centre in place]
    weight = np.roll(soft_window(size, diameter), shift, axis=(0, 1, 2)).astype(float) ** 2
    one, other = filtered
    return np.sum(weight * one * other) / np.sqrt(np.sum(weight * one**2) * np.sum(weight * other**2))


@pytest.mark.parametrize("size", [16, 17])
def test_bands_are_the_sums_they_stand_for(size):
    common = noise(size, 0)
    first, second = (common + noise(size, seed) for seed in (1, 2))
    places = np.array([[8, 8, 8], [3, 10, 6], [0, 15, 1]])
    bands, found = banded(first, second, 7.0, places)
    for number in (0, len(found) - 1):
        for values, place in zip(found[number][0], places):
            expected = naive_banded(first, second, 7.0, bands, number, place)
            assert values == pytest.approx(expected, abs=20 * FLOAT32_FFT)


def test_identical_maps_correlate_fully_and_opposite_ones_not_at_all():
    first = noise(24, 0)
    places = everywhere(24, 6)
    for other, expected in ((first, 1.0), (-first, -1.0)):
        assert np.stack([values for values, _ in banded(first, other, 8.0, places)[1]]) == pytest.approx(expected)
        assert windowed_correlations(first, other, 8.0, places, silent)[1] == pytest.approx(expected, abs=1e-5)


def test_noise_scatters_as_predicted():
    first, second = noise(48, 1), noise(48, 2)
    places = everywhere(48, 7)
    _, found = banded(first, second, 14.0, places)
    for values, spread in found[4:]:
        assert values.std() == pytest.approx(spread, rel=2 * LOCAL_SCATTER)
    assert np.mean([values.std() / spread for values, spread in found]) == pytest.approx(1.0, abs=LOCAL_SCATTER)
    _, curves, spreads = windowed_correlations(first, second, 14.0, places, silent)
    assert np.mean(curves.std(axis=1) / spreads) == pytest.approx(1.0, abs=LOCAL_SCATTER)


def test_any_filter_by_shell_changes_nothing():
    from cryonb.imaging.fourier import half_radius, half_transform, real_space

    first, second = noise(32, 0) + noise(32, 1), noise(32, 0) + noise(32, 2)
    held = np.arange(17) <= 12
    fall = np.exp(-0.2 * np.round(half_radius(32)))
    places = everywhere(32, 8)
    plain = banded(first, second, 10.0, places, held)[1]
    sharp = banded(*[real_space(half_transform(half) * fall, 32) for half in (first, second)], 10.0, places, held)[1]
    for (one, _), (other, _) in zip(plain, sharp):
        assert one == pytest.approx(other, abs=1e-3)


def test_whitened_shells_have_equal_power_and_empty_ones_none():
    held = np.arange(9) <= 5
    power = shell_power(whitened(3.0 * noise(16, 0), held)) / n_coefficients(16)
    assert power[1:6] == pytest.approx(1.0)
    assert not power[[0, 6, 7, 8]].any()


def test_a_place_without_power_has_no_correlation():
    first, second = noise(48, 0), noise(48, 1)
    for half in (first, second):
        half[:32] = 1e-4 * half[:32]
    places = np.array([[16, 24, 24], [40, 24, 24]])
    values = np.stack([values for values, _ in banded(first, second, 8.0, places)[1]])
    assert np.isnan(values[1:-2, 0]).all()
    assert np.isfinite(values[:, 1]).all()


def test_windows_fall_to_one_half_at_their_diameter():
    window = soft_window(65, 20.0)[32, 32]
    assert window[32 + 10] == pytest.approx(0.5, abs=0.01)
    assert window[32] == 1.0
    box = window_box(20.0)
    assert soft_window(box, 20.0)[0].max() == 0.0
    assert box % 2 == 0
