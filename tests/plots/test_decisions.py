import json

import numpy as np
import pytest
import xarray as xr
from decompositions import make_decomposition
from legible import check_legible
from refinements_made import make_run

from cryonb import plots
from cryonb.compare import compare
from cryonb.decisions import decisions
from cryonb.plots.decisions import decisions_sheet, decisions_table, is_recipes
from cryonb.plots.marks import Curve
from cryonb.plots.tables import Table

WORDS = {
    "homogeneous": ["independent beyond 20 A", "FSC corrected for the mask by noise substitution", "0.143", "dynamic"],
    "heterogeneous": ["one reference a class; particles split after alignment, anew each time", "FSC", "0.5", "none"],
    "refine3d": ["independent beyond 40 A", "SSNR of one, then some shells further", "0.143", "sphere"],
    "resolution_limited": [
        "one reference, all particles",
        "fixed by the user, less the bleed of 3 shells",
        "none",
        "none",
    ],
}


def a_run(recipe, **settings):
    names = ("halves", "limit", "threshold", "mask")
    decided = {**dict(zip(names, WORDS[recipe])), "volume": "Wiener", "classes": "1"}
    return make_run(recipe=recipe, **settings).assign_attrs(decisions=json.dumps(decided))


def a_tree(*recipes, curves=True):
    settings = {"heterogeneous": dict(classes=2, claimed=13.0), "refine3d": dict(claimed=np.nan)}
    runs = {name: a_run(name, **settings.get(name, {})) for name in recipes}
    parts = {name: make_decomposition("circle", 1, classes=2 if name == "heterogeneous" else 0) for name in recipes}
    children = {"runs": compare(runs), "decisions": xr.DataTree(decisions(runs, parts if curves else None))}
    return xr.DataTree(children={**children, **({"curves": compare(parts)} if curves else {})})


def test_the_table_says_what_was_decided_claimed_and_found():
    table = decisions_table(a_tree("homogeneous", "refine3d")["decisions"].to_dataset())
    assert table.columns[:5] == ("run", "halves", "limit", "threshold", "mask")
    assert table.rows[0][1] == "independent beyond 20\u00a0Å"
    assert table.rows[0][2:5] == tuple(WORDS["homogeneous"][1:])
    claimed, end, signal = (table.columns.index(name) for name in ("claims [Å]", "data end [Å]", "signal to [Å]"))
    assert (table.rows[0][claimed], table.rows[0][end], table.rows[0][signal]) == ("12.0", "8.00", "6.00")
    assert table.rows[1][claimed] == "none: data end"


def test_classes_have_rows_and_decisions_stand_once():
    table = decisions_table(a_tree("heterogeneous")["decisions"].to_dataset())
    assert [row[0] for row in table.rows] == ["heterogeneous, class 1", "heterogeneous, class 2"]
    assert table.rows[0][1] == WORDS["heterogeneous"][0] and table.rows[1][1] == ""


def test_the_curves_stand_above_the_table():
    tree = a_tree("homogeneous", "refine3d")
    assert is_recipes(tree)
    sheet = plots.sheet(tree)
    assert [panel.title for panel in sheet.rows[0].panels] == ["homogeneous", "refine3d"]
    assert sheet.of(Curve) and len(sheet.of(Table)) == 1
    assert sheet.caption.startswith("homogeneous: Past 6.0 Å") and "refine3d: Past 6.0 Å" in sheet.caption


def test_what_is_left_out_is_said():
    made = a_tree("homogeneous", curves=False)["decisions"].to_dataset()
    sheet = decisions_sheet(made.assign_attrs(left_out="resolution_limited: max_resolution must be set; got none."))
    assert "left out: resolution_limited: max_resolution must be set; got none." in sheet.caption


@pytest.mark.parametrize(
    "recipes", [("homogeneous",), ("homogeneous", "heterogeneous"), tuple(WORDS)], ids=lambda names: str(len(names))
)
def test_recipes_side_by_side_are_legible(recipes):
    check_legible(plots.draw(a_tree(*recipes)))


def test_a_table_alone_is_drawn():
    check_legible(plots.draw(a_tree(*WORDS, curves=False)["decisions"].to_dataset()))
