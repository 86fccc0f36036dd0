"""Joined halves: one below a shell, apart past it."""

import numpy as np
import pytest
from tolerances import FLOAT32_FFT

from cryonb.imaging.fourier import half_transform
from cryonb.imaging.shells import fourier_shell_correlation, shell_index
from cryonb.refine.joining import join, join_shell

SHELL = 4.5


@pytest.fixture(params=[16, 17], ids=["even", "odd"])
def halves(request):
    return np.random.default_rng(0).normal(size=(2, *[request.param] * 3)).astype(np.float32)


def weights(halves, first=1.0, second=1.0):
    return np.outer([first, second], np.ones(halves.shape[-1] // 2 + 1))


def test_halves_are_one_below_the_join_and_untouched_past_it(halves):
    joined = join(halves, weights(halves), SHELL)
    curve = fourier_shell_correlation(*map(half_transform, joined))
    before = fourier_shell_correlation(*map(half_transform, halves))
    assert curve[:5] == pytest.approx(1.0) and curve[6:] == pytest.approx(before[6:], abs=FLOAT32_FFT)
    past = shell_index(halves.shape[-1]) > SHELL
    for one, other in zip(halves, joined):
        change = np.abs(half_transform(one) - half_transform(other))
        assert change[past].max() < FLOAT32_FFT * np.abs(half_transform(one)).max() and change[~past].max() > 1


def test_the_join_is_weighted_by_what_was_inserted(halves):
    joined = join(halves, weights(halves, 3.0, 1.0), SHELL)
    inside = shell_index(halves.shape[-1]) < SHELL
    wanted = 0.75 * half_transform(halves[0]) + 0.25 * half_transform(halves[1])
    assert np.allclose(half_transform(joined[1])[inside], wanted[inside], atol=FLOAT32_FFT * np.abs(wanted).max())


def test_nothing_is_touched_where_nothing_is_joined(halves):
    assert join(halves, weights(halves), 0.0) is halves
    assert join_shell(144.0, 0.0) == 0.0 and join_shell(144.0, 40.0) == pytest.approx(3.6)


def test_a_shell_that_holds_nothing_is_shared_evenly(halves):
    joined = join(halves, weights(halves, 0.0, 0.0), SHELL)
    assert np.isfinite(joined).all()
