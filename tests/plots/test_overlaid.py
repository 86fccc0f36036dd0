import numpy as np
import pytest
import xarray as xr
from decompositions import make_decomposition
from legible import check_legible
from refinements_made import make_run

from cryonb import plots
from cryonb.errors import SchemaError
from cryonb.plots.marks import Band, Curve, Line, Points
from cryonb.plots.overlaid import overlay_sheet


@pytest.fixture(name="some", scope="module")
def _some(make_refinement):
    return {
        "bin 2": make_refinement(box_size=32, voxel_size=2.1),
        "bin 2, fine": make_refinement(box_size=48, voxel_size=1.4, seed=1),
        "bin 4": make_refinement(box_size=24, voxel_size=2.8, binning=4.0, seed=2),
    }


def test_runs_have_one_curve_each_which_can_be_told_apart(some):
    sheet = overlay_sheet(some)
    curves = sheet.of(Curve)
    assert [curve.name for curve in curves] == list(some)
    assert len({(curve.colour, curve.style) for curve in curves}) == 3
    assert {round(1 / line.at, 2) for line in sheet.of(Line, "particle_nyquist")} == {4.2, 8.4}
    assert {line.name for line in sheet.of(Line) if line.axis == "y"} == {"0.143", "0.5"}


def test_the_curve_that_speaks_is_bold_and_the_others_share_its_colour(make_fsc):
    fsc = make_fsc()
    curves = {curve.name: curve for curve in overlay_sheet({"a": fsc, "b": make_fsc(seed=1)}).of(Curve)}
    assert {name for name in curves if name.startswith("a")} == {"a", "a, raw", "a, masked"}
    np.testing.assert_array_equal(curves["a"].y, fsc["fsc"].sel(fsc_kind="corrected").values)
    np.testing.assert_array_equal(curves["a, raw"].y, fsc["fsc"].sel(fsc_kind="raw").values)
    assert curves["a"].colour == curves["a, raw"].colour != curves["b"].colour
    assert curves["a"].width > curves["a, raw"].width


def test_the_key_says_where_a_curve_falls_and_what_lies_past_nyquist(make_fsc):
    fsc = make_fsc(falls=0.29)
    reached = float(fsc["fsc_resolution"].sel(fsc_kind="corrected", threshold="0.143"))
    (curve,) = overlay_sheet({"a": fsc}).of(Curve, "a")
    assert curve.label == f"a, corrected: {reached:.2f} Å, past particle Nyquist"


def test_a_run_alone_shows_its_bands_and_all_that_it_decided(make_fsc):
    alone, beside = overlay_sheet({"a": make_fsc()}), overlay_sheet({"a": make_fsc(), "b": make_fsc(seed=1)})
    assert alone.of(Band) and not beside.of(Band)
    sheet = overlay_sheet({"a": make_run(claimed=12.0)})
    assert sheet.of(Line, "alignment_limit") and sheet.of(Points, "claimed")
    assert sheet.headline.startswith("Recipe homogeneous")


def test_claims_of_refinements_stand_in_the_key_and_on_the_curves():
    sheet = overlay_sheet({"a": make_run(claimed=12.0), "b": make_run(claimed=np.nan), "c": make_run(classes=2)})
    labels = {curve.name: curve.label for curve in sheet.of(Curve)}
    assert labels["a"] == "a, claims 12.0 Å" and labels["b"] == "b, claims none: data end"
    assert labels["c, class 2"] == "c, class 2: claims 13.5 Å"
    assert [mark.x[0] for mark in sheet.of(Points)] == [
        pytest.approx(1 / 12),
        pytest.approx(1 / 12),
        pytest.approx(1 / 13.5),
    ]
    assert not sheet.of(Line, "alignment_limit")
    assert labels["a, limit_fsc"] == "a, the limit was read from"


def test_a_decomposition_shows_the_curve_that_was_taken_apart():
    made = make_decomposition("circle")
    (curve,) = overlay_sheet({"a": made}).of(Curve)
    np.testing.assert_array_equal(curve.y, made["fsc"].sel(component="circle").values)


def test_runs_without_curves_are_left_out_and_none_at_all_is_refused(some):
    maps = some["bin 2"][["half_map", "mask"]] if "mask" in some["bin 2"] else some["bin 2"][["half_map"]]
    assert [curve.name for curve in overlay_sheet({"map": maps, **some}).of(Curve)] == list(some)
    with pytest.raises(SchemaError, match="must hold an FSC"):
        overlay_sheet({"map": maps})


def test_overlays_of_few_and_many_are_legible(some, make_fsc):
    check_legible(plots.overlay(xr.DataTree.from_dict({"a": make_fsc(), "b": make_fsc(seed=1), **some})))
    check_legible(plots.overlay(xr.DataTree.from_dict({"a": make_run(claimed=12.0)})))
