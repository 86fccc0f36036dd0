import json

import numpy as np
from decompositions import VERDICTS, make_decomposition

from cryonb import schema
from cryonb.cli import words


def make_fsc(resolutions, corners=None):
    shells = schema.shell_coordinates(32, 2.0)
    band = np.full(shells["shell"].size, "measured")
    band[-3:] = "corner"
    variables = dict(fsc=np.ones((1, band.size)), fsc_resolution=np.array([resolutions]), band=band)
    coords = dict(fsc_kind=["raw"], threshold=list(schema.THRESHOLDS), data_end=4.0, particle_nyquist=1 / 4.9)
    made = schema.build(schema.FSC, variables, {**shells, **coords})
    record = {"verb": "reconstruct", "settings": {"box": {"corners": corners}}} if corners else {}
    return made.assign_attrs(provenance=json.dumps(record))


def test_a_crossing_past_nyquist_is_flagged_once_in_full():
    (line,) = words.resolutions(make_fsc([4.1, 9.0, np.nan, 4.2]))
    where = "past the particle Nyquist of 4.90 A, where only the corners of the images hold data"
    assert line == (
        f"raw FSC: crosses 0.143 at 4.10 A, {where}; crosses 0.5 at 9.00 A; crosses three sigma at 4.20 A, "
        "past that Nyquist too; never below half bit (the data end at 4.00 A)"
    )


def test_a_crossing_before_nyquist_is_not_flagged():
    (line,) = words.resolutions(make_fsc([8.0, 9.0, 8.5, 7.0]))
    assert "Nyquist" not in line


def test_corners_are_said_where_they_are_known():
    assert words.corners(make_fsc([8.0] * 4, "keep")) == "corners kept outside the sphere"
    assert words.corners(make_fsc([8.0] * 4, "soft")) == "corners softened outside the sphere"
    assert words.corners(make_fsc([8.0] * 4)) == ""
    assert "  map made with corners kept outside the sphere" in words.describe("FSC", make_fsc([8.0] * 4, "keep"))


def test_the_verdict_comes_first_and_once():
    said = words.describe("What", make_decomposition("circle"))
    assert said[1] == f"  {VERDICTS['circle']}"
    assert sum(VERDICTS["circle"] in line for line in said) == 1
    both = words.describe("What", make_decomposition("square", classes=2))
    assert [line[:10] for line in both[1:3]] == ["  Class 1:", "  Class 2:"]


def test_a_decomposition_has_one_line_a_band_with_the_mean_of_each_term():
    dataset = make_decomposition("circle")
    heading, *rows = words.term_table(dataset)
    assert heading.split()[:6] == ["band", "from", "[A]", "to", "[A]", "curve"]
    empty = next(line for line in rows if line.startswith("no data"))
    inside = dataset["fsc"].values[:, 36:].mean(axis=1)
    mean = dict(zip(dataset["component"].values, inside))
    assert empty.split()[2:5] == ["5.33", "3.00", f"{mean['circle']:.3f}"]
    assert empty.split()[-1] == f"{mean['grid_locked_circle']:.3f}"
    assert len(list(words.term_table(make_decomposition("square", classes=2)))) == 12


def test_a_verdict_of_any_kind_is_said():
    assert words.describe("FSC", make_fsc([8.0] * 4).assign_attrs(verdict="It is fine."))[1] == "  It is fine."
