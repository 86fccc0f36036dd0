"""The figure of a local resolution: colours where there is a number, hatching where a curve never falls."""

import numpy as np
import pytest
import xarray as xr

import cryonb as cn
from cryonb import schema
from cryonb.errors import SchemaError
from cryonb.plots import draw
from cryonb.plots import sheet as sheet_of
from cryonb.plots.local_resolution import histogram_panel, local_resolution_sheet
from cryonb.plots.marks import Curve, Image, Line


@pytest.fixture(scope="module")
def judged():
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(32, 32, 32))
    for axis in range(3):
        smooth = smooth + np.roll(smooth, 1, axis)
    halves = np.stack([smooth + 0.8 * rng.normal(size=smooth.shape) for _ in range(2)]).astype(np.float32)
    coords = {**schema.grid_coordinates(32, 2.0), "voxel_size": 2.0, "half": list(schema.HALVES)}
    return cn.diagnose(schema.build(schema.VOLUME, {"half_map": halves}, coords), "local_resolution")


def test_sections_carry_the_numbers_as_colours(judged):
    sheet = local_resolution_sheet(judged)
    images = sheet.of(Image)
    assert len(images) == 6
    assert np.array_equal(images[0].overlay, judged["resolution_section"].values[0, 0], equal_nan=True)
    assert images[0].hatched.dtype == bool
    assert len({(image.overlay_low, image.overlay_high) for image in images}) == 1
    assert {row.grey_scale for row in sheet.rows[:2]} == {"local resolution [Å]"}


def test_the_histogram_shows_every_place_and_the_global_resolution(judged):
    panel = histogram_panel(judged)
    for threshold in ("0.143", "0.5"):
        curve = panel.of(Curve, f"histogram {threshold}")[0]
        assert curve.y[1::2].sum() == judged["histogram"].sel(threshold=threshold).sum()
        at = float(judged["global_resolution"].sel(threshold=threshold))
        lines = panel.of(Line, f"global {threshold}")
        assert [line.at for line in lines] == ([at] if np.isfinite(at) else [])
    assert panel.of(Line, "data_end")[0].at == pytest.approx(float(judged["data_end"]))


def test_it_is_drawn_and_said(judged):
    figure = cn.draw(judged)
    assert figure.sheet.headline
    assert "Hatched" in figure.sheet.caption
    assert "window" in figure.sheet.description
    assert figure.sheet.of(Image)[0].pixel_size == 2.0


def test_a_map_without_any_resolution_is_still_drawn(judged):
    empty = judged.copy(deep=True)
    for name in ("resolution_section", "quantile_resolution", "global_resolution"):
        empty[name][:] = np.nan
    empty["histogram"][:] = 0
    figure = cn.draw(empty)
    assert "global FSC at 0.143 not reached" in histogram_panel(empty).note
    assert figure.sheet.of(Image)[0].overlay_low == pytest.approx(float(judged["data_end"]))


def test_local_resolutions_stand_beside_each_other_on_one_scale(judged):
    coarse = judged.copy(deep=True)
    coarse["resolution_section"][:] = 2.0 * judged["resolution_section"].values
    coarse["quantile_resolution"][:] = 9.0
    coarse["outcome"][0, ::4] = "reached"
    coarse = coarse.assign_coords(bin=("bin", 2.0 * judged["bin"].values, judged["bin"].attrs))
    sheet = sheet_of(xr.DataTree.from_dict({"fine": judged, "coarse": coarse}))
    sections, histograms = sheet.rows
    assert [panel.title for panel in sections.panels] == ["fine", "coarse"]
    images = [panel.of(Image)[0] for panel in sections.panels]
    assert np.array_equal(images[1].overlay, coarse["resolution_section"].values[0, 0], equal_nan=True)
    assert len({(image.overlay_low, image.overlay_high) for image in images}) == 1
    assert len({(panel.x_limits, panel.y_limits) for panel in histograms.panels}) == 1
    counts = judged["histogram"].sel(threshold="0.143").values
    places = int((judged["outcome"].sel(threshold="0.143") != "outside").sum())
    assert histograms.panels[0].of(Curve, "histogram 0.143")[0].y.max() == pytest.approx(counts.max() / places)
    outcome = coarse["outcome"].values[0]
    share = 100 * (outcome == "reached").sum() / (outcome != "outside").sum()
    first, second, _ = zip(*(panel.note.split("\n") for panel in sections.panels))
    assert first == ("0.143: hardly any falls", "0.143: median 9.00 Å")
    assert second[1].startswith(f"{share:.0f} % fall, ")
    assert all("window" in panel.note for panel in sections.panels)
    assert draw(xr.DataTree.from_dict({"fine": judged, "coarse": coarse})).axes


def test_a_local_resolution_beside_another_kind_is_refused(judged, make_fsc):
    with pytest.raises(SchemaError, match="'local' must stand beside others of its kind.*got cryonb/fsc"):
        sheet_of(xr.DataTree.from_dict({"local": judged, "curve": make_fsc()}))
