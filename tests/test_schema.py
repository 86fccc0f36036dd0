"""The currency: kinds are declared once, built with units, and every fault is reported at once."""

import numpy as np
import pytest
import xarray as xr

from cryonb import schema
from cryonb.errors import SchemaError


def volume(box_size=8, voxel_size=2.0, **extra):
    density = np.zeros((box_size,) * 3, np.float32)
    coords = {**schema.grid_coordinates(box_size, voxel_size), "voxel_size": voxel_size}
    return schema.build(schema.VOLUME, {"density": density, **extra}, coords)


def test_build_adds_dimensions_units_and_the_kind():
    built = volume()
    assert built.attrs["schema"] == "cryonb/volume"
    assert built.density.dims == ("z", "y", "x")
    assert built.z.attrs["units"] == built.voxel_size.attrs["units"] == "angstrom"
    assert built.density.dtype == np.float32
    assert built.z.dtype == np.float64


@pytest.mark.parametrize("size", [8, 9])
def test_the_centre_is_at_half_the_box(size):
    coordinates = schema.grid_coordinates(size, 1.5)["z"]
    assert coordinates[size // 2] == 0.0
    assert np.allclose(np.diff(coordinates), 1.5)


def test_a_box_may_differ_along_its_axes():
    coordinates = schema.grid_coordinates((4, 6, 8), 1.0)
    assert [len(coordinates[axis]) for axis in "zyx"] == [4, 6, 8]


@pytest.mark.parametrize("size", [8, 9])
def test_shells_run_from_zero_to_half_the_box(size):
    shells = schema.shell_coordinates(size, 2.0)
    assert list(shells["shell"]) == list(range(size // 2 + 1))
    assert shells["shell_resolution"][0] == np.inf
    assert shells["frequency"][1] == pytest.approx(1 / (size * 2.0))
    assert np.allclose(shells["frequency"][1:] * shells["shell_resolution"][1:], 1.0)


def test_optional_dimensions_may_be_absent_or_present():
    coords = {**schema.grid_coordinates(4, 1.0), "half": list(schema.HALVES)}
    halves = np.zeros((2, 4, 4, 4), np.float32)
    assert schema.build(schema.VOLUME, {"half_map": halves}, coords).half_map.dims == ("half", "z", "y", "x")
    classes = {**coords, "class_id": [1, 2, 3]}
    built = schema.build(schema.VOLUME, {"half_map": np.stack([halves] * 3)}, classes)
    assert built.half_map.dims == ("class_id", "half", "z", "y", "x")


def test_labelled_arrays_keep_their_data_and_get_the_declared_unit():
    built = volume()
    again = schema.build(schema.VOLUME, {"density": built.density}, built.coords)
    assert again.density.attrs["units"] == "1"
    assert again.identical(built)


def test_none_leaves_a_variable_out():
    assert "mask" not in volume(mask=None)


def test_an_undeclared_variable_is_refused_with_the_nearest_name():
    with pytest.raises(SchemaError, match="Did you mean 'density'"):
        schema.build(schema.VOLUME, {"densty": np.zeros((4, 4, 4))}, schema.grid_coordinates(4, 1.0))


def test_all_faults_are_reported_at_once():
    bad = xr.Dataset({"density": (("y", "x"), np.zeros((2, 2)))}, attrs={"schema": "cryonb/volume", "box": 2})
    bad["other"] = (("q",), np.zeros(3), {"units": "1"})
    with pytest.raises(SchemaError) as caught:
        schema.validate(bad)
    for fault in (
        "density has dimensions ('y', 'x'), not ('[class_id]', 'z', 'y', 'x')",
        "other is not declared",
        "dimension q has no coordinate",
        "density has no unit",
        "attribute box is not text",
    ):
        assert fault in str(caught.value)


def test_a_wrong_unit_is_a_fault():
    bad = volume()
    bad["density"] = bad.density.assign_attrs(units="volt")
    with pytest.raises(SchemaError, match="density has unit volt, not 1"):
        schema.validate(bad)


def test_required_variables_and_one_of_several():
    with pytest.raises(SchemaError, match="fsc is missing; fsc_resolution is missing; band is missing"):
        schema.validate(xr.Dataset(attrs={"schema": "cryonb/fsc"}))
    with pytest.raises(SchemaError, match="none of density, half_map, mask is present"):
        schema.validate(xr.Dataset(attrs={"schema": "cryonb/volume"}))


@pytest.mark.parametrize("wrong", [xr.Dataset(), xr.Dataset(attrs={"schema": "cryonb/fsc"}), "a path", None])
def test_another_kind_is_refused_by_name(wrong):
    with pytest.raises(SchemaError, match="a Dataset of kind cryonb/volume is needed; got"):
        schema.validate(wrong, schema.VOLUME)


@pytest.mark.parametrize("kind", schema.KINDS.values(), ids=lambda kind: kind.name)
def test_no_variable_shares_a_name_with_a_dimension(kind):
    dims = {dim.strip("[]") for field in kind.variables.values() for dim in field.dims}
    assert not dims & set(kind.variables)
    assert not dims & set(kind.scalars)


@pytest.mark.parametrize("kind", schema.KINDS.values(), ids=lambda kind: kind.name)
def test_every_dimension_has_a_unit(kind):
    dims = {dim.strip("[]") for field in kind.variables.values() for dim in field.dims}
    assert dims <= set(schema.DIMENSION_UNITS) | set(kind.dimensions)
