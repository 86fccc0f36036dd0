import json
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


def unstamped(fsc):
    return fsc.assign_attrs(provenance="")


def test_a_mask_is_absent_only_where_a_run_says_so(make_fsc):
    silent = make_fsc().drop_vars("mask_volume")
    assert "no mask" in wording.settings_line(silent).split(" · ")
    holding = silent.assign(mask=(("z", "y", "x"), np.ones((2, 2, 2), np.float32)))
    assert "no mask" not in wording.settings_line(holding)
    line = wording.settings_line(unstamped(silent)).split(" · ")
    assert "mask not known" in line and "no mask" not in line
    assert "mask" not in wording.settings_line(unstamped(make_fsc(kinds=("raw",)).drop_vars("mask_volume")))
    assert "mask 121\u202f300 Å³" in wording.settings_line(unstamped(make_fsc()))


@pytest.mark.parametrize(
    "setting, words", [("keep", "map corners kept"), ("soft", "map corners softened"), ("auto", "")]
)
def test_the_caption_states_whether_the_corners_of_the_map_were_kept(make_fsc, setting, words):
    fsc = make_fsc()
    record = json.loads(fsc.attrs["provenance"])
    record["settings"]["box"]["corners"] = setting
    fsc.attrs["provenance"] = json.dumps(record)
    parts = wording.settings_line(fsc).split(" · ")
    assert words in parts if words else not any("corners" in part for part in parts)
    assert "" not in parts


def test_a_resolution_past_the_particle_nyquist_is_said(make_fsc):
    past = make_fsc(falls=0.29)
    where = "past the particle Nyquist of 4.20 Å, where only the corners of the images hold data"
    assert where in wording.verdict(past)
    assert "past" not in wording.verdict(make_fsc(falls=0.2))
    assert wording.past_nyquist(past, 4.0, "A") == where.replace("Å", "A")
    assert wording.past_nyquist(past, 4.19) == ""
    assert wording.past_nyquist(past, math.nan) == ""
    assert wording.past_nyquist(past.drop_vars("particle_nyquist"), 4.0) == ""
    past["band"][past["band"] == "corner"] = "measured"
    assert wording.past_nyquist(past, 4.0) == "past the particle Nyquist of 4.20 Å"


def test_bands_are_named_in_plain_words(make_fsc):
    assert "next to the data, predictable but not measured, from" in wording.band_sentence(make_fsc())


@pytest.mark.parametrize(
    "value, expected", [(4.0, "4"), (-28.25, "−28.25"), (121300.0, "121\u202f300"), (math.nan, "not known")]
)
def test_numbers_as_people_write_them(value, expected):
    assert wording.plain(value) == expected


def test_sentences_carry_printed_units():
    assert wording.sentence("B of -101 A^2 at 4.2 A") == "B of −101 Å² at 4.2 Å."
    assert wording.sentence("") == ""
