"""The thread's case with fewer particles: what the figure of thread_case.py says, asserted."""

from functools import cache

import pytest
import thread_case
from legible import check_legible
from thread_figure import figure

COUNT, SNR = 450, 2.0
"""Particles enough that the curves are high at their Nyquist frequency."""

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:the outermost shell")]


@cache
def outcome(name):
    case = next(case for case in thread_case.CASES if case.name == name)
    return thread_case.outcome(case, COUNT, SNR, dithers=2)


def test_classes_run_on_past_nyquist_by_their_corners():
    thread_case.check_classes(outcome("heterogeneous"))


def test_a_b_factor_of_three_shells_spoils_the_map_and_is_refused():
    thread_case.check_sharpening(outcome("always"), outcome("if_reliable"))


def test_the_figure_and_its_table():
    found = {name: outcome(name) for name in ("heterogeneous", "always", "if_reliable")}
    truth = thread_case.phantom_and_particles(COUNT, SNR)[0]["density"].values
    check_legible(figure(found, truth))
    lines = thread_case.table(found).splitlines()
    assert len(lines) == 5 and lines[3].count("|") == lines[0].count("|")
    assert "data end, 8.40" in lines[3] and "none applied" in lines[4]
