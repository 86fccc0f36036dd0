import dataclasses
import json

import numpy as np
import pytest
import xarray as xr
from decompositions import VERDICTS, make_decomposition

from cryonb import plots
from cryonb.plots import decomposition, frequency, runs, terms
from cryonb.plots.layout import stacked
from cryonb.plots.marks import VERMILLION, Area, Band, Curve, Line

KINDS = [("circle", 1), ("circle", 2), ("square", 1), ("square", 2)]
STACK = ("in_band", "support", "corner", "grid_locked", "grid_locked_circle", "mask_leak")


def first_panel(dataset):
    return decomposition.decomposition_sheet(dataset).rows[0].panels[0]


def layers(panel):
    return [area for area in panel.of(Area) if area.name in STACK]


def heights(panel, x):
    """Return the height of each layer at x; those that end there count half."""
    return {area.name: np.interp(x, area.x, area.high - area.low, left=0, right=0) for area in layers(panel)}


@pytest.mark.parametrize(("limit", "pad"), KINDS)
def test_the_stack_ends_at_the_curve_of_the_users_own_limit(limit, pad):
    dataset = make_decomposition(limit, pad)
    own = "standard" if limit == "square" else "circle"
    panel = first_panel(dataset)
    (curve,) = panel.of(Curve, own)
    np.testing.assert_array_equal(curve.y, dataset["fsc"].sel(component=own))
    top = layers(panel)[-1]
    np.testing.assert_array_equal(top.high, curve.y)
    assert not panel.of(Curve, "circle" if own == "standard" else "standard")


@pytest.mark.parametrize(("limit", "pad"), KINDS)
def test_layers_are_as_thick_as_their_terms_where_these_are_positive(limit, pad):
    dataset = make_decomposition(limit, pad)
    panel, x = first_panel(dataset), dataset["frequency"].values
    names = terms.STACKS["standard" if limit == "square" else "circle"]
    values = {name: dataset["fsc"].sel(component=name).values for name in names}
    plain = np.all([value >= 0 for value in values.values()], axis=0) & (x < 1 / 6 - 1e-9) | (x > 1 / 6 + 1e-9)
    plain &= np.all([value >= 0 for value in values.values()], axis=0)
    assert plain.sum() > 20
    for name, height in heights(panel, x).items():
        np.testing.assert_allclose(height[plain], values[name][plain], atol=1e-12)


def test_a_stack_never_turns_over_and_always_sums():
    rng = np.random.default_rng(3)
    parts = list(rng.normal(0.1, 0.3, (4, 200)))
    top = np.sum(parts, axis=0)
    edges = stacked(parts, top)
    thick = np.diff(edges, axis=0)
    np.testing.assert_array_equal(edges[-1], top)
    np.testing.assert_allclose(thick.sum(axis=0), top, atol=1e-12)
    assert (thick * np.sign(top) >= -1e-12).all()


def test_in_band_signal_ends_and_support_begins_at_the_particle_nyquist():
    panel = first_panel(make_decomposition("circle"))
    in_band, support = (next(area for area in layers(panel) if area.name == name) for name in ("in_band", "support"))
    assert in_band.x[-1] == support.x[0] == pytest.approx(1 / 6)
    assert in_band.high[-1] == support.high[0]


def test_layers_differ_without_colour_and_leave_vermillion_alone():
    for limit in ("circle", "square"):
        shown = layers(first_panel(make_decomposition(limit)))
        assert len({area.hatch for area in shown}) == len({area.colour for area in shown}) == len(shown)
        assert VERMILLION not in {area.colour for area in shown}


def test_limits_and_thresholds_are_named():
    panel = first_panel(make_decomposition("circle"))
    lines = {line.name: line.label for line in panel.of(Line)}
    assert lines["particle_nyquist"] == "particle Nyquist 6.00 Å"
    assert lines["corner_end"] == "√2 × particle Nyquist 4.24 Å"
    assert lines["grid_nyquist"] == "grid Nyquist 3.00 Å"
    assert {"0.143", "0.5"} <= set(lines)


def test_shells_without_data_are_hatched_and_noise_has_its_own_pattern():
    bands = {band.name: band for band in first_panel(make_decomposition("square")).of(Band)}
    assert set(bands) == {"corner", "noise", "support", "no data"}
    assert bands["noise"].hatch and bands["no data"].hatch and bands["noise"].hatch != bands["no data"].hatch
    assert bands["noise"].label == "data without correlation"


