"""Paths become Datasets in one place: starting volumes of every kind."""

import numpy as np
import pytest
import xarray as xr
from refinements_made import make_run

import cryonb as cn
from cryonb.errors import InputError
from cryonb.opening import starting_volumes


@pytest.fixture(scope="module")
def volume():
    return cn.phantom("helices", box_size=16, pixel_size=4.0)


def test_none_stays_none():
    assert starting_volumes(None) is None


def test_a_map_a_file_and_lists_of_them_are_the_same(volume, tmp_path):
    cn.write_map(volume, tmp_path / "map.mrc")
    for given in (volume, str(tmp_path / "map.mrc"), tmp_path / "map.mrc", [tmp_path / "map.mrc"], (volume,)):
        (found,) = starting_volumes(given)
        np.testing.assert_array_equal(found["density"].values, volume["density"].values)
        assert float(found["voxel_size"]) == pytest.approx(4.0)
    assert len(starting_volumes([volume, tmp_path / "map.mrc"])) == 2


def test_a_run_gives_one_volume_a_class(tmp_path):
    run = make_run(classes=2)
    found = starting_volumes(run)
    assert len(found) == 2
    np.testing.assert_array_equal(found[1]["density"].values, run["volume"].values[1])
    cn.save(cn.compare({"run": run}), tmp_path / "session.zarr")
    assert len(starting_volumes(tmp_path)) == 2
    halves = run.drop_vars("volume")
    np.testing.assert_allclose(starting_volumes(halves)[0]["density"].values, run["half_map"].values[0].mean(axis=0))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            cn.simulate("helices", box_size=16, pixel_size=4.0, n_particles=4),
            "must be a map, half maps or a run; got part",
        ),
        (3, "must be a map, half maps or a run; got a int"),
        (xr.Dataset(), "must be a map, half maps or a run; got a Dataset without a kind"),
        ([], "references must be at least one map, or none; got an empty list"),
        ("nope.mrc", "the file must exist; got missing nope.mrc"),
    ],
    ids=["particles", "number", "dataset", "empty", "missing"],
)
def test_what_is_no_map_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        starting_volumes(wrong)
