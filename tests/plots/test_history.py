import numpy as np
import pytest
from legible import check_legible
from refinements_made import make_iterations

from cryonb import plots
from cryonb.history import history
from cryonb.plots.history import history_sheet
from cryonb.plots.marks import Curve, Line, Points


def test_limit_and_claims_go_by_iteration():
    made = history(make_iterations())
    sheet = history_sheet(made)
    (limit,) = sheet.of(Curve, "alignment_limit")
    np.testing.assert_array_equal(limit.x, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(limit.y, made["alignment_limit"].values)
    (claimed,) = sheet.of(Curve, "claimed")
    np.testing.assert_array_equal(claimed.y, made["claimed_resolution"].values)
    assert sheet.headline.startswith("5 iterations; the limit of the alignment went from 30.0 Å to 13.0 Å; claims 12.0")


def test_an_iteration_without_a_claim_is_a_cross_at_the_end_of_the_data():
    (cross,) = history_sheet(history(make_iterations())).of(Points, "no claim")
    assert cross.x.tolist() == [2.0] and cross.y.tolist() == [8.0]


def test_limits_that_coincide_share_a_line():
    made = history(make_iterations())
    assert [line.key for line in history_sheet(made).of(Line)] == ["particle = grid Nyquist 8.00 Å"]
    finer = made.assign_coords(grid_nyquist=made["grid_nyquist"].copy(data=0.25))
    assert [line.at for line in history_sheet(finer).of(Line)] == [8.0, 4.0]


def test_changes_and_classes_have_panels_where_they_are_known():
    one, two = (history_sheet(history(make_iterations(classes))) for classes in (0, 2))
    assert [panel.note for panel in one.rows[1].panels][:2] == [
        "median change of orientation",
        "median change of shift",
    ]
    assert [curve.name for curve in two.rows[2].panels[0].of(Curve)] == ["class 1", "class 2"]
    alone = history_sheet(history(make_iterations(count=1)))
    assert len(alone.rows) == 1 and all(panel.counts for panel in alone.panels())


@pytest.mark.parametrize("settings", [{}, {"classes": 2}, {"count": 1}], ids=str)
def test_a_history_is_legible(settings):
    check_legible(plots.draw(history(make_iterations(**settings))))
