"""Shells: counted, summed and correlated as an obvious loop over the full transform does it."""

import time

import mrcfile
import numpy as np
import pytest
import starfile
from tolerances import FLOAT32_SUM, HALF_SPHERE, NOISE_SIGMAS

from cryonb.imaging.fourier import half_transform, real_space
from cryonb.imaging.shells import (
    crossing,
    fourier_shell_correlation,
    half_bit,
    independent_coefficients,
    n_coefficients,
    rounding_floor,
    shell_amplitude,
    shell_index,
    shell_power,
    shell_sums,
    three_sigma,
)

SIZES = (8, 9, 15, 16)


def noise(size, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=(size,) * 3).astype(dtype)


def full_shells(size):
    signed = np.fft.fftfreq(size) * size
    return np.floor(np.sqrt(signed[:, None, None] ** 2 + signed[:, None] ** 2 + signed**2) + 0.5)


@pytest.mark.parametrize("size", SIZES)
def test_counts_are_those_of_the_full_transform(size):
    shells = full_shells(size)
    expected = [int((shells == shell).sum()) for shell in range(size // 2 + 1)]
    assert n_coefficients(size).tolist() == expected


@pytest.mark.parametrize("size", SIZES)
def test_index_flags_the_corners(size):
    index = shell_index(size)
    assert index.dtype == np.int32
    assert index.shape == (size, size, size // 2 + 1)
    assert index.max() == size // 2 + 1
    assert not index.flags.writeable
    assert np.array_equal(index, np.minimum(full_shells(size)[..., : size // 2 + 1], size // 2 + 1))


@pytest.mark.parametrize("size", SIZES)
def test_parseval(size):
    density = noise(size)
    transform = half_transform(density)
    stands_for = np.array([2.0 if 0 < column < size / 2 else 1.0 for column in range(size // 2 + 1)])
    everything = (np.abs(transform) ** 2 * stands_for).sum()
    assert everything == pytest.approx(size**3 * (density**2).sum())
    low = np.where(shell_index(size) <= size // 2, transform, 0.0)
    assert shell_power(transform).sum() == pytest.approx(size**3 * (real_space(low, size) ** 2).sum())


@pytest.mark.parametrize("size", SIZES)
def test_correlation_and_amplitude_follow_the_obvious_loop(size):
    first, second = noise(size, 1), noise(size, 2) + 0.5 * noise(size, 1)
    one, other, shells = np.fft.fftn(first), np.fft.fftn(second), full_shells(size)
    for shell, fsc, amplitude in zip(
        range(size // 2 + 1),
        fourier_shell_correlation(half_transform(first), half_transform(second)),
        shell_amplitude(half_transform(first)),
    ):
        a, b = one[shells == shell], other[shells == shell]
        assert fsc == pytest.approx((a * b.conj()).real.sum() / np.sqrt((abs(a) ** 2).sum() * (abs(b) ** 2).sum()))
        assert amplitude == pytest.approx(abs(a).mean())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_map_with_itself_is_exactly_one(dtype):
    transform = half_transform(noise(17, dtype=dtype))
    assert np.array_equal(fourier_shell_correlation(transform, transform), np.ones(9))
    assert np.array_equal(fourier_shell_correlation(transform, -2 * transform), -np.ones(9))


@pytest.mark.parametrize("size", [32, 33])
def test_noise_does_not_correlate(size):
    fsc = fourier_shell_correlation(half_transform(noise(size, 3)), half_transform(noise(size, 4)))
    assert (np.abs(fsc[2:]) < NOISE_SIGMAS / np.sqrt(n_coefficients(size)[2:] / 2)).all()


def test_shells_without_power_have_no_correlation():
    transform = half_transform(noise(16))
    transform[shell_index(16) == 5] = 0.0
    fsc = fourier_shell_correlation(transform, transform)
    assert np.isnan(fsc[5])
    assert np.isfinite(np.delete(fsc, 5)).all()


def test_sums_do_not_depend_on_slabs(monkeypatch):
    transform = half_transform(noise(20))
    expected = shell_power(transform)
    monkeypatch.setattr("cryonb.imaging.shells.SLAB_COEFFICIENTS", 1)
    assert shell_power(transform) == pytest.approx(expected, rel=FLOAT32_SUM)
    assert shell_sums(np.abs(transform) ** 2, 20) == pytest.approx(expected, rel=FLOAT32_SUM)


def test_correlation_of_128_cubed_is_quick():
    first, second = half_transform(noise(128, 1, np.float32)), half_transform(noise(128, 2, np.float32))
    fourier_shell_correlation(first, second)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        fourier_shell_correlation(first, second)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.2


def test_rounding_to_float32_lies_below_the_floor_and_signal_above():
    size = 32
    rough = noise(size)
    low = real_space(np.where(shell_index(size) <= 8, half_transform(rough), 0.0), size)
    power = shell_power(half_transform(low.astype(np.float32).astype(np.float64)))
    mean = power / n_coefficients(size)
    floor = rounding_floor(power, size)
    assert (mean[:9] > 1e6 * floor).all()
    assert (mean[10:] < floor).all()
    assert (mean[10:] > 0.01 * floor).all()


@pytest.mark.parametrize(
    ("curve", "valid", "expected"),
    [
        ([1, 0.9, 0.5, 0.1], None, 2.5),
        ([1, 0.9, 0.5, 0.4], None, np.nan),
        ([1, 0.2, 0.9, 0.1], None, 2.75),
        ([1, 0.2, 0.1, 0.2], None, np.nan),
        ([0.1, 0.9, 0.2, 0.9], None, 1 + 0.6 / 0.7),
        ([1, 0.9, np.nan, 0.1], None, 1 + 2 * 0.6 / 0.8),
        ([1, 0.9, 0.8, 0.1], [True, True, True, False], np.nan),
        ([1, np.nan, np.nan, np.nan], None, np.nan),
    ],
)
def test_crossing(curve, valid, expected):
    valid = None if valid is None else np.array(valid)
    assert crossing(np.array(curve), 0.3, valid) == pytest.approx(expected, nan_ok=True)


def test_crossing_of_a_threshold_that_varies():
    assert crossing(np.array([1.0, 0.9, 0.6, 0.1]), np.array([1.0, 0.8, 0.7, 0.2])) == pytest.approx(1.5)


def test_thresholds_fall_towards_their_limits():
    independent = independent_coefficients(64)
    assert independent[20] == n_coefficients(64)[20] / 2
    for threshold in (half_bit, three_sigma):
        assert (np.diff(threshold(independent[1:])) <= 0).all()
        assert (threshold(independent) <= 1).all()
    fewer = independent_coefficients(64, symmetry_order=4, volume_fraction=0.1)
    assert (three_sigma(fewer)[5:] > three_sigma(independent)[5:]).all()
    assert fewer.min() == 1


def test_unmasked_correlation_of_relion(data):
    maps = [mrcfile.read(data / f"relion/rec31_half{half}_pad2.mrc") for half in (1, 2)]
    ours = fourier_shell_correlation(*[half_transform(np.asarray(half, np.float32)) for half in maps])
    table = starfile.read(data / "relion/fsc_unmasked_pad2.star")
    assert np.abs(ours - table["rlnFourierShellCorrelation"].to_numpy()).max() < HALF_SPHERE
