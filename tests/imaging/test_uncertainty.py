import numpy as np
import pytest
from tolerances import COVERED, SPILL_FREE

from cryonb.imaging.dither import read_back, turned_grids, within_sphere
from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.shells import fourier_shell_correlation, n_coefficients, shell_power
from cryonb.imaging.uncertainty import correlation_half_width, holds_signal, without_spill


def filtered_noise(size, spectrum, seed):
    """Return a real map of random values with a power spectrum."""
    noise = half_transform(np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32))
    shaped = noise * np.sqrt(np.interp(half_radius(size), np.arange(spectrum.size), spectrum))
    return real_space(shaped, size).astype(np.float32)


def signal_with_noise(size, ratio, seed):
    """Return two maps of one signal with noise of their own, and the signal, of flat spectra."""
    maps = [filtered_noise(size, np.ones(size // 2 + 1), 3 * seed + part) for part in range(3)]
    signal = np.sqrt(ratio) * maps[0]
    return half_transform(signal + maps[1]), half_transform(signal + maps[2]), half_transform(signal)


def grid_error(shells):
    """Return the variance that is there whatever the draws."""
    return 0.005**2 + (0.03 / np.maximum(np.arange(shells), 1)) ** 2


@pytest.mark.parametrize("ratio", [0.0, 0.3, 3.0])
def test_the_interval_holds_the_truth(ratio):
    size, within = 24, []
    for seed in range(12):
        first, second, signal = signal_with_noise(size, ratio, seed)
        measured = fourier_shell_correlation(first, second)
        truth = np.zeros(measured.size)
        if ratio > 0:
            truth = fourier_shell_correlation(first, signal) * fourier_shell_correlation(second, signal)
        within.append((np.abs(measured - truth) <= correlation_half_width(measured[None], size))[1:])
    low, high = COVERED
    assert low <= np.mean(within) <= high


def test_the_interval_widens_with_what_the_grids_disagree_about():
    rng = np.random.default_rng(0)
    even = np.full((4, 17), 0.5)
    offset = 0.1 * rng.normal(size=even.shape)
    uneven = even + offset - offset.mean(axis=0)
    assert np.all(correlation_half_width(uneven, 32) > correlation_half_width(even, 32))
    expected = 1.96 * np.sqrt(0.25 / n_coefficients(32) + grid_error(17))
    assert np.allclose(correlation_half_width(even, 32), expected)


def test_symmetry_copies_count_once():
    draws = np.zeros((2, 17))
    chance = [(correlation_half_width(draws, 32, order) / 1.96) ** 2 - grid_error(17) for order in (1, 4)]
    assert np.allclose(chance[1], 4 * chance[0])


def test_power_that_is_spilled_off_the_grid_does_not_lower_the_correlation():
    """Strong noise past shell 12, towards the edge of the box stronger still, as gridding correction leaves it."""
    size = 32
    spectrum = np.where(np.arange(17) < 12, 1.0, 400.0)
    position = np.abs(np.arange(size) - size // 2) / size
    edge = 1.0 + 8.0 * position**2
    edge = edge[:, None, None] * edge[:, None] * edge
    turn = turned_grids(1, 3)[0]
    unturned = half_transform(filtered_noise(size, spectrum, 1) * edge)
    turned = read_back(filtered_noise(size, spectrum, 2) * edge, turn)
    power, power_read = (shell_power(within_sphere(map_)) / n_coefficients(size) for map_ in (unturned, turned))
    inner = slice(6, 11)
    assert np.all(power_read[inner] > SPILL_FREE * power[inner])
    draws, held = np.full((1, 17), 0.1), np.arange(17) < 14
    mended = without_spill(draws, power_read[None], power, held, power, 32)
    expected = 0.1 * np.sqrt(power_read / power)
    assert np.all(mended[0, inner] > 0.9 * expected[inner]) and np.all(mended[0, inner] <= expected[inner])
    assert np.array_equal(mended[0, 14:], draws[0, 14:])


def test_no_spill_leaves_correlations_as_they_are():
    draws = np.random.default_rng(0).uniform(0.1, 0.9, (3, 17))
    power = np.random.default_rng(1).uniform(1.0, 2.0, 17)
    held = np.ones(17, bool)
    assert np.array_equal(without_spill(draws, np.tile(power, (3, 1)), power, held, power, 32), draws)
    assert np.array_equal(without_spill(draws, 0.5 * np.tile(power, (3, 1)), power, held, power, 32), draws)
    assert np.array_equal(without_spill(draws, np.tile(power, (3, 1)), np.zeros(17), held, power, 32), draws)


def test_more_than_the_noisiest_shell_could_give_is_no_spill():
    draws, power, held = np.full((1, 17), 0.9), np.ones(17), np.ones(17, bool)
    read = np.full((1, 17), 1.5)
    mended = without_spill(draws, read, power, held, np.full(17, 0.1), 32)
    assert np.all(mended[0, 6:] == 0.9 * np.sqrt(1.1)) and np.all(np.abs(mended) <= 1.0)
    assert np.all(without_spill(draws, read, power, held, np.full(17, 0.6), 32)[0, 6:] > 1.1 * draws[0, 6:])


def test_signal_is_what_the_interval_keeps_clear_of_nothing():
    correlation = np.concatenate([np.full(30, 0.2), [0.2, 0.1, np.nan]])
    held = holds_signal(correlation, np.full(33, 0.06), 64)
    assert held[-3:].tolist() == [True, False, False]


@pytest.mark.parametrize("order", [1, 4])
def test_noise_holds_no_signal_however_lucky(order):
    rng, size = np.random.default_rng(0), 24
    count = n_coefficients(size)
    found = np.zeros(13)
    for _ in range(400):
        lucky = np.tanh(rng.normal(size=13) * np.sqrt(order / count))
        draws = np.tile(lucky, (4, 1))
        found += holds_signal(lucky, correlation_half_width(draws, size, order), size, order)
    assert found.sum() <= 3
    assert holds_signal(np.full(13, 0.95), np.full(13, 0.1), size, order)[3:].all()


def test_signal_is_seen_on_all_but_the_very_first_shells():
    assert holds_signal(np.full(13, 0.9), np.full(13, 0.1), 24)[1:].all()
