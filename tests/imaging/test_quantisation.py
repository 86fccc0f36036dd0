"""Traces of storing: half floats and integers whatever they were multiplied by, and nothing in plain floats."""

import numpy as np
import pytest

from cryonb.imaging.quantisation import find_storage


def values(seed=0, size=32):
    return np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32)


@pytest.mark.parametrize("scale", [1.0, 0.137, 1e-4, 3e3])
def test_half_floats(scale):
    found = find_storage(values().astype(np.float16).astype(np.float32) * np.float32(scale))
    assert found.kind == "float16"


@pytest.mark.parametrize("scale, offset", [(1.0, 0.0), (0.02, 0.0), (0.01, -1.3)])
@pytest.mark.parametrize("kind, levels", [("int8", 255), ("int16", 8000)])
def test_integers(kind, levels, scale, offset):
    whole = np.round((values() - values().min()) / np.ptp(values()) * levels)
    found = find_storage((whole * scale + offset).astype(np.float32))
    assert found.kind == kind
    assert found.step == pytest.approx(scale, rel=1e-3)
    assert found.noise == pytest.approx(scale**2 / 12, rel=1e-2)


@pytest.mark.parametrize("seed", range(4))
def test_plain_floats_show_nothing(seed):
    plain = values(seed, size=24)
    masked = np.where(np.abs(plain) < 1, 0, plain)
    for density in (plain, masked, np.exp(3 * plain), np.round(plain.astype(np.float64), 7)):
        assert find_storage(density.astype(np.float32)).kind == ""


def test_few_values_are_no_evidence():
    assert find_storage(np.zeros((8, 8, 8), np.float32)).kind == ""
    assert find_storage(values()[:2, :2, :2]).kind == ""
