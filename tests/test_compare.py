import json
import math

import numpy as np
import pytest
import xarray as xr
from decompositions import make_decomposition

from cryonb import schema
from cryonb.compare import compare, notes, table, text
from cryonb.errors import InputError, SchemaError


def make_fsc(box_size=32, voxel_size=2.0, kinds=("raw", "corrected"), resolution=9.5):
    shells = schema.shell_coordinates(box_size, voxel_size)
    count = shells["shell"].size
    stated = np.full((len(kinds), 4), np.nan)
    stated[-1, :2] = resolution, 1.5 * resolution
    variables = dict(fsc=np.ones((len(kinds), count)), fsc_resolution=stated, band=np.full(count, "measured"))
    coords = dict(fsc_kind=list(kinds), threshold=list(schema.THRESHOLDS), box_size=box_size, voxel_size=voxel_size)
    coords.update(pixel_size=2.0, binning=1.0, pad_factor=2.0, data_end=4.0, particle_nyquist=0.25, grid_nyquist=0.25)
    return schema.build(schema.FSC, variables, {**shells, **coords})


def make_refinement(box_size=16, voxel_size=4.0, last=6, resolution=math.nan):
    shells = schema.shell_coordinates(box_size, voxel_size)
    weight = np.where(shells["shell"] <= last, 1.0, 0.0)
    curve = np.where(weight > 0, 0.9, np.nan)
    halves = np.ones((2,) + (box_size,) * 3, np.float32)
    variables = dict(half_map=halves, insertion_weight=np.stack([weight, weight]), fsc_unmasked=curve)
    coords = {**shells, **schema.grid_coordinates(box_size, voxel_size), "half": ["A", "B"], "resolution": resolution}
    coords.update(box_size=box_size, voxel_size=voxel_size, pixel_size=2.0, binning=2.0, pad_factor=1.0)
    coords.update(particle_nyquist=0.125, grid_nyquist=0.125)
    return schema.build(schema.REFINEMENT, variables, coords)


def test_runs_on_different_grids_stand_beside_each_other_unchanged():
    one, other = make_fsc(), make_refinement()
    tree = compare({"fine": one, "coarse": other})
    assert list(tree.children) == ["fine", "coarse"]
    xr.testing.assert_identical(tree["fine"].to_dataset(), one)
    xr.testing.assert_identical(tree["coarse"].to_dataset(), other)


def test_a_label_with_a_slash_stays_one_run():
    tree = compare({"pad 1/2": make_fsc()})
    assert list(tree.children) == ["pad 1\u22152"] and not tree["pad 1\u22152"].children


