"""Filters in spectra of noise: the shape and cutoff that were put in, and none in what reconstructions make."""

import numpy as np
import pytest

from cryonb.imaging.filter_shapes import fit_filter

K = np.arange(1, 41) / 160.0
USED = np.arange(40) >= 8


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_a_gaussian_gives_its_b_factor_back(slope):
    for b_factor in (300.0, -200.0):
        found = fit_filter(K, K**slope * np.exp(-b_factor / 2 * K**2), USED)
        assert found.name == "Gaussian"
        assert found.b_range[0] < b_factor < found.b_range[1]
        assert slope == 0.0 or found.b_factor == pytest.approx(b_factor, rel=1e-6)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_a_butterworth_gives_its_cutoff_back(order):
    found = fit_filter(K, K / (1 + (K / 0.12) ** (2 * order)), USED)
    assert (found.name, found.order) == ("Butterworth", order)
    assert found.cutoff == pytest.approx(0.12, rel=0.02)


def test_what_reconstructions_make_is_no_filter():
    wiggle = np.exp(0.3 * np.sin(np.arange(40)))
    for noise in (np.ones(40), K, wiggle * K, wiggle, np.sqrt(K), np.exp(-15 * K**2)):
        assert fit_filter(K, noise, USED).name == ""
    assert fit_filter(K, np.exp(-150 * K**2), np.arange(40) > 36).name == ""
