"""Bands: where the data end, from weights or from power."""

import numpy as np
import pytest

from cryonb.imaging.bands import Extent, classify, holds_data, holds_power
from cryonb.imaging.shells import n_coefficients

M, C, S, N = "measured", "corner", "support", "no data"


def sampling(nyquist_shell=8.0, diameter=20.0, limit="", size=40):
    reach = {"circle": nyquist_shell, "square": 2**0.5 * nyquist_shell, "": np.nan}[limit]
    return Extent(size, 1.0, nyquist_shell / size, diameter, reach / size)


def weights(*runs):
    return np.concatenate([np.full(count, value) for count, value in runs])


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (weights((9, 5.0), (12, 0.0)), [M] * 9 + [S] * 4 + [N] * 8),
        (weights((9, 5.0), (2, 0.1), (1, 1e-5), (9, 0.0)), [M] * 9 + [C] * 2 + [S] * 4 + [N] * 6),
        (weights((21, 5.0)), [M] * 9 + [C] * 3 + [S] * 4 + [N] * 5),
        (weights((4, 5.0), (1, 1e-4), (4, 4.0), (12, 0.0)), [M] * 4 + [S] + [M] * 4 + [S] * 4 + [N] * 8),
    ],
)
def test_bands_of_a_square_limit(weight, expected):
    held = holds_data(np.stack([weight, 2 * weight]))
    assert classify(held, sampling(limit="square")).tolist() == expected


def test_the_poorer_half_decides():
    good, poor = weights((9, 5.0), (12, 0.0)), weights((6, 5.0), (15, 0.0))
    assert holds_data(np.stack([good, poor])).sum() == 6


def test_what_a_kernel_spills_past_a_circle_is_no_corner():
    weight = weights((9, 5.0), (1, 0.4), (11, 0.0))
    held = holds_data(weight[None])
    for limit, band in (("circle", S), ("", S), ("square", C)):
        assert classify(held, sampling(limit=limit))[9] == band


def test_corner_data_of_an_unknown_limit_are_seen():
    held = holds_data(weights((9, 5.0), (3, 0.4), (9, 0.0))[None])
    assert classify(held, sampling())[9:12].tolist() == [C, C, C]


@pytest.mark.parametrize(("diameter", "shells"), [(40.0, 2), (20.0, 4), (13.0, 7)])
def test_support_is_as_wide_as_the_particle_is_small(diameter, shells):
    band = classify(holds_data(weights((9, 5.0), (12, 0.0))[None]), sampling(diameter=diameter))
    assert (band == S).sum() == shells


def test_without_a_particle_nyquist_all_data_are_measured():
    band = classify(holds_data(weights((15, 1.0), (6, 0.0))[None]), sampling(float("nan")))
    assert band.tolist() == [M] * 15 + [S] * 4 + [N] * 2


def test_power_below_the_floor_is_no_data():
    power = weights((12, 1.0), (9, 1e-12)) * n_coefficients(40)
    held = holds_power(np.stack([power, power]), np.full(2, 1e-9), sampling(float("nan")))
    assert held.sum() == 12


@pytest.mark.parametrize(("beyond", "held"), [(0.5, 21), (1e-4, 9)])
def test_power_that_drops_away_past_the_particle_nyquist_is_no_data(beyond, held):
    power = weights((9, 1.0), (12, beyond)) * n_coefficients(40)
    assert holds_power(np.stack([power, power]), np.full(2, 1e-12), sampling()).sum() == held