@pytest.mark.parametrize(
    "runs, sentence",
    [
        ([], "mapping of labels"),
        ({}, "at least one run"),
        ({" ": 1}, "must have a label"),
        ({"a": 1}, "run 'a' must be a Dataset; got a int"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs, sentence):
    with pytest.raises(InputError, match=sentence):
        compare(runs)


def test_two_labels_that_read_the_same_are_refused():
    with pytest.raises(InputError, match="must differ"):
        compare({"a": make_fsc(), "a ": make_fsc()})


def test_a_faulty_run_is_named():
    with pytest.raises(SchemaError, match="run 'bad': .*fsc_resolution is missing"):
        compare({"good": make_fsc(), "bad": make_fsc().drop_vars("fsc_resolution")})
    with pytest.raises(SchemaError, match="run 'bad'"):
        compare({"bad": xr.Dataset()})


def test_the_table_states_every_run_with_units():
    values = table(compare({"fine": make_fsc(), "coarse": make_refinement()}))
    assert list(values["run"].values) == ["fine", "coarse"]
    assert list(values["fsc_kind"].values) == ["corrected", "raw"]
    np.testing.assert_array_equal(values["resolution"].sel(run="fine", threshold=["0.143", "0.5"]), [9.5, 14.25])
    np.testing.assert_array_equal(values["box_size"], [32, 16])
    np.testing.assert_array_equal(values["particle_nyquist"], [4.0, 8.0])
    np.testing.assert_array_equal(values["binning"], [1, 2])
    assert values["voxel_size"].attrs["units"] == "angstrom" and values["box_size"].attrs["units"] == "voxel"
    assert all("units" in variable.attrs for variable in values.variables.values())


def test_a_threshold_that_is_not_reached_has_no_number():
    values = table(compare({"coarse": make_refinement()}))
    assert np.isnan(values["resolution"]).all()
    reached = table(compare({"coarse": make_refinement(resolution=11.0)}))
    assert float(reached["resolution"].sel(run="coarse", threshold="0.143")) == 11.0


def test_the_data_of_a_refinement_end_with_its_weight():
    values = table(compare({"coarse": make_refinement(last=6)}))
    assert float(values["data_end"][0]) == pytest.approx(16 * 4.0 / 6)


def test_a_run_without_curve_has_an_empty_row():
    maps = schema.build(
        schema.VOLUME, {"density": np.zeros((8,) * 3)}, {"voxel_size": 2.0, **schema.grid_coordinates(8, 2.0)}
    )
    values = table(compare({"map": maps}))
    assert values["fsc_kind"].values[0] == "" and np.isnan(values["data_end"].values[0])
    assert float(values["voxel_size"][0]) == 2.0


def test_the_text_lines_up_and_marks_what_is_not_reached():
    lines = text(compare({"fine": make_fsc(), "a much longer label": make_refinement()})).split("\n")
    assert "0.143 [A]" in lines[0] and "box [voxel]" in lines[0]
    column = lines[0].index("0.143")
    assert lines[1][column:].startswith("9.50") and lines[2][column:].startswith("- ")


def test_notes_say_what_lies_past_the_particle_nyquist():
    past = make_fsc(resolution=3.9)
    past["band"][-2:] = "corner"
    tree = compare({"fine": make_fsc(), "past": past})
    where = "past the particle Nyquist of 4.00 A, where only the corners of the images hold data"
    assert notes(tree) == [f"past: 0.143 at 3.90 A lies {where}."]
    assert text(tree).split("\n")[-1] == notes(tree)[0]


def made(corners):
    record = {"verb": "reconstruct", "settings": {"box": {"corners": corners}}}
    return make_refinement().assign_attrs(provenance=json.dumps(record))


def test_notes_say_where_corners_of_maps_differ():
    said = notes(compare({"a": made("keep"), "b": made("soft"), "c": made("keep"), "d": make_fsc()}))
    assert said == [
        "The corners of the map were kept in a, c and softened in b: their unmasked curves differ by the noise outside "
        "the sphere."
    ]
    assert notes(compare({"a": made("keep"), "b": made("keep"), "d": make_fsc()})) == []


def test_no_tree_no_table():
    with pytest.raises(InputError, match="one child a run"):
        table(xr.DataTree())


def test_decompositions_have_columns_of_their_own_and_a_row_a_class():
    tree = compare({"parts": make_decomposition("square", 1), "two": make_decomposition("circle", 1, classes=2)})
    values = table(tree)
    assert list(values["run"].values) == ["parts", "two, class 1", "two, class 2"]
    assert list(values["fsc_kind"].values) == ["square", "circle", "circle"]
    np.testing.assert_allclose(values["signal_end"], [192 / 44, 6.0, 6.0])
    np.testing.assert_allclose(values["grid_locked_at_nyquist"], [0.0, 0.02, 0.015], atol=1e-9)
    np.testing.assert_allclose(values["largest_tail"], [0.24, 0.32, 0.24])
    np.testing.assert_allclose(values["data_end"], [192 / 45, 6.0, 6.0])
    assert values["signal_end"].attrs["units"] == "angstrom"
    lines = text(tree).split("\n")
    assert "signal to [A]" in lines[0] and lines[1][lines[0].index("signal to") :].startswith("4.36")
    assert lines[-3] == f"parts: {make_decomposition('square').attrs['verdict']}"


def test_other_runs_are_not_asked_for_terms():
    both = compare({"fine": make_fsc(), "parts": make_decomposition()})
    assert np.isnan(table(both)["signal_end"].sel(run="fine"))
    assert "signal to" not in text(compare({"fine": make_fsc()}))


def test_the_table_holds_what_a_recipe_claims_at_the_threshold_it_reads():
    from refinements_made import make_run

    def record(threshold):
        settings = {"refine": {"limit_threshold": threshold}}
        return {"provenance": json.dumps({"verb": "refine", "settings": settings, "inputs": []})}

    runs = {"gold": make_run().assign_attrs(record(0.143)), "half": make_run().assign_attrs(record(0.5))}
    values = table(compare(runs))
    assert values["fsc_kind"].values.tolist() == ["claimed", "claimed"]
    assert values["resolution"].sel(threshold="0.143").values.tolist() == pytest.approx([12.0, math.nan], nan_ok=True)
    assert values["resolution"].sel(threshold="0.5").values.tolist() == pytest.approx([math.nan, 12.0], nan_ok=True)