def test_the_predicted_corner_carries_its_interval():
    dataset = make_decomposition("square")
    panel = first_panel(dataset)
    (area,), (curve,) = panel.of(Area, "predicted_corner"), panel.of(Curve, "predicted_corner")
    np.testing.assert_allclose((area.high - area.low) / 2, dataset["predicted_corner_spread"])
    np.testing.assert_array_equal(curve.y, dataset["predicted_corner"])
    assert not first_panel(make_decomposition("circle")).of(Curve, "predicted_corner")


@pytest.mark.parametrize("limit", ["circle", "square"])
def test_the_curves_that_prove_it_stand_below_with_their_intervals(limit):
    dataset = make_decomposition(limit)
    panel = decomposition.decomposition_sheet(dataset).rows[1].panels[0]
    curves = {curve.name: curve for curve in panel.of(Curve)}
    assert set(curves) == {"dithered", "dithered_circle", "surrogate", "surrogate_circle", "noise"}
    own, other = ("dithered", "dithered_circle") if limit == "square" else ("dithered_circle", "dithered")
    assert curves[own].width > curves[other].width and "square" in curves[other].label + limit
    for area in panel.of(Area):
        half = dataset["fsc_spread"].sel(component=area.name).values
        np.testing.assert_allclose(area.high - area.low, 2 * half)
    assert [area.label for area in panel.of(Area)].count("95 % interval") == 1


def test_a_mask_adds_a_third_panel_with_its_leak():
    dataset = make_decomposition("circle", 2, masked=True)
    rows = decomposition.decomposition_sheet(dataset).rows
    panel = rows[2].panels[0]
    np.testing.assert_array_equal(panel.of(Curve, "circle")[0].y, dataset["fsc_masked"].sel(component="circle"))
    assert panel.of(Curve, "mask_leak_randomised") and layers(panel)[-1].name == "mask_leak"
    np.testing.assert_array_equal(layers(panel)[-1].high, panel.of(Curve, "circle")[0].y)
    assert len(decomposition.decomposition_sheet(make_decomposition()).rows) == 2


def test_the_verdict_is_the_headline_and_the_description_holds_the_numbers():
    dataset = make_decomposition("circle")
    sheet = decomposition.decomposition_sheet(dataset)
    assert sheet.headline == VERDICTS["circle"].replace(" A", " Å")
    text = sheet.description
    inside = dataset["fsc"].sel(component="grid_locked_circle").values[36:]
    assert f"grid-locked interpolation {inside.mean():.2f}." in text
    assert "Past the data the curve reaches 0.32, at 5.82 Å." in text
    assert "4 turned grids, 4 surrogates" in text and "Particle Nyquist 6.00 Å" in text
    assert "limit circle" in sheet.caption and "pad 1" in sheet.caption


def test_one_row_a_class_or_the_class_that_is_chosen():
    dataset = make_decomposition("square", 1, classes=2)
    rows = decomposition.decomposition_sheet(dataset).rows
    assert [row.panels[0].title for row in rows] == ["class 1", "class 2"]
    np.testing.assert_array_equal(
        rows[1].panels[0].of(Curve, "standard")[0].y, dataset["fsc"].sel(class_id=2, component="standard")
    )
    second = decomposition.decomposition_sheet(dataset.sel(class_id=2))
    assert len(second.rows) == 2 and second.headline == f"Class 2: {VERDICTS['square']}".replace(" A", " Å")
    assert terms.by_class(dataset)["class 2"].attrs["verdict"] == VERDICTS["square"]
    joined = dataset.assign_attrs(verdict=dataset.attrs["verdict"].replace("\n", " "))
    assert decomposition.decomposition_sheet(joined).headline == decomposition.decomposition_sheet(dataset).headline
    assert decomposition.decomposition_sheet(joined).headline.count("\n") == 1


def test_a_run_that_was_stopped_shows_what_it_has():
    whole = make_decomposition("circle")
    part = whole.sel(component=["standard", "circle"]).drop_vars(["predicted_corner"], errors="ignore")
    del part.attrs["verdict"]
    sheet = decomposition.decomposition_sheet(part)
    assert len(sheet.rows) == 1 and not layers(sheet.rows[0].panels[0])
    assert sheet.rows[0].panels[0].of(Curve, "circle") and sheet.headline == ""


