import numpy as np
import pytest
import xarray as xr
from legible import check_legible

from cryonb import plots, schema
from cryonb.errors import InputError, SchemaError
from cryonb.plots.linked import MapView, linked_sheet
from cryonb.plots.marks import Image


def volume(size, voxel, seed=0, **more):
    density = np.random.default_rng(seed).normal(size=(size,) * 3).astype(np.float32)
    return schema.build(
        schema.VOLUME, {"density": density}, {**schema.grid_coordinates(size, voxel), "voxel_size": voxel}
    )


SOME = {"coarse": volume(12, 4.0), "fine": volume(24, 2.0, 1)}


def shown(**view):
    return [mark.array for mark in linked_sheet(SOME, MapView(**view)).of(Image)]


@pytest.mark.parametrize("plane", "zyx")
def test_sections_lie_at_the_same_angstrom_in_every_box(plane):
    first, second = shown(plane=plane, place=8.0)
    np.testing.assert_array_equal(first, SOME["coarse"]["density"].isel({plane: 6 + 2}).values)
    np.testing.assert_array_equal(second, SOME["fine"]["density"].isel({plane: 12 + 4}).values)


def test_the_nearest_section_stands_in_where_there_is_none_and_says_where_it_lies():
    sheet = linked_sheet(SOME, MapView(place=-7.0))
    np.testing.assert_array_equal(sheet.of(Image)[0].array, SOME["coarse"]["density"].values[4])
    assert [panel.note for panel in sheet.panels()] == ["z = −8.0 Å", "z = −8.0 Å"]
    far = linked_sheet(SOME, MapView(place=500.0)).of(Image)[0].array
    np.testing.assert_array_equal(far, SOME["coarse"]["density"].values[-1])


@pytest.mark.parametrize("plane, axis", [("z", 0), ("y", 1), ("x", 2)])
def test_a_projection_is_the_sum_along_the_axis_times_the_voxel(plane, axis):
    for array, (run, voxel) in zip(shown(plane=plane, seen="projection"), [("coarse", 4.0), ("fine", 2.0)]):
        np.testing.assert_allclose(array, SOME[run]["density"].values.sum(axis=axis) * voxel, rtol=1e-5)


def test_all_maps_share_a_grey_scale_that_stays_where_it_is(make_refinement):
    at = [linked_sheet(SOME, MapView(place=place)).of(Image) for place in (0.0, 20.0)]
    assert len({(mark.low, mark.high) for marks in at for mark in marks}) == 1
    (soft, *_), (hard, *_) = (linked_sheet(SOME, MapView(contrast=value)).of(Image) for value in (1.0, 4.0))
    assert hard.high - hard.low == pytest.approx((soft.high - soft.low) / 4.0)
    assert hard.high + hard.low == pytest.approx(soft.high + soft.low)


def test_half_maps_show_their_mean_and_classes_the_one_in_view(make_refinement):
    run = make_refinement(box_size=16).drop_vars("volume")
    (mark,) = linked_sheet({"a": run}, MapView()).of(Image)
    np.testing.assert_allclose(mark.array, run["half_map"].values.mean(axis=0)[8], rtol=1e-6)
    density = np.stack([volume(12, 4.0, seed)["density"].values for seed in range(2)])
    coords = {**schema.grid_coordinates(12, 4.0), "voxel_size": 4.0, "class_id": [1, 2]}
    classes = schema.build(schema.VOLUME, {"density": density}, coords)
    sheet = linked_sheet({"a": classes, **SOME}, MapView(class_id=2))
    np.testing.assert_array_equal(sheet.of(Image)[0].array, density[1, 6])
    assert next(sheet.panels()).title == "a, class 2"


def test_what_cannot_be_seen_is_refused(make_fsc):
    with pytest.raises(SchemaError, match="must hold a map"):
        linked_sheet({"a": make_fsc()}, MapView())
    for wrong in (dict(plane="w"), dict(seen="slice"), dict(contrast=0.0)):
        with pytest.raises(InputError, match="must be"):
            MapView(**wrong)


def test_maps_of_some_runs_are_legible():
    tree = xr.DataTree.from_dict({f"run {index}": volume(12, 4.0, index) for index in range(5)})
    figure = plots.linked_maps(tree, plane="y", place=4.0)
    check_legible(figure)
    assert [len(row.panels) for row in figure.sheet.rows] == [3, 3]
