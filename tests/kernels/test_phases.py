import numpy as np
import pytest
from tolerances import PHASE

from cryonb.backends import get_backend
from cryonb.kernels.phases import LARGEST, make_wave


def make_probe(target):
    wave = make_wave(target)

    @target.function
    def probe(item, row, column, turns, found):
        cosine, sine = wave(turns[item])
        found[item, 0] = cosine
        found[item, 1] = sine

    return probe


def waves(turns):
    found = np.empty((len(turns), 2), np.float32)
    get_backend("numba").launch(make_probe, (), (len(turns), 1, 1), (turns, found), 1)
    return found


def true_waves(turns):
    exact = turns.astype(np.float64)
    angle = 2.0 * np.pi * (exact - np.round(exact))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("largest", [1e-4, 0.5, 3.0, 1e3, LARGEST / 2])
def test_waves_are_those_of_double_precision(largest):
    rng = np.random.default_rng(1)
    turns = rng.uniform(-largest, largest, 200_000).astype(np.float32)
    np.testing.assert_allclose(waves(turns), true_waves(turns), rtol=0, atol=PHASE)


def test_quarters_and_eighths_and_their_neighbours():
    eighths = (np.arange(-64, 65) / 8).astype(np.float32)
    turns = np.concatenate([eighths, np.nextafter(eighths, np.float32(99)), np.nextafter(eighths, np.float32(-99))])
    np.testing.assert_allclose(waves(turns), true_waves(turns), rtol=0, atol=PHASE)


def test_whole_numbers_of_turns_change_nothing():
    turns = np.array([0.0, 1.0, -1.0, 5.0, -4096.0, LARGEST - 1], np.float32)
    np.testing.assert_array_equal(waves(turns), [[1.0, 0.0]] * len(turns))


def test_small_turns_keep_their_relative_accuracy():
    turns = np.float32(10.0) ** np.arange(-12, -3, dtype=np.float32)
    for sign in (1, -1):
        np.testing.assert_allclose(waves(sign * turns)[:, 1], true_waves(sign * turns)[:, 1], rtol=3 * PHASE)
