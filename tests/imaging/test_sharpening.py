"""Sharpening: one rule, whoever asks."""

import numpy as np
import pytest
from tolerances import PLANTED_SLOPE

from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.guinier import GuinierFit
from cryonb.imaging.sharpening import (
    CHOICES,
    b_factor_to_apply,
    end_of_fit,
    fit_map,
    sharpened_map,
    signal_weight,
    weighted_map,
)
from cryonb.imaging.shells import independent_coefficients, shell_amplitude

SIZE, LENGTH = 64, 96.0


def fading(b_factor):
    """White noise whose amplitudes fall as exp(-B / (4 d^2))."""
    noise = half_transform(np.random.default_rng(0).normal(size=(SIZE,) * 3).astype(np.float32))
    return real_space(noise * np.exp(-b_factor / 4 * (half_radius(SIZE) / LENGTH) ** 2), SIZE).astype(np.float32)


def fit(b_factor=80.0, reliable=True, reason="24 shells from 10 to 3 A"):
    return GuinierFit(np.ones(3, bool), -b_factor / 4, 0.0, b_factor, 0.9 * b_factor, 1.1 * b_factor, reliable, reason)


def test_a_planted_b_factor_is_found_and_undone():
    density, curve = fading(90.0), np.full(SIZE // 2 + 1, 0.999)
    found = fit_map(density, curve, independent_coefficients(SIZE), LENGTH, 3.2)
    assert found.b_factor == pytest.approx(90.0, rel=PLANTED_SLOPE) and found.reliable
    flat = shell_amplitude(half_transform(sharpened_map(density, np.ones(curve.size), 90.0, LENGTH, SIZE)))
    assert flat[4:-1] == pytest.approx(flat[4:-1].mean(), rel=0.1)


def test_shells_without_data_are_not_fitted():
    curve = np.where(np.arange(SIZE // 2 + 1) < 20, 0.999, np.nan)
    found = fit_map(fading(90.0), curve, independent_coefficients(SIZE), LENGTH, 3.2)
    assert not found.used[20:].any() and not found.reliable


@pytest.mark.parametrize(
    ("sharpen", "made", "factor", "says"),
    [
        ("if_reliable", fit(), 80.0, "sharpened by 80 A^2 (95 % interval 72 to 88)"),
        ("if_reliable", fit(reliable=False, reason="too few"), 0.0, "not sharpened: too few"),
        (
            "always",
            fit(reliable=False, reason="too few"),
            80.0,
            "sharpened by 80 A^2 (95 % interval 72 to 88), although too few",
        ),
        ("always", fit(np.nan, False, "3 shells"), 0.0, "not sharpened: 3 shells"),
        ("never", fit(), 0.0, "not sharpened: sharpening is switched off"),
    ],
)
def test_the_rule(sharpen, made, factor, says):
    assert sharpen in CHOICES and b_factor_to_apply(made, sharpen) == (factor, says)


def test_a_fit_ends_at_the_coarsest_of_its_ends():
    assert end_of_fit(200.0, 30.0, 40.0, 50) == pytest.approx(200 / 30)
    assert end_of_fit(200.0, np.nan, 40.0, 50) == 5.0
    assert end_of_fit(200.0, np.nan, np.inf, 0) == 200.0


def test_weights_and_low_pass_act_on_shells():
    density = fading(0.0)
    assert np.allclose(weighted_map(half_transform(density), np.ones(33), 60.0), _without_corners(density), atol=1e-4)
    cut = shell_amplitude(half_transform(weighted_map(half_transform(density), np.ones(33), 10.0)))
    assert cut[13:].max() < 1e-3 < cut[8]
    assert signal_weight(np.array([1.0, 0.5, 0.0, -1.0, np.nan])) == pytest.approx([1.0, (2 / 3) ** 0.5, 0, 0, 0])


def _without_corners(density):
    return real_space(half_transform(density) * (half_radius(SIZE) < SIZE / 2 + 0.5), SIZE)
