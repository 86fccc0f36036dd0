"""Sessions come back as they were, from either store, or are refused."""

import numpy as np
import pytest
import xarray as xr

from cryonb import io, schema
from cryonb.errors import FormatError, InputError, SchemaError


def volume(size=6, voxel=1.5):
    density = np.random.default_rng(size).normal(size=(2, size, size, size)).astype(np.float32)
    coords = {**schema.grid_coordinates(size, voxel), "half": ["A", "B"], "voxel_size": voxel, "origin_z": 3.0}
    return schema.build(schema.VOLUME, {"half_map": density}, coords, {"provenance": '{"verb": "test"}'})


def curve():
    coords = {**schema.shell_coordinates(10, 1.5), "fsc_kind": ["raw"], "threshold": list(schema.THRESHOLDS)}
    fsc = np.array([[1.0, 0.9, 0.5, 0.2, np.nan, np.nan]])
    band = np.array(["measured"] * 4 + ["support", "no data"])
    below = np.array([False, False, True, False, True, True])
    variables = {"fsc": fsc, "fsc_resolution": np.full((1, 4), np.nan), "band": band, "below_floor": below}
    return schema.build(schema.FSC, variables, {**coords, "mask_digest": "abc", "iteration": 3})


STORES = pytest.mark.parametrize("suffix", [".zarr", ".nc"])


@STORES
@pytest.mark.parametrize("make", [volume, curve])
def test_datasets_come_back_identical(tmp_path, suffix, make):
    dataset = make()
    io.save(dataset, tmp_path / f"a{suffix}")
    back = io.load(tmp_path / f"a{suffix}")
    xr.testing.assert_identical(back, dataset)
    for name in dataset.variables:
        assert back[name].dtype == dataset[name].dtype, name
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@STORES
def test_trees_of_different_grids_come_back_identical(tmp_path, suffix):
    tree = xr.DataTree.from_dict({"/bin 2": volume(6), "/bin 4": volume(5, 3.0), "/bin 2/fsc": curve()})
    io.save(tree, tmp_path / f"a{suffix}")
    back = io.load(tmp_path / f"a{suffix}")
    assert isinstance(back, xr.DataTree)
    xr.testing.assert_identical(back, tree)


@STORES
def test_lazy_images_are_read_into_the_session_and_stay_lazy_outside(tmp_path, suffix, data):
    particles = io.open_particles(data / "relion" / "clean_40.star")
    io.save(particles, tmp_path / f"a{suffix}")
    assert not particles.image._in_memory
    xr.testing.assert_identical(io.load(tmp_path / f"a{suffix}"), particles.load())


@STORES
def test_a_session_may_be_saved_over_itself(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    io.save(volume(), path)
    io.save(io.load(path).assign_coords(origin_z=((), 4.0, {"units": "angstrom"})), path)
    assert float(io.load(path).origin_z) == 4.0


def test_what_is_no_session_is_refused(tmp_path):
    for name in ("a.zarr", "a.nc"):
        with pytest.raises(FormatError, match="must exist; got missing"):
            io.load(tmp_path / name)
    (tmp_path / "b.nc").write_text("text")
    with pytest.raises(FormatError, match="must be a saved session; got one that xarray refuses"):
        io.load(tmp_path / "b.nc")
    (tmp_path / "b.zarr").write_text("text")
    with pytest.raises(FormatError, match="a .zarr session must be a folder"):
        io.load(tmp_path / "b.zarr")
    (tmp_path / "c.zarr").mkdir()
    with pytest.raises(FormatError, match="must be a saved session"):
        io.load(tmp_path / "c.zarr")
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    with pytest.raises(FormatError, match="must hold results of this package; got none"):
        io.load(tmp_path / "c.nc")
    with pytest.raises(FormatError, match="can load; got 'a.h5'"):
        io.load(tmp_path / "a.h5")


def test_a_damaged_session_is_refused(tmp_path):
    io.save(volume(), tmp_path / "a.nc")
    broken = xr.load_dataset(tmp_path / "a.nc", engine="h5netcdf").drop_vars("z")
    broken.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(SchemaError, match="dimension z has no coordinate"):
        io.load(tmp_path / "b.nc")


def test_only_datasets_with_text_attributes_are_saved(tmp_path):
    with pytest.raises(InputError, match="must be a Dataset or a DataTree; got dict"):
        io.save({}, tmp_path / "a.zarr")
    with pytest.raises(InputError, match="attributes of / must be text; got float in resolution"):
        io.save(volume().assign_attrs(resolution=3.0), tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".zarr", ".nc"])
def test_runs_keep_their_order(tmp_path, suffix):
    names = ["zeta", "alpha", "mid"]
    coords = {"voxel_size": 2.0, **schema.grid_coordinates(8, 2.0)}
    volume = schema.build(schema.VOLUME, {"density": np.ones((8, 8, 8), np.float32)}, coords)
    tree = xr.DataTree.from_dict({f"/{name}/{part}": volume for name in names for part in ("z", "a")})
    io.save(tree, tmp_path / f"o{suffix}")
    loaded = io.load(tmp_path / f"o{suffix}")
    assert list(loaded.children) == names
    assert all(list(loaded[name].children) == ["z", "a"] for name in names)
    assert not loaded.attrs
