import numpy as np
import pytest

from cryonb import schema
from cryonb.plots import images
from cryonb.plots.marks import Image


@pytest.fixture(name="volume")
def _volume():
    density = np.random.default_rng(0).normal(size=(8, 10, 12)).astype(np.float32)
    return schema.build(
        schema.VOLUME, {"density": density}, {**schema.grid_coordinates((8, 10, 12), 2.0), "voxel_size": 2.0}
    )


def test_sections_pass_through_the_centre(volume):
    density = volume["density"]
    np.testing.assert_array_equal(images.central_section(density, "z"), density.values[4])
    np.testing.assert_array_equal(images.central_section(density, "y"), density.values[:, 5])
    np.testing.assert_array_equal(images.central_section(density, "x"), density.values[:, :, 6])


def test_panels_of_a_row_share_one_grey_scale(make_refinement):
    row = images.section_row(make_refinement(box_size=16))
    scales = {(mark.low, mark.high) for panel in row.panels for mark in panel.of(Image)}
    assert len(scales) == 1 and row.grey_scale
    assert [panel.title for panel in row.panels] == ["half map A", "half map B", "volume"]


def test_the_mean_stands_in_for_a_missing_map(make_refinement):
    run = make_refinement(box_size=16).drop_vars("volume")
    maps = images.maps_of(run)
    assert list(maps) == ["half map A", "half map B", "mean map"]
    np.testing.assert_allclose(maps["mean map"].values, run["half_map"].mean("half").values, rtol=1e-6)


def test_classes_become_maps_of_their_own(volume):
    density = np.stack([volume["density"].values] * 2)
    coords = {**schema.grid_coordinates((8, 10, 12), 2.0), "voxel_size": 2.0, "class_id": [1, 2]}
    classes = schema.build(schema.VOLUME, {"density": density}, coords)
    assert list(images.maps_of(classes)) == ["density, class 1", "density, class 2"]


def test_voxels_that_are_not_finite_do_not_spoil_the_scale(volume):
    volume["density"][4, 5, 6] = np.inf
    volume["density"][0, 0, 0] = np.nan
    marks = images.volume_sheet(volume).of(Image)
    assert len(marks) == 3
    assert all(np.isfinite(mark.array[np.isfinite(mark.array)]).any() for mark in marks)
    assert all(np.isfinite([mark.low, mark.high]).all() for mark in marks)


def test_a_flat_image_has_a_scale():
    assert images.grey_limits([np.zeros((4, 4))]) == (0.0, 0.0)
    assert images.grey_limits([np.full((4, 4), np.nan)]) == (0.0, 1.0)
    assert images.grey_limits([]) == (0.0, 1.0)


def test_particles_read_only_what_is_shown(make_refinement):
    count = 30
    image = np.random.default_rng(0).normal(size=(count, 12, 12)).astype(np.float32)
    axes = schema.grid_coordinates((1, 12, 12), 2.0)
    coords = {"particle": np.arange(count), "y": axes["y"], "x": axes["x"], "pixel_size": 2.0}
    particles = schema.build(schema.PARTICLES, {"image": image}, coords)
    sheet = images.particles_sheet(particles)
    assert len(sheet.of(Image)) == images.GALLERY
    assert "30 particles" in sheet.caption and "pixel 2 Å" in sheet.caption
