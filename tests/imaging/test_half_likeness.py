"""Likeness of halves: independent noise is unlike, copies and shared noise are not, scales are read."""

import numpy as np
import pytest

from cryonb.imaging.half_likeness import compare_halves


def halves(size=32):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(size,) * 3).astype(np.float32) for _ in range(2)]


def test_independent_noise_is_unlike():
    like = compare_halves(*halves())
    assert not like.copy
    assert abs(like.solvent) < 0.1
    assert like.scale == pytest.approx(1.0, abs=0.02) and like.ratio_span < 2.0


def test_a_copy_is_one_whatever_its_scale():
    first, _ = halves()
    like = compare_halves(first, 1.7 * first)
    assert like.copy and like.scale == pytest.approx(1.7) and like.solvent == pytest.approx(1.0)


def test_opposite_contrast_is_told_from_no_likeness():
    first, second = halves()
    assert not compare_halves(first, second).opposite and not compare_halves(first, first + second).opposite
    like = compare_halves(first + 0.5 * second, -1.7 * first)
    assert like.opposite and not like.copy and like.scale == pytest.approx(1.7 / np.sqrt(1.25), rel=0.05)
    assert like.agreement == pytest.approx(-1 / np.sqrt(1.25), abs=0.03)
    assert compare_halves(first, -first).copy


def test_shared_noise_shows_in_the_solvent():
    first, second = halves()
    like = compare_halves(first, first + 0.3 * second)
    assert not like.copy and like.solvent == pytest.approx(1 / np.sqrt(1.09), abs=0.03)


def test_shells_past_the_last_are_left_out():
    from cryonb.imaging.fourier import half_radius, half_transform, real_space

    first, second = halves()
    cut = real_space(half_transform(second) * np.where(half_radius(32) > 10, 0.01, 1.0), 32)
    assert compare_halves(first, cut).ratio_span > 1e3
    assert compare_halves(first, cut, last=10).ratio_span < 4.0
