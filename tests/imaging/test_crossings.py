"""Curves that are followed fall where the single curve falls, and noise is not called a resolution."""

import numpy as np
import pytest

from cryonb.imaging.crossings import Crossings, detectable
from cryonb.imaging.shells import crossing


def followed(curves, shells=None, level=0.0):
    crossings = Crossings(curves.shape[1], (0.143, 0.5))
    for shell, values in zip(range(len(curves)) if shells is None else shells, curves):
        crossings.add(shell, values, level)
    return crossings


def test_many_curves_fall_where_single_ones_do():
    rng = np.random.default_rng(0)
    curves = np.clip(1.2 - np.arange(20)[:, None] / 12 + rng.normal(0, 0.1, (20, 50)), -1, 1)
    curves[rng.random(curves.shape) < 0.1] = np.nan
    curves[0] = 1.0
    found = followed(curves).shells
    for number in range(50):
        for row, threshold in zip(found, (0.143, 0.5)):
            valid = np.isfinite(curves[:, number])
            single = crossing(np.r_[1.0, curves[1:, number]], threshold, valid)
            shifted = crossing(np.r_[np.nan, curves[:, number]], threshold, np.r_[False, valid]) - 1.0
            assert row[number] == pytest.approx(shifted, nan_ok=True)
            assert single >= row[number] or np.isnan(single)


def test_what_becomes_of_a_curve():
    curves = np.array([[0.9, 0.9, 0.2, 0.4], [0.6, 0.9, 0.1, 0.3], [0.0, 0.8, 0.0, 0.1]])
    crossings = followed(curves, level=0.3)
    assert crossings.outcomes().tolist() == [
        ["reached", "data end", "below", "reached"],
        ["reached", "data end", "below", "below"],
    ]
    assert np.isnan(crossings.shells[:, 1:3]).all()


def test_noise_rarely_reaches_what_is_detectable():
    rng = np.random.default_rng(1)
    for count in (6, 20, 100):
        first, second = rng.standard_normal((2, 20000, count))
        values = (first * second).sum(1) / np.sqrt((first**2).sum(1) * (second**2).sum(1))
        share = np.mean(values > detectable(count**-0.5, 2.0))
        assert share == pytest.approx(0.0228, rel=0.2)
    assert detectable(0.8, 4.0) == np.inf
