"""Sections and projections: the right planes, with coordinates in angstrom."""

import numpy as np
import pytest

from cryonb.diagnostics import diagnose
from cryonb.errors import InputError
from cryonb.schema import VOLUME, build, grid_coordinates

from .conftest import decaying_halves, volume


def density(shape, voxel_size=2.0):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return build(VOLUME, {"density": values}, {**grid_coordinates(shape, voxel_size), "voxel_size": voxel_size})


@pytest.mark.parametrize("size", [8, 9])
def test_planes(size):
    map_ = density((size,) * 3)
    values, middle = map_["density"].values, size // 2
    result = diagnose(map_, "sections")
    assert np.array_equal(result["section"].sel(plane="z"), values[middle])
    assert np.array_equal(result["section"].sel(plane="y"), values[:, middle])
    assert np.array_equal(result["section"].sel(plane="x"), values[:, :, middle])
    assert result["projection"].sel(plane="y").values == pytest.approx(2.0 * values.sum(axis=1), abs=1e-4)
    assert np.array_equal(result["row"], map_["z"])
    assert result["column"].attrs["units"] == "angstrom"


def test_offset_is_in_angstrom():
    map_ = density((8, 8, 8))
    assert np.array_equal(diagnose(map_, "sections", offset=-4.0)["section"].sel(plane="z"), map_["density"].values[2])
    with pytest.raises(InputError, match=r"offset must lie inside the map \[angstrom\]; got 9"):
        diagnose(map_, "sections", offset=9.0)


def test_oblong_maps_are_framed():
    map_ = density((8, 10, 12))
    section = diagnose(map_, "sections")["section"].sel(plane="z")
    assert section.shape == (12, 12)
    assert np.array_equal(section.values[1:11], map_["density"].values[4])
    assert np.isnan(section.values[[0, 11]]).all()


def test_half_maps_are_averaged_and_postprocessed_maps_stand_side_by_side():
    halves = volume(decaying_halves(size=32), 1.5)
    result = diagnose(halves, "sections")
    assert result["section"].sel(plane="x").values == pytest.approx(halves["half_map"].values.mean(0)[:, :, 16])
    both = diagnose(diagnose(halves, "postprocess"), "sections")
    assert both["map"].values.tolist() == ["unsharpened", "sharpened"]
    assert both["section"].dims == ("map", "plane", "row", "column")
