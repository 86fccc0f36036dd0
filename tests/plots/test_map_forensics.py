"""The figure of the forensics of half maps: floors, cliffs, hatched shells, and every finding in words."""

import numpy as np
import pytest
import xarray as xr

from cryonb import schema
from cryonb.diagnostics import map_forensics as diagnostic
from cryonb.diagnostics.map_findings import NAMES
from cryonb.plots import draw
from cryonb.plots import map_forensics as file
from cryonb.plots import sheet as sheet_of
from cryonb.plots.marks import Band, Curve, Line


def forensics(empty_from=21, found=("filtered", "masked"), leak=False):
    shells = schema.shell_coordinates(64, 2.1)
    past = shells["shell"] >= empty_from
    power = np.where(past, 1e-9, 1e3 / (1.0 + shells["shell"]))
    fsc = np.where(past, 0.08, 0.9)
    made = np.isin(NAMES, found)
    variables = dict(
        power=np.stack([power, 1.1 * power]),
        noise_power=0.1 * power,
        rounding_floor=np.array([1e-9, 1e-9]),
        predicted_leak=np.where(past & leak, 1e-3, np.nan),
        fsc=np.where(past, np.nan, fsc),
        printed_fsc=fsc,
        below_floor=past & (not leak),
        below_leak=past & leak,
        past_end=past,
        found=made,
        value=np.where(made, 6.4, np.nan),
        unit=np.full(len(NAMES), "angstrom"),
        evidence=np.array([f"evidence for {name} at 6.4 A" for name in NAMES]),
    )
    coords = dict(half=["A", "B"], finding=list(NAMES), box_size=64, voxel_size=2.1, grid_nyquist=1 / 4.2)
    coords |= dict(likely_particle_nyquist=0.17, information_end=6.72)
    attrs = dict(verdict="The half maps were found to be filtered and masked.", warnings="Look out.\nTwice.")
    return schema.build(diagnostic.MAP_FORENSICS, variables, {**shells, **coords}, attrs)


def test_the_verdict_is_the_headline_and_findings_come_with_their_evidence():
    sheet = file.forensics_sheet(forensics())
    lines = sheet.headline.splitlines()
    assert lines[0] == "The half maps were found to be filtered and masked."
    assert lines[1] == "■ FILTERED: Evidence for filtered at 6.4 Å."
    assert lines[2].startswith("■ MASKED:")
    assert lines[3:] == ["▲ Look out.", "▲ Twice."]
    assert "□ not found: upsampled, finer box, cut short, sharpened" in sheet.caption
    assert all(word in sheet.description for word in ("Look out.", "filtered and masked", "evidence for masked"[13:]))


@pytest.mark.parametrize("leak, name", [(False, "floor"), (True, "leak")])
def test_shells_that_hold_nothing_are_hatched_and_what_is_printed_there_is_grey(leak, name):
    dataset = forensics(leak=leak)
    sheet = file.forensics_sheet(dataset)
    bands = sheet.of(Band, name)
    assert len(bands) == 2 and all(band.hatch for band in bands)
    assert bands[0].start == pytest.approx(20.5 / (64 * 2.1))
    (held,), (printed,) = sheet.of(Curve, "fsc"), sheet.of(Curve, "printed")
    assert np.isnan(held.y[21:]).all() and np.isnan(printed.y[:21]).all()
    np.testing.assert_allclose(printed.y[21:], 0.08)
    assert bool(sheet.of(Curve, "leak")) == leak


def test_floors_and_both_nyquist_lines_are_there():
    panel = file.power_panel(forensics())
    assert panel.y_scale == "log" and panel.y_limits[0] < 1e-9 < panel.y_limits[1]
    assert panel.of(Line, "floor")[0].at == pytest.approx(1e-9)
    assert panel.of(Line, "likely_nyquist")[0].at == pytest.approx(0.17)
    assert panel.of(Line, "grid_nyquist")[0].label.endswith("4.20 Å")
    assert panel.of(Line, "information_end")[0].at == pytest.approx(1 / 6.72)
    known = forensics().assign_coords(particle_nyquist=((), 0.17, {"units": "1/angstrom"}))
    assert not file.power_panel(known).of(Line, "likely_nyquist")


def test_a_floor_far_below_the_spectra_is_said_and_leaves_them_the_axis():
    far = forensics(empty_from=99).assign(rounding_floor=("half", [1e-14, 1e-14]))
    panel = file.power_panel(far)
    assert not panel.of(Line, "floor")
    assert "decades below the axis of power" in file.forensics_sheet(far).caption
    assert "decades below" not in file.forensics_sheet(forensics()).caption
    lowest = min(float(np.nanmin(curve.y[1:])) for curve in panel.of(Curve))
    assert 0.1 * lowest < panel.y_limits[0] < lowest


def test_the_axis_reaches_down_to_correlations_below_zero():
    below = forensics().assign(printed_fsc=("frequency", np.full(33, -0.8)))
    assert file.printed_panel(forensics()).y_limits[0] == -0.1
    assert file.printed_panel(below).y_limits[0] < -0.8


def test_nothing_found_is_drawn_as_well():
    figure = draw(forensics(empty_from=99, found=()))
    assert "□ not found: upsampled" in figure.sheet.caption and not figure.sheet.of(Band)


def test_forensics_stand_beside_each_other():
    some = {"one": forensics(), "two": forensics(empty_from=25, found=())}
    sheet = sheet_of(xr.DataTree.from_dict(some))
    first, second = sheet.rows[0].panels
    assert first.note.startswith("found: filtered, masked\ninformation ends at 6.72")
    assert second.note.startswith("found: nothing")
    assert first.of(Curve, "printed") and first.of(Band, "floor")[0].label == "rounding only"
    assert first.of(Line, "likely_nyquist")[0].label == "likely 5.88 Å"
    assert first.of(Line, "likely_nyquist")[0].key == "likely particle Nyquist"
    assert (first.x_limits, first.y_limits) == (second.x_limits, second.y_limits)
