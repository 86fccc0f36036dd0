import pytest
from legible import check_legible
from refinements_made import make_iterations, make_run

from cryonb import plots
from cryonb.compare import compare
from cryonb.errors import SchemaError
from cryonb.history import history
from cryonb.plots.canvas import render
from cryonb.plots.class_table import classes_sheet
from cryonb.plots.marks import Curve, Line, Panel, Points, Row, Sheet
from cryonb.plots.record import record_sheet
from cryonb.plots.stack import stacked_sheet
from cryonb.plots.tables import Table


def test_classes_of_several_runs_stand_in_one_table():
    two, three = make_run(classes=2, claimed=12.0), make_run(classes=3, claimed=float("nan"))
    (table,) = classes_sheet({"a": two, "one": make_run(), "b": three}).of(Table)
    assert [row[0] for row in table.rows] == ["a", "", "b", "", ""]
    assert [row[3] for row in table.rows] == ["12.0", "13.5", *["none: data end"] * 3]
    counts = [int((two["class_number"] == label).sum()) for label in (1, 2)]
    assert [int(row[4]) for row in table.rows[:2]] == counts
    assert [row[2] for row in table.rows[:2]] == [f"{100 * float(share):.1f} %" for share in two["occupancy"]]
    with pytest.raises(SchemaError, match="must have classes"):
        classes_sheet({"one": make_run()})


def test_lines_on_which_runs_differ_come_first_and_are_marked():
    parts = {"setting": {"box": ("64", "64"), "pad": ("1", "2"), "mask": ("", "")}}
    sheet = record_sheet(["a", "b"], parts)
    (table,) = sheet.of(Table)
    assert table.rows == (("≠", "pad", "1", "2"), ("", "box", "64", "64"), ("", "mask", "–", "–"))
    assert "pad: 1, 2" in sheet.description and "box" not in sheet.description
    (alone,) = record_sheet(["a"], {"setting": {"box": ("64",)}}).of(Table)
    assert alone.columns == ("setting", "a") and alone.rows == (("box", "64"),)
    check_legible(render(sheet))


def test_histories_stand_beside_each_other_on_shared_axes():
    runs = {"a": history(make_iterations()), "b": history(make_iterations(2, 3))}
    figure = plots.side_by_side(compare(runs))
    resolutions = figure.sheet.rows[0].panels
    assert [panel.title for panel in resolutions] == ["a", "b"]
    assert len({(panel.x_limits, panel.y_limits) for panel in resolutions}) == 1
    assert resolutions[0].of(Curve, "alignment_limit") and resolutions[1].of(Curve, "claimed class 2")
    assert resolutions[0].of(Points, "no claim") and figure.sheet.of(Line)
    check_legible(figure)


def test_sheets_stand_under_each_other_with_their_labels():
    one = Sheet((Row((Panel((), "left"), Panel((), "right"))), Row((Panel(()),))), "T", "said", "made", "words")
    both = stacked_sheet({"a": one, "b": one})
    assert [panel.title for panel in both.panels()] == ["a: left", "right", "", "b: left", "right", ""]
    assert (both.headline, both.caption, both.description) == (
        "a: said\nb: said",
        "a: made\nb: made",
        "a: words b: words",
    )
    assert stacked_sheet({"a": one}) is one
