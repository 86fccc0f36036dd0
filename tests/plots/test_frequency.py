import math

import numpy as np
import pytest

from cryonb.plots import frequency


def by_name(marks):
    return {mark.name: mark for mark in marks}


def test_both_nyquists_and_the_end_of_the_corners_are_named_with_their_resolution(make_fsc):
    lines = by_name(frequency.nyquist_lines(make_fsc()))
    assert list(lines) == ["particle_nyquist", "corner_end", "grid_nyquist"]
    assert lines["particle_nyquist"].at == pytest.approx(1 / 4.2)
    assert lines["corner_end"].at == pytest.approx(math.sqrt(2) / 4.2)
    assert lines["particle_nyquist"].label == "particle Nyquist 4.20 Å"
    assert lines["corner_end"].label == "√2 × particle Nyquist 2.97 Å"
    assert lines["grid_nyquist"].label == "grid Nyquist 2.10 Å"


def test_limits_that_coincide_share_one_line(make_fsc):
    lines = frequency.nyquist_lines(make_fsc(box_size=64, voxel_size=2.1))
    assert [line.label for line in lines] == ["particle = grid Nyquist 4.20 Å"]


def test_short_words_leave_the_rest_to_the_key(make_fsc):
    lines = frequency.nyquist_lines(make_fsc(), names="short")
    assert [line.label for line in lines] == ["particle 4.20 Å", "√2 × particle 2.97 Å", "grid 2.10 Å"]
    assert [line.key for line in lines] == ["particle Nyquist", "√2 × particle Nyquist", "grid Nyquist"]


def test_unknown_limits_have_no_line(make_fsc):
    fsc = make_fsc().drop_vars("particle_nyquist")
    assert [line.name for line in frequency.nyquist_lines(fsc)] == ["grid_nyquist"]


def test_bands_tile_the_axis_without_gaps_and_empty_shells_are_hatched(make_fsc):
    fsc = make_fsc()
    stop = frequency.limits(fsc)[1]
    bands = frequency.band_marks(fsc, stop)
    assert [band.name for band in bands] == ["corner", "support", "no data"]
    assert all(left.stop == pytest.approx(right.start) for left, right in zip(bands, bands[1:]))
    assert bands[-1].stop == stop
    assert [bool(band.hatch) for band in bands] == [False, False, True]
    nyquist = float(fsc["particle_nyquist"])
    assert 0 <= bands[0].start - nyquist < fsc["frequency"].values[1]


def test_bands_end_at_the_limits_of_the_data_and_not_beside_them(make_fsc):
    fsc = make_fsc(box_size=96, voxel_size=1.4)
    nyquist, spacing = float(fsc["particle_nyquist"]), fsc["frequency"].values[1]
    corner = fsc["band"].values == "corner"
    fsc["band"][np.flatnonzero(corner)[-1]] = "support"
    bands = by_name(frequency.band_marks(fsc, frequency.limits(fsc)[1]))
    assert bands["corner"].start == nyquist
    assert bands["corner"].stop == bands["support"].start == pytest.approx(math.sqrt(2) * nyquist)
    fsc["band"][np.flatnonzero(corner)[-4:]] = "support"
    early = by_name(frequency.band_marks(fsc, frequency.limits(fsc)[1]))["corner"]
    assert early.stop < math.sqrt(2) * nyquist - 2 * spacing


def test_the_band_next_to_the_data_is_called_not_measured(make_fsc):
    fsc = make_fsc()
    band = by_name(frequency.band_marks(fsc, frequency.limits(fsc)[1]))["support"]
    assert band.label == "next to the data: predictable, not measured"


def test_frequencies_that_a_coarse_run_does_not_reach_are_hatched(make_fsc):
    fsc = make_fsc(box_size=64, voxel_size=2.1)
    band = frequency.band_marks(fsc, 0.5)[-1]
    assert band.hatch and band.stop == 0.5 and band.start == pytest.approx(fsc["frequency"].values[-1])


def test_a_band_ends_with_its_shells_and_not_with_a_longer_axis(make_fsc):
    fsc = make_fsc(box_size=64, voxel_size=2.1)
    fsc["band"][-2:] = "support"
    support, empty = frequency.band_marks(fsc, 0.5)
    assert (support.name, empty.name) == ("support", "no data")
    assert support.stop == empty.start == fsc["frequency"].values[-1] and empty.stop == 0.5


def test_a_full_axis_has_no_empty_sliver(make_fsc):
    fsc = make_fsc(box_size=64, voxel_size=2.1)
    fsc["band"][:] = "measured"
    assert frequency.band_marks(fsc, frequency.limits(fsc)[1]) == []


def test_the_axis_holds_all_runs(make_fsc):
    coarse, fine = make_fsc(box_size=64, voxel_size=2.1), make_fsc()
    low, high = frequency.limits(coarse, fine)
    assert low == 0 and high > float(fine["grid_nyquist"])
    assert np.isfinite(high)


def test_thresholds_are_named():
    assert {line.name: line.at for line in frequency.threshold_lines()} == {"0.143": 0.143, "0.5": 0.5}


def test_shells_below_the_floor_are_hatched_and_empty_ones_stay_empty(make_fsc):
    fsc = make_fsc()
    below = np.zeros(fsc.sizes["frequency"], bool)
    below[40:44] = True
    below[fsc["band"].values == "no data"] = True
    fsc["below_floor"] = ("frequency", below)
    bands = frequency.band_marks(fsc, frequency.limits(fsc)[1])
    (floor,) = [band for band in bands if band.name == "below floor"]
    step = float(fsc["frequency"][1])
    assert (floor.start, floor.stop) == (pytest.approx(39.5 * step), pytest.approx(43.5 * step))
    assert floor.hatch and floor.label == "below the floor: rounding or mask leak"
    empty = next(band for band in bands if band.name == "no data")
    assert (empty.hatch, empty.colour) != (floor.hatch, floor.colour)
