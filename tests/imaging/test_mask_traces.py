"""Traces of masks: constant and silent regions, the profile of the edge, and the leak that it predicts."""

import numpy as np
import pytest
from tolerances import LEAK_DECADES, MASK_PROFILE

from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.mask_traces import find_mask, mask_of, predicted_leak
from cryonb.imaging.masks import soft_sphere
from cryonb.imaging.shells import n_coefficients, shell_power

SIZE = 48


def halves(last=SIZE):
    rng = np.random.default_rng(0)
    kept = half_radius(SIZE) <= last
    return [real_space(half_transform(rng.normal(size=(SIZE,) * 3)) * kept, SIZE).astype(np.float32) for _ in range(2)]


def trace(first, second, step=0.0):
    return find_mask(first, second, first - second, step)


def power(density):
    return shell_power(half_transform(density)) / n_coefficients(SIZE)


def test_untouched_noise_has_no_mask():
    found = trace(*halves())
    assert found.how == "" and found.kept == 1.0 and not found.outside.any()


def test_softened_corners_are_no_mask():
    corners = soft_sphere(SIZE, 1.0, SIZE / 2, 2.0)
    assert trace(*(half * corners for half in halves())).how == ""


@pytest.mark.parametrize("value", [0.0, -0.25])
def test_a_soft_sphere_is_found_with_its_profile(value):
    mask = soft_sphere(SIZE, 1.0, 0.3 * SIZE, 5.0)
    found = trace(*((half * mask + np.float32(value) * (1 - mask)).astype(np.float32) for half in halves()))
    assert found.how == "constant" and found.constant == pytest.approx(value)
    assert found.kept == pytest.approx((mask > 0).mean(), abs=1e-3)
    assert np.sqrt(np.mean((mask_of(found) - mask) ** 2)) < MASK_PROFILE


def test_a_mask_that_was_filtered_afterwards_is_silent_outside():
    mask = soft_sphere(SIZE, 1.0, 0.25 * SIZE, 4.0)
    blurred = [real_space(half_transform(half * mask) * (half_radius(SIZE) < 16), SIZE) for half in halves()]
    found = trace(*(half.astype(np.float32) for half in blurred))
    assert found.how == "silent" and np.isnan(found.kept)
    assert found.outside.any() and (mask[found.outside] < 0.5).all()


def test_noise_that_steps_hide_shows_no_mask():
    mask = soft_sphere(SIZE, 1.0, 0.3 * SIZE, 4.0)
    masked = [half * mask for half in halves()]
    assert trace(*masked, step=0.1).how == "constant"
    assert trace(*masked, step=100.0).how == ""


def test_the_leak_is_that_of_the_mask():
    first, second = (half * soft_sphere(SIZE, 1.0, 0.3 * SIZE, 5.0) for half in halves(last=12))
    leak, noise = predicted_leak(trace(first, second), power(first - second), 12), power(first - second)
    assert np.abs(np.log10(leak / noise))[14:21].max() < LEAK_DECADES
    assert not predicted_leak(trace(*halves()), noise, 12).any()
