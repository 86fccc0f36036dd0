"""What a curve says in words: a number only where there is one, and where rounding begins."""

import math

import numpy as np
import pytest

from cryonb.curve_verdict import b_factor_verdict, curve_verdict, floor_from, past_particle_nyquist


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((3.5, 3.0), "The masked curve falls to 0.143 at 3.50 A; the data end at 3.00 A."),
        ((math.nan, 12.0), "The masked curve does not fall to 0.143: no resolution to state; the data end at 12.0 A."),
        ((math.nan, math.nan), "No shell holds data: there is no curve."),
        ((3.5, 3.0, "past it"), "The masked curve falls to 0.143 at 3.50 A, past it; the data end at 3.00 A."),
        (
            (7.0, 3.0, "", 6.86),
            "The masked curve falls to 0.143 at 7.00 A; the data end at 3.00 A, and from 6.86 A on they are no more "
            "than rounding or mask leak.",
        ),
    ],
)
def test_a_curve_in_words(values, sentence):
    assert curve_verdict("masked", *values) == sentence


def test_where_nobody_says_where_the_data_end_it_is_the_grid_that_ends():
    said = curve_verdict("unmasked", math.nan, 3.0, floor_from=4.5, is_grid=True)
    assert said.endswith("; the grid ends at 3.00 A, and from 4.50 A on there is no more than rounding or mask leak.")


def test_the_particle_nyquist_is_named_only_where_a_resolution_lies_past_it():
    assert past_particle_nyquist(4.0, 0.2, False, "Å") == "past the particle Nyquist of 5.00 Å"
    assert [past_particle_nyquist(*values, True) for values in ((5.0, 0.2), (math.nan, 0.2), (4.0, math.nan))] == [
        ""
    ] * 3


@pytest.mark.parametrize(
    ("held", "below", "start"),
    [("1110", "0010", 5.0), ("1110", "0110", 10.0), ("1111", "0110", math.nan), ("1111", "1111", math.inf)],
)
def test_the_floor_begins_where_the_last_shells_hold_nothing_more(held, below, start):
    held, below = (np.array([letter == "1" for letter in word]) for word in (held, below))
    assert floor_from(held, below, np.arange(4) / 10.0) == pytest.approx(start, nan_ok=True)


def test_a_b_factor_in_words():
    assert b_factor_verdict(math.nan, math.nan, math.nan, False) == "No B factor: too few shells to fit."
    assert b_factor_verdict(1520.4, math.nan, math.nan, True) == "B = 1520 A^2."
    assert b_factor_verdict(120.0, 95.0, 145.0, True) == "B = 120 A^2 (95 % interval 95 to 145 A^2)."
