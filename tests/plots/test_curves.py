import numpy as np
import pytest

import cryonb as cn
from cryonb import schema
from cryonb.plots import curves
from cryonb.plots.marks import Band, Curve, Line, Points, Text


def test_every_kind_has_its_curve_and_states_its_resolution(make_fsc):
    fsc = make_fsc()
    panel = curves.fsc_panel(fsc)
    drawn = {curve.name: curve for curve in panel.of(Curve)}
    assert set(schema.FSC_KINDS) <= set(drawn)
    for kind in schema.FSC_KINDS:
        np.testing.assert_array_equal(drawn[kind].y, fsc["fsc"].sel(fsc_kind=kind).values)
    stated = float(fsc["fsc_resolution"].sel(fsc_kind="corrected", threshold="0.143"))
    assert drawn["corrected"].label == f"corrected: {stated:.2f} Å"
    assert len({(curve.colour, str(curve.style)) for curve in drawn.values()}) == len(drawn)


def test_shells_without_data_stay_gaps(make_fsc):
    fsc = make_fsc()
    empty = fsc["band"].isin(["support", "no data"]).values
    assert empty.any()
    for curve in curves.fsc_curves(fsc):
        assert np.isnan(curve.y[empty]).all() and np.isfinite(curve.y[~empty]).all()


def test_a_curve_that_never_crosses_has_no_number_and_no_point(make_fsc):
    panel = curves.fsc_panel(make_fsc(box_size=64, voxel_size=2.1, falls=0.6, kinds=("raw",)))
    assert panel.of(Curve, "raw")[0].label == "unmasked: not reached"
    assert panel.of(Points) == []


def test_crossings_lie_on_their_threshold(make_fsc):
    fsc = make_fsc()
    points = curves.fsc_panel(fsc).of(Points, "raw at 0.143")
    assert points[0].y[0] == 0.143
    assert 1 / points[0].x[0] == pytest.approx(float(fsc["fsc_resolution"].sel(fsc_kind="raw", threshold="0.143")))


def test_thresholds_nyquists_and_bands_are_all_there(make_fsc):
    panel = curves.fsc_panel(make_fsc())
    assert {"0.143", "0.5", "particle_nyquist", "grid_nyquist", "corner_end"} <= {line.name for line in panel.of(Line)}
    assert {curve.name for curve in panel.of(Curve)} >= {"half_bit", "three_sigma"}
    assert {"half-bit threshold", "3 σ threshold"} <= {curve.label for curve in panel.of(Curve)}
    assert {band.label for band in panel.of(Band)} >= {"no data"}
    assert panel.top == "frequency" and "[1/Å]" in panel.x_label


def test_thresholds_that_no_dataset_states_are_not_made_up(make_fsc):
    panel = curves.fsc_panel(make_fsc().drop_vars("threshold_curve"))
    assert panel.of(Curve, "half_bit") == []


def test_an_empty_curve_says_so(make_fsc):
    fsc = make_fsc()
    fsc["fsc"][:] = np.nan
    fsc["fsc_resolution"][:] = np.nan
    assert curves.fsc_panel(fsc).of(Text, "empty")


def test_the_figure_in_words_flags_what_lies_past_nyquist(make_fsc):
    words = curves.fsc_words(make_fsc(falls=0.29))
    assert "past the particle Nyquist of 4.20 Å, where only the corners of the images hold data" in words
    assert words.count("past the particle Nyquist") > 2
    assert curves.fsc_sheet(make_fsc(falls=0.29)).headline in words


def test_the_figure_in_words_holds_resolution_end_bands_and_limits(make_fsc):
    words = curves.fsc_words(make_fsc())
    for part in (
        "corrected falls to 0.143 at",
        "data end at 2.99 Å",
        "no data from",
        "Particle Nyquist 4.20 Å",
        "box 128",
    ):
        assert part in words


def test_a_plateau_of_mask_leak_is_hatched_and_said():
    maps = cn.filtered_half_maps("filter_then_mask", box_size=32, voxel_size=3.0, lowpass=14.4)
    fsc = cn.diagnose(maps, "fsc", n_draws=1)
    flagged = fsc["below_floor"].values
    assert flagged.any()
    sheet = curves.fsc_sheet(fsc)
    x = fsc["frequency"].values
    floors = sheet.of(Band, "below floor")
    inside = np.array([any(band.start <= at <= band.stop for band in floors) for at in x])
    np.testing.assert_array_equal(inside, flagged & fsc["band"].isin(["measured", "corner"]).values)
    plateau = sheet.of(Curve, "masked")[0].y[inside]
    assert plateau.min() > 0.9
    assert "rounding or mask leak" in sheet.headline
    assert "below the floor, rounding or mask leak only, from" in sheet.description
    plain = cn.diagnose(cn.filtered_half_maps("filter", box_size=32, voxel_size=3.0, lowpass=14.4), "fsc")
    assert not curves.fsc_sheet(plain).of(Band, "below floor")
    assert "leak" not in curves.fsc_sheet(plain).headline
