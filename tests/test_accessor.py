import inspect
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import cryonb.accessor  # noqa: F401  (registers ds.cryo)
from cryonb import diagnostics, schema
from cryonb.knobs import knobs


@pytest.fixture(name="halves", scope="module")
def _halves():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(16,) * 3)
    maps = np.stack([signal + 0.3 * rng.normal(size=signal.shape) for _ in range(2)]).astype(np.float32)
    coords = {**schema.grid_coordinates(16, 2.0), "half": ["A", "B"], "voxel_size": 2.0}
    return schema.build(schema.VOLUME, {"half_map": maps}, coords)


def test_every_diagnostic_is_a_method():
    names = dir(xr.Dataset().cryo)
    assert set(diagnostics.names()) <= set(names)
    assert {"draw", "describe"} <= set(names)


@pytest.mark.parametrize("name", diagnostics.names())
def test_a_method_says_what_it_takes(name):
    method = getattr(xr.Dataset().cryo, name)
    plug = diagnostics.get(name)
    assert method.__name__ == name and method.__doc__.startswith(plug.title)
    parameters = inspect.signature(method).parameters
    for field, _ in knobs(plug.options):
        assert parameters[field.name].default == field.default
        assert field.name in method.__doc__ and field.metadata["help"] in method.__doc__
        if field.metadata["unit"] != "1":
            assert f"[{field.metadata['unit']}]" in method.__doc__


def test_a_method_does_what_diagnose_does(halves):
    xr.testing.assert_identical(halves.cryo.fsc(n_draws=1), diagnostics.diagnose(halves, "fsc", n_draws=1))


def test_the_mask_arrives(halves):
    mask = np.ones((16,) * 3, np.float32)
    mask[:4] = 0.0
    assert "masked" in halves.cryo.fsc(mask=mask, n_draws=1)["fsc_kind"].values


def test_an_unknown_method_gets_advice(halves):
    with pytest.raises(AttributeError, match="'fcs'.*Did you mean 'fsc'"):
        _ = halves.cryo.fcs
    assert not hasattr(halves.cryo, "_hidden")


def test_a_dataset_draws_and_describes_itself(halves):
    assert halves.cryo.draw().axes
    assert "half map A" in halves.cryo.describe()


def test_the_file_is_light():
    heavy = "matplotlib", "numba", "finufft", "cryonb.diagnostics", "cryonb.plots", "cryonb.imaging"
    code = f"import sys, cryonb.accessor; sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
