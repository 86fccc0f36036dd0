"""Limits: read from a curve where it falls, and no resolution where it does not fall before the data end."""

import math

import numpy as np
import pytest

from cryonb.refine.limits import (
    MOST_SSNR,
    best,
    bleed_shells,
    notes_of,
    read_fsc,
    read_ssnr,
    some_shells_further,
    ssnr_of_halves,
    start_shell,
    within,
)


def curve(*values):
    return np.array([1.0, *values])


def test_shells_without_data_are_never_read():
    whole = curve(0.9, 0.8, 0.7, 0.6, 0.1, 0.0)
    assert read_fsc(whole, 0.5, 100.0).claimed == pytest.approx(100 / 4.2)
    at_the_end = read_fsc(curve(0.9, 0.8, 0.7, 0.6, 0.1), 0.5, 100.0)
    assert np.isnan(at_the_end.claimed) and at_the_end.shell == 5.0 and "data end at 20 A" in at_the_end.note
    reading = read_fsc(curve(0.9, 0.8, 0.7, np.nan, np.nan), 0.5, 100.0)
    assert reading.shell == 3 and math.isnan(reading.claimed)
    assert reading.note == "the curve does not cross before the data end at 33.3 A"


def test_a_curve_that_is_nowhere_above_gives_nothing():
    reading = read_fsc(curve(0.1, 0.0, -0.1), 0.143, 100.0)
    assert reading.shell == 0 and math.isnan(reading.claimed) and reading.note == "the curve is nowhere above 0.143"
    nothing = read_fsc(np.full(4, np.nan), 0.143, 100.0)
    assert nothing.shell == 0 and nothing.note == "there are no data"


def test_a_signal_to_noise_ratio_is_read_up_to_the_first_shell_below_one():
    assert read_ssnr(curve(9.0, 2.0, 0.9, 5.0), 100.0).shell == 2
    assert math.isnan(read_ssnr(curve(9.0, 2.0, 1.5), 100.0).claimed)
    assert read_ssnr(curve(9.0, 2.0, np.nan), 100.0).note.startswith(
        "the curve does not cross before the data end at 50"
    )
    assert "below 1 from the start" in read_ssnr(curve(0.5, 2.0), 100.0).note


def test_the_best_class_decides_and_every_class_has_its_note():
    readings = [read_fsc(curve(0.9, 0.2, 0.1), 0.5, 100.0), read_fsc(curve(0.9, 0.8, 0.7), 0.5, 100.0)]
    assert best(readings) is readings[1]
    assert notes_of(readings) == "class 2: the curve does not cross before the data end at 33.3 A"
    assert notes_of(readings[1:]) == "the curve does not cross before the data end at 33.3 A"
    assert notes_of(readings[:1]) == ""


def test_limits_stay_between_the_start_and_the_data():
    assert within(8.0, 5.0, 32.0) == 8.0 and within(0.0, 5.0, 32.0) == 5.0 and within(99.0, 5.0, 32.0) == 32.0
    assert start_shell(120.0, 40.0, 32.0) == 4.0 and start_shell(120.0, 0.0, 32.0) == 32.0
    assert start_shell(120.0, 300.0, 32.0) == 3.0, "poses cannot be found in less"


def test_joined_shells_have_a_large_ratio_and_not_an_infinite_one():
    ssnr = ssnr_of_halves(np.array([1.0, 1.0, 0.5, -0.2, np.nan]))
    assert ssnr[:4] == pytest.approx([MOST_SSNR, MOST_SSNR, 1.0, 0.0]) and np.isnan(ssnr[4])


def test_steps_are_larger_while_the_curve_at_the_limit_is_good():
    high, low = np.full(65, 0.5), np.full(65, 0.1)
    assert some_shells_further(12.0, high, 20.0, 10, 64) == 12 + 16
    assert some_shells_further(12.0, low, 20.0, 10, 64) == 12 + 10
    assert some_shells_further(12.0, high, 20.0, 10, 16) == 12 + 10, "a quarter of Nyquist is never the smaller step"
    assert some_shells_further(12.0, np.full(65, np.nan), 20.0, 10, 64) == 12 + 10


def test_bleeding_is_rounded_up():
    assert bleed_shells(192.0, 96.0) == 2 and bleed_shells(192.0, 95.0) == 3
