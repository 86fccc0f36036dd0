"""Deviates follow the distributions that they are named after."""

import numpy as np
import pytest

from cryonb.imaging.populations import preferred_tilt, truncated_normal, uniform_tilt

DRAWS = (np.arange(4000) + 0.5) / 4000


def test_truncated_normal_deviates():
    values = np.array([truncated_normal(draw, 3.0, 5.0) for draw in DRAWS])
    assert abs(values.mean()) < 1e-9
    assert np.abs(values).max() <= 5.0
    assert values.std() == pytest.approx(2.388, abs=0.005)
    wide = np.array([truncated_normal(draw, 3.0, 100.0) for draw in DRAWS])
    assert wide.std() == pytest.approx(3.0, abs=0.01)
    assert truncated_normal(0.3, 0.0, 5.0) == truncated_normal(0.3, 5.0, 0.0) == 0.0


def test_uniform_tilts_fill_the_sphere_evenly():
    height = np.cos(np.deg2rad([uniform_tilt(draw) for draw in DRAWS]))
    np.testing.assert_allclose(np.sort(height), 2 * DRAWS - 1, atol=1e-9)


def test_preferred_tilts_lie_about_the_view():
    top = np.deg2rad([preferred_tilt(draw, "top", 6.0) for draw in DRAWS])
    assert np.sqrt(np.mean(top**2) / 2) == pytest.approx(np.deg2rad(6.0), rel=0.01)
    side = np.array([preferred_tilt(draw, "side", 6.0) for draw in DRAWS])
    assert side.mean() == pytest.approx(90.0)
    assert side.std() == pytest.approx(6.0, rel=0.01)
    assert max(preferred_tilt(draw, "top", 90.0) for draw in DRAWS) == 180.0