def test_signal_end_and_tail_are_read_from_the_curves():
    dataset = make_decomposition("square", 1)
    assert terms.signal_end(dataset) == pytest.approx(192 / 44)
    value, resolution = terms.largest_tail(dataset)
    assert (value, resolution) == (pytest.approx(0.24), pytest.approx(192 / 63))
    circle = make_decomposition("circle", 1)
    assert terms.grid_locked_at_nyquist(circle) == pytest.approx(0.59 - 0.57)
    stretch = {one.band: one for one in terms.stretches(circle)}["support"]
    assert (stretch.coarse, stretch.fine) == (pytest.approx(192 / 33), pytest.approx(192 / 35))
    assert sum(stretch.terms.values()) == pytest.approx(stretch.curve)


def some_runs():
    coarse = make_decomposition("square", 2)
    coarse = coarse.isel(frequency=slice(0, 49)).assign_coords(grid_nyquist=0.25)
    return {"pad 1": make_decomposition("circle", 1), "coarse": coarse, "pad 2": make_decomposition("square", 2)}


def test_decompositions_stand_side_by_side_on_shared_axes():
    sheet = runs.side_by_side_sheet(xr.DataTree.from_dict(some_runs()))
    panels = sheet.rows[0].panels
    assert [panel.title for panel in panels] == ["pad 1", "coarse", "pad 2"]
    assert {panel.x_limits for panel in panels} == {frequency.limits(*some_runs().values())}
    assert all(layers(panel) for panel in panels)
    assert panels[0].note == "signal to 6.00 Å\npast the data: up to 0.32"
    assert VERDICTS["circle"].replace(" A", " Å") in sheet.description


def test_a_mixed_tree_shows_each_run_by_its_own_kind(make_fsc, make_refinement):
    some = {"parts": make_decomposition(), "fsc": make_fsc(), "run": make_refinement(box_size=16)}
    curves, maps = runs.side_by_side_sheet(xr.DataTree.from_dict(some)).rows
    assert [bool(layers(panel)) for panel in curves.panels] == [True, False, False]
    assert {panel.note.count("\n") for panel in curves.panels} == {1}
    assert [bool(panel.marks) for panel in maps.panels] == [False, False, True]


def test_classes_stand_beside_each_other():
    sheet = runs.side_by_side_sheet(xr.DataTree.from_dict({"a": make_decomposition(classes=2)}))
    assert [panel.title for panel in sheet.rows[0].panels] == ["a, class 1", "a, class 2"]


def test_the_door_draws_it():
    dataset = make_decomposition("square", 2, masked=True)
    figure = plots.draw(dataset)
    assert dataclasses.asdict(figure.sheet)["title"] == "What the FSC is made of"
    assert plots.describe(dataset).startswith("Decomposition of the Fourier shell correlation over 65 shells.")


def test_a_curve_without_corners_has_the_prediction_beside_the_other_limit():
    circle = make_decomposition("circle", 1)
    predicted = make_decomposition("square", 1)[["predicted_corner", "predicted_corner_spread"]]
    stack, proofs = (row.panels[0] for row in decomposition.decomposition_sheet(circle.assign(predicted)).rows)
    assert not stack.of(Curve, "predicted_corner")
    assert proofs.of(Curve, "predicted_corner") and proofs.of(Area, "predicted_corner")


def test_settings_that_the_dataset_states_win_over_those_of_the_run_behind_it():
    made = {"verb": "reconstruct", "settings": {"box": {"kernel": "nearest", "gridding_correction": True}}}
    judged = {"verb": "diagnose", "inputs": [{"digest": "0", "provenance": made}]}
    dataset = make_decomposition().assign_attrs(provenance=json.dumps(judged))
    caption = decomposition.decomposition_sheet(dataset).caption
    assert "kernel trilinear" in caption and "nearest" not in caption and "gridding corrected" in caption
    caption = decomposition.decomposition_sheet(dataset.assign_attrs(gridding_correction="off", ctf="full")).caption
    assert "gridding not corrected" in caption and "CTF full" in caption
