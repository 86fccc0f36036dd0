import numpy as np
import pytest
from legible import check_legible
from refinements_made import make_run

from cryonb import plots, schema
from cryonb.plots import refinement
from cryonb.plots.marks import Curve, Image, Line, Points
from cryonb.plots.tables import Table


def test_weights_of_both_halves_are_drawn_where_they_are(make_refinement):
    run = make_refinement(box_size=96, voxel_size=1.4)
    panel = refinement.weight_panel(run, (0.0, 0.4))
    assert [curve.name for curve in panel.of(Curve)] == ["half A", "half B"]
    np.testing.assert_array_equal(np.isnan(panel.of(Curve)[0].y), run["insertion_weight"].values[0] == 0)
    assert panel.y_scale == "log" and panel.y_limits[0] > 0


def test_classes_have_a_curve_each(make_refinement):
    run = make_refinement(box_size=16)
    classes = run.drop_vars("volume")
    for name in ("half_map", "insertion_weight", "fsc_unmasked"):
        classes[name] = run[name].expand_dims(class_id=[1, 2]).assign_attrs(run[name].attrs)
    classes["class_id"].attrs["units"] = "1"
    schema.validate(classes)
    sheet = refinement.refinement_sheet(classes)
    assert [curve.name for curve in sheet.of(Curve)] == ["class 1", "class 2", "half A", "half B"]
    np.testing.assert_array_equal(sheet.of(Curve, "class 2")[0].y, run["fsc_unmasked"].values)


def test_a_reconstruction_has_no_decisions(make_refinement):
    sheet = refinement.refinement_sheet(make_refinement(box_size=16))
    assert sheet.title == "Reconstruction"
    assert not sheet.of(Line, "alignment_limit") and not sheet.of(Table)


def test_the_limit_and_the_claim_are_marked_where_they_are():
    run = make_run(claimed=12.0, limit=15.0)
    sheet = refinement.refinement_sheet(run)
    (line,) = sheet.of(Line, "alignment_limit")
    assert line.at == pytest.approx(1 / 15.0) and line.label == "aligned to 15.0 Å"
    (point,) = sheet.of(Points, "claimed")
    assert float(point.x[0]) == pytest.approx(1 / 12.0)
    curve = run["limit_fsc"]
    assert float(point.y[0]) == pytest.approx(float(np.interp(1 / 12.0, curve.frequency, curve.values)))
    assert sheet.headline == "Recipe homogeneous, iteration 3, aligned to 15.0 Å: claims 12.0 Å."
    assert [line.at for line in sheet.of(Line, "particle_nyquist")][0] == pytest.approx(0.125)


def test_the_curve_that_the_limit_was_read_from_is_drawn_where_it_is_another():
    run = make_run()
    np.testing.assert_array_equal(refinement.refinement_sheet(run).of(Curve, "limit_fsc")[0].y, run["limit_fsc"].values)
    same = run.assign(limit_fsc=run["fsc_unmasked"])
    assert not refinement.refinement_sheet(same).of(Curve, "limit_fsc")


def test_a_curve_that_never_crosses_claims_nothing():
    sheet = refinement.refinement_sheet(make_run(claimed=np.nan))
    assert not [mark for mark in sheet.of(Points) if mark.name.startswith("claimed")]
    assert "claims no resolution: the curve does not cross before the data end at 8.00 Å" in sheet.headline


def test_a_claim_past_the_particle_nyquist_says_so():
    run = make_run(claimed=9.0, particle_nyquist=0.1)
    assert "claims 9.00 Å, past the particle Nyquist of 10.0 Å" in refinement.refinement_sheet(run).headline


def test_classes_stand_in_a_table_and_each_has_a_section():
    run = make_run(classes=2, claimed=12.0)
    sheet = refinement.refinement_sheet(run)
    (table,) = sheet.of(Table)
    assert table.columns == refinement.COLUMNS
    assert [row[0] for row in table.rows] == ["1", "2"]
    assert table.rows[0][1] == f"{100 * float(run.occupancy[0]):.1f} %"
    assert table.rows[1][4] == f"{float(run.effective_size[1]):.0f}"
    assert [row[2] for row in table.rows] == ["12.0", "13.5"]
    assert [image.name for image in sheet.of(Image)] == ["class 1", "class 2"]
    np.testing.assert_array_equal(sheet.of(Image)[1].array, run["volume"].values[1, 24])


def test_changes_of_poses_are_shares_of_particles():
    run = make_run(iteration=3)
    curve = refinement.change_row(run).panels[0].of(Curve, "angle_change")[0]
    np.testing.assert_array_equal(curve.x, np.sort(run["angle_change"].values))
    assert curve.y[-1] == 1.0
    assert f"{np.median(run['angle_change']):.2g}°" in refinement.change_row(run).panels[0].note
    assert refinement.change_row(make_run(iteration=1)) is None


@pytest.mark.parametrize("settings", [{}, {"classes": 3}, {"claimed": np.nan}, {"iteration": 1}], ids=str)
def test_a_refinement_page_is_legible(settings):
    check_legible(plots.draw(make_run(**settings)))
