"""Both half maps of classes, the power of their noise, and their curve under a mask."""

import types

import numpy as np
import pytest
from recipe_runs import particles, run_of
from tolerances import HALF_NOISE

from cryonb.config import RunConfig
from cryonb.imaging.fourier import half_radius, half_transform, real_space
from cryonb.imaging.masks import soft_sphere
from cryonb.imaging.shells import fourier_shell_correlation
from cryonb.refine.counter import Counter
from cryonb.refine.half_sets import insert_half_sets, map_power, noise_power
from cryonb.refine.masked_curve import first_random_shell, mask_corrected_fsc

RUN = types.SimpleNamespace(counter=Counter(1.0, None), config=RunConfig())


def test_half_sets_are_what_their_members_give():
    _, run = run_of("refine3d", particles(64))
    given, everyone = run.given(), np.arange(64)
    sets = insert_half_sets(run, given, everyone, run.half)
    for place, which in enumerate((1, 2)):
        members = run.members(run.half, which)
        alone = run.average(given[members], members, 0)
        assert np.array_equal(sets.half_map[0, place], alone.density)
        assert np.array_equal(sets.shell_weight[0, place], alone.shell_weight)
    assert sets.alive.all() and sets.mean == pytest.approx(sets.half_map.mean(axis=1))
    some = np.arange(0, 64, 3)
    part = insert_half_sets(run, given[some], some, run.half)
    members = some[run.half[some] == 1]
    assert np.array_equal(part.half_map[0, 0], run.average(given[members], members, 0).density)


def test_what_halves_do_not_share_is_the_noise_of_their_mean():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(32,) * 3)
    noise = rng.normal(0, 0.5, (2, 32, 32, 32))
    measured = noise_power((signal + noise).astype(np.float32))
    truly = map_power(noise.mean(axis=0).astype(np.float32))
    assert measured[4:] == pytest.approx(truly[4:], rel=HALF_NOISE)
    assert measured[4:].mean() == pytest.approx(32**3 * 0.125, rel=0.05)


def test_a_mask_makes_no_correlation_of_noise():
    rng = np.random.default_rng(1)
    halves = rng.normal(size=(2, 32, 32, 32)).astype(np.float32)
    shared = half_transform(rng.normal(size=(32,) * 3).astype(np.float32))
    mask = soft_sphere(32, 1.0, 9.0, 3.0)
    low = real_space(40.0 * shared * (half_radius(32) < 6), 32).astype(np.float32)
    halves += low
    raw = fourier_shell_correlation(*map(half_transform, halves))
    raw[14:] = np.nan
    masked = fourier_shell_correlation(*(half_transform(half * mask) for half in halves))
    corrected = mask_corrected_fsc(RUN, halves, raw, mask)
    assert first_random_shell(raw) == 7, "the shell that the filter cuts is still whole in both"
    assert np.array_equal(corrected[:9], masked[:9]) and np.isnan(corrected[14:]).all()
    assert masked[9:12].mean() > 0.3 and abs(corrected[9:14].mean()) < 0.15
