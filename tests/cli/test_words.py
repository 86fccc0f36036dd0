import json

import numpy as np

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
