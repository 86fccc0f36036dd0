"""Cliffs of spectra: found where they are, not in smooth spectra, and with the rise that corners make."""

import numpy as np
import pytest

from cryonb.imaging.fourier import half_indices, half_transform
from cryonb.imaging.spectrum_edge import axis_power, edge_rise, find_cliff, find_peak, is_white, square_rise

SHELL = np.arange(49)


@pytest.mark.parametrize("shell", [8, 20, 40])
def test_a_cliff_is_found_at_its_shell(shell):
    cliff = find_cliff(np.where(shell >= SHELL, 1.0, 1e-6))
    assert (cliff.shell, cliff.decades, cliff.width) == (shell, pytest.approx(6.0), 1)


def test_smooth_spectra_have_no_cliff():
    for power in (np.ones(49), np.exp(-((SHELL / 10.0) ** 2)), (1 + (SHELL / 20.0) ** 8) ** -1.0, SHELL + 1.0):
        assert find_cliff(power) is None


def test_what_lies_below_the_floor_is_no_cliff():
    power = np.where(SHELL <= 20, 1.0, 1e-6)
    assert find_cliff(power, floor=0.5) is None
    assert find_cliff(power, floor=1e-4).decades == pytest.approx(4.0)


def test_a_soft_edge_is_wider_than_a_hard_one():
    edge = np.clip((SHELL - 18) / 6.0, 0, 1)
    soft = find_cliff((0.5 + 0.5 * np.cos(np.pi * edge)) ** 2 + 1e-12)
    assert soft.width >= 3


def test_noise_rises_before_a_cliff_that_corners_make():
    rho = np.clip(SHELL / 24.0, 1.0, 1.41)
    square = SHELL / (1 - 4 / np.pi * np.arccos(1 / rho))
    assert square_rise(square.astype(float), 34) == pytest.approx(1.0, abs=0.1)
    assert square_rise(SHELL.astype(float), 34) == pytest.approx(0.0, abs=0.1)
    assert np.isnan(square_rise(SHELL.astype(float), 8))


def test_noise_rises_at_the_end_of_sparse_data_and_not_at_a_filter():
    smooth = np.exp(0.02 * SHELL)
    sparse = np.where(SHELL >= 24, 4.0, 1.0) * smooth
    assert edge_rise(sparse, 25) == pytest.approx(np.log10(4.0), abs=1e-6)
    assert edge_rise(smooth, 25) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(edge_rise(smooth, 6))


def test_a_smeared_cliff_needs_a_rise_before_it():
    fall = np.where(SHELL > 25, 10.0 ** (-0.2 * (SHELL - 25)), 1.0)
    assert find_peak(np.where((SHELL >= 24) & (SHELL <= 25), 4.0, 1.0) * fall).shell in (24, 25)
    assert find_peak(fall) is None and find_peak(np.ones(49)) is None


def test_white_is_flat_and_nothing_else():
    scatter = 1 + 0.02 * np.random.default_rng(0).normal(size=20)
    assert is_white(scatter) and is_white(np.ones(4))
    assert not is_white(10.0 ** (-0.02 * np.arange(20)) * scatter)
    assert not is_white(np.ones(3)) and not is_white(np.zeros(9))


def test_power_along_axes_tells_them_apart():
    size = 24
    transform = half_transform(np.random.default_rng(0).normal(size=(size,) * 3))
    kz = half_indices(size)[0]
    along_z, along_y, along_x = axis_power(np.where(np.abs(kz) > 6, 0, transform))
    assert (along_z[9:] == 0).all() and (along_y[9:] > 0).all() and (along_x[9:] > 0).all()
