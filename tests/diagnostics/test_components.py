import numpy as np
import pytest
from tolerances import TELESCOPE

from cryonb.diagnostics.components import COMPONENTS, DECOMPOSITION, MEASURED_CURVES, OWN, split_by_band, telescope


def four_curves(seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-0.1, 1.0, 33) for name in ("standard", "dithered", "circle", "dithered_circle")}


@pytest.mark.parametrize("nyquist", [16.0, 15.5, 16.4, 40.0])
def test_the_telescope_sums_to_both_curves(nyquist):
    curves = four_curves()
    terms = telescope(curves, nyquist)
    rest = terms["in_band"] + terms["support"]
    assert np.abs(terms["grid_locked"] + terms["corner"] + rest - curves["standard"]).max() < TELESCOPE
    assert np.abs(terms["grid_locked_circle"] + rest - curves["circle"]).max() < TELESCOPE
    assert np.array_equal(rest, curves["dithered_circle"])


@pytest.mark.parametrize("nyquist,last", [(16.0, 16), (15.5, 15), (15.999999999, 16), (40.0, 32)])
def test_the_support_begins_past_nyquist(nyquist, last):
    terms = telescope(four_curves(), nyquist)
    assert np.flatnonzero(terms["in_band"]).max() == last
    assert not np.any(terms["support"][: last + 1]) and np.all(terms["support"][last + 1 :])


@pytest.mark.parametrize("limit", ["circle", "square"])
def test_every_shell_belongs_to_one_term(limit):
    tied = four_curves()["dithered"]
    parts = split_by_band(tied, limit, 16.0)
    assert np.array_equal(sum(parts.values()), tied)
    assert np.all(sum((part != 0).astype(int) for part in parts.values()) == 1)
    corner = np.flatnonzero(parts["corner"])
    assert corner.tolist() == (list(range(17, 23)) if limit == "square" else [])
    assert np.flatnonzero(parts["support"]).min() == (23 if limit == "square" else 17)


def test_names_are_those_of_the_currency():
    assert len(set(COMPONENTS)) == len(COMPONENTS) and set(MEASURED_CURVES) < set(COMPONENTS)
    for limit, names in OWN.items():
        assert set(names) <= set(COMPONENTS), limit
    assert DECOMPOSITION.name == "cryonb/decomposition"
    assert {"fsc", "band"} == {name for name, field in DECOMPOSITION.variables.items() if field.required}
