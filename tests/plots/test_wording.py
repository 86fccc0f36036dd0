import math

import numpy as np
import pytest

from cryonb.plots import facts, wording


def test_the_caption_states_what_made_the_numbers_with_units(make_fsc):
    line = wording.settings_line(make_fsc())
    for part in (
        "box 128 voxels",
        "voxel 1.05 Å",
        "binning 2",
        "pad 2",
        "kernel trilinear",
        "limit square",
        "CTF full",
    ):
        assert part in line.split(" · ")
    assert "mask 121\u202f300 Å³" in line


def test_an_unknown_particle_nyquist_is_said(make_fsc):
    assert "particle Nyquist not known" in wording.settings_line(make_fsc().drop_vars("particle_nyquist"))


def test_the_verdict_invents_no_resolution(make_fsc):
    reached = wording.verdict(make_fsc())
    assert "corrected" in reached and f"{facts.crossing(make_fsc()):.2f} Å" in reached
    never = wording.verdict(make_fsc(box_size=64, voxel_size=2.1, falls=0.6, kinds=("raw",)))
    assert "does not fall to 0.143" in never and "data end at 4.20 Å" in never
    empty = make_fsc()
    empty["fsc"][:] = np.nan
    empty["fsc_resolution"][:] = np.nan
    empty["band"][:] = "no data"
    assert wording.verdict(empty.drop_vars("data_end")) == "No shell holds data: there is no curve."


@pytest.mark.parametrize(
    "value, expected", [(4.0, "4"), (-28.25, "−28.25"), (121300.0, "121\u202f300"), (math.nan, "not known")]
)
def test_numbers_as_people_write_them(value, expected):
    assert wording.plain(value) == expected


def test_sentences_carry_printed_units():
    assert wording.sentence("B of -101 A^2 at 4.2 A") == "B of −101 Å² at 4.2 Å."
    assert wording.sentence("") == ""
