import numpy as np
import pytest
import xarray as xr
from legible import check_legible
from refinements_made import make_run

from cryonb import plots
from cryonb.errors import SchemaError
from cryonb.plots import runs
from cryonb.plots.marks import Image, Line


@pytest.fixture(name="tree", scope="module")
def _tree(make_refinement):
    some = {
        "bin 2": make_refinement(box_size=32, voxel_size=2.1),
        "bin 2, fine": make_refinement(box_size=48, voxel_size=1.4, seed=1),
        "bin 4": make_refinement(box_size=24, voxel_size=2.8, binning=4.0, seed=2),
    }
    return xr.DataTree.from_dict(some)


def test_each_run_has_a_curve_and_below_it_a_section(tree):
    sheet = runs.side_by_side_sheet(tree)
    curves, sections = sheet.rows
    assert [panel.title for panel in curves.panels] == list(tree.children)
    assert [panel.title for panel in sections.panels] == list(tree.children)
    assert sheet.aligned and curves.share_y


def test_panels_share_axes_and_grey_scale(tree):
    sheet = runs.side_by_side_sheet(tree)
    assert len({(panel.x_limits, panel.y_limits) for panel in sheet.rows[0].panels}) == 1
    assert len({(mark.low, mark.high) for mark in sheet.of(Image)}) == 1


def test_each_panel_keeps_the_limits_of_its_own_run(tree):
    for panel, run in zip(runs.side_by_side_sheet(tree).rows[0].panels, tree.children.values()):
        assert panel.of(Line, "particle_nyquist")[0].at == pytest.approx(float(run["particle_nyquist"]))


def test_a_scale_bar_follows_the_voxels_of_its_run(tree):
    assert [mark.pixel_size for mark in runs.side_by_side_sheet(tree).of(Image)] == [2.1, 1.4, 2.8]


def test_more_than_four_runs_take_more_rows(make_fsc):
    tree = xr.DataTree.from_dict({f"run {index}": make_fsc(seed=index) for index in range(6)})
    sheet = runs.side_by_side_sheet(tree)
    assert [len(row.panels) for row in sheet.rows] == [3, 3]
    assert len({panel.x_limits for panel in sheet.panels()}) == 1


def test_the_panels_of_a_row_that_is_not_full_are_as_wide_as_the_others(make_fsc):
    tree = xr.DataTree.from_dict({f"run {index}": make_fsc(seed=index) for index in range(5)})
    figure = plots.side_by_side(tree)
    assert [panel.title for panel in figure.sheet.rows[1].panels] == ["run 3", "run 4", ""]
    drawn = [axes for axes in figure.axes if axes.get_lines()]
    assert len({round(axes.get_position().width, 6) for axes in drawn}) == 1
    named = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"0.143", "0.5"} <= named
    check_legible(figure)


def test_the_note_names_the_curve_and_what_lies_past_nyquist(tree, make_fsc):
    fsc = make_fsc(falls=0.29)
    some = {"maps": tree["bin 2"].to_dataset(), "past": fsc, "never": make_fsc(falls=0.6, kinds=("masked",))}
    notes = [panel.note for panel in runs.side_by_side_sheet(xr.DataTree.from_dict(some)).rows[0].panels]
    reached = float(fsc["fsc_resolution"].sel(fsc_kind="corrected", threshold="0.143"))
    assert notes[0].startswith("unmasked: 0.143 at ")
    assert notes[1] == f"corrected: 0.143 at {reached:.2f} Å\npast the particle Nyquist"
    assert notes[2].strip() == "masked: never at 0.143"
    assert {note.count("\n") for note in notes} == {1}


def test_the_caption_states_the_settings_of_every_run(tree):
    lines = runs.side_by_side_sheet(tree).caption.split("\n")
    assert [line.split(":")[0] for line in lines] == list(tree.children)
    assert "voxel 1.4 Å" in lines[1] and "binning 4" in lines[2]


@pytest.mark.parametrize("wrong", [xr.Dataset(), xr.DataTree(), 3])
def test_what_is_no_tree_of_runs_is_refused(wrong):
    with pytest.raises(SchemaError, match="one child a run"):
        runs.side_by_side_sheet(wrong)


def test_a_run_with_nothing_to_show_is_named(make_fsc):
    tree = xr.DataTree.from_dict({"good": make_fsc(), "empty": xr.Dataset(attrs={"schema": "cryonb/fsc"})})
    with pytest.raises(SchemaError, match="'empty'"):
        runs.side_by_side_sheet(tree)


def test_verdicts_stand_above_as_long_as_they_can_be_read(make_fsc):
    some = {f"run {index}": make_fsc(seed=index).assign_attrs(verdict=f"Says {index}.") for index in range(4)}
    few = runs.side_by_side_sheet(xr.DataTree.from_dict(dict(list(some.items())[:3])))
    assert few.headline == "run 0: Says 0.\nrun 1: Says 1.\nrun 2: Says 2."
    many = runs.side_by_side_sheet(xr.DataTree.from_dict(some))
    assert many.headline == "" and "Says 3." in many.description


def test_a_refinement_stands_with_its_own_claim():
    tree = xr.DataTree.from_dict({"a": make_run(claimed=12.0), "b": make_run(claimed=np.nan), "c": make_run(classes=2)})
    sheet = runs.side_by_side_sheet(tree)
    notes = [panel.note.strip() for panel in sheet.rows[0].panels]
    assert notes == ["claims 12.0 Å", "claims none: data end", "class 1 claims 12.0 Å\nclass 2 claims 13.5 Å"]
    assert "Recipe homogeneous, iteration 3, aligned to 15.0 Å: claims 12.0 Å." in sheet.description
