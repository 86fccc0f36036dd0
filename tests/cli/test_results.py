import numpy as np
import xarray as xr

from cryonb.cli import words
from cryonb.cli.results import gaps, volumes


def processed(sharpened):
    plain = np.arange(8.0).reshape(2, 2, 2)
    grid = ("z", "y", "x")
    return xr.Dataset({"unsharpened": (grid, plain), "sharpened": (grid, plain * sharpened), "mask": (grid, plain)})


def test_a_map_that_was_not_sharpened_is_there_once():
    assert [stem for stem, _ in volumes(processed(1.0))] == ["unsharpened", "mask"]


def test_a_sharpened_map_stands_beside_the_unsharpened():
    assert [stem for stem, _ in volumes(processed(2.0))] == ["unsharpened", "sharpened", "mask"]


def test_half_maps_have_a_mean():
    halves = xr.Dataset({"half_map": (("half", "z", "y", "x"), np.ones((2, 2, 2, 2)))}, {"half": ["A", "B"]})
    assert [stem for stem, _ in volumes(halves)] == ["half_map_A", "half_map_B", "map"]


def test_volumes_with_voxels_without_a_value_are_named_in_the_summary():
    local = np.full((2, 3, 3, 3), 7.5)
    local[0, 0] = np.nan
    dims = ("threshold", "z", "y", "x")
    result = xr.Dataset({"resolution_map": (dims, local)}, {"threshold": ["0.143", "0.5"]})
    said = "resolution_map_0.143.mrc: 0 stands for no value, in 9 of 27 voxels"
    assert list(gaps(result)) == [said]
    assert f"  {said}" in words.describe("Local resolution", result)
    assert list(gaps(result.fillna(1.0))) == []


def test_the_note_of_a_volume_is_in_the_summary():
    result = xr.Dataset({"resolution_map": (("z", "y", "x"), np.ones((2, 2, 2)), {"note": "4.20 A means or finer"})})
    assert list(gaps(result)) == ["resolution_map.mrc: 4.20 A means or finer"]
