import time

import pytest

from cryonb.plots.layout import bar_length, place_labels, resolution_ticks, runs_of


def inverse(resolution):
    return 1.0 / resolution


@pytest.mark.parametrize("limits", [(0.0, 0.05), (0.0, 0.12), (0.0, 0.25), (0.0, 0.5), (0.0, 1.0)])
@pytest.mark.parametrize("inches", [1.7, 2.5, 6.0])
def test_resolutions_keep_their_distance_and_stay_on_the_axis(limits, inches):
    ticks = resolution_ticks(limits, inches, inverse)
    places = [inches * inverse(tick) / limits[1] for tick in ticks]
    assert len(ticks) >= 2
    assert ticks == sorted(ticks, reverse=True)
    assert all(0 <= place <= inches + 1e-6 for place in places)
    assert all(right - left >= 0.44 - 1e-9 for left, right in zip(places, places[1:]))


CROWDS = [
    ([1.0], [0.8], 3.0),
    ([1.0, 1.05], [1.4, 1.2], 6.0),
    ([2.4, 3.4, 4.8], [1.5, 1.9, 1.4], 5.4),
    ([5.3, 5.35, 5.4], [1.5, 1.9, 1.4], 5.4),
    ([0.02, 0.05, 0.1], [1.5, 1.9, 1.4], 5.4),
    ([1.5, 2.1, 3.0, 4.2, 5.9], [1.5, 1.8, 1.9, 1.8, 1.4], 6.0),
]


@pytest.mark.parametrize("lines, widths, inches", CROWDS)
def test_words_of_lines_never_meet_each_other_or_another_line(lines, widths, inches):
    places = place_labels(lines, widths, inches)
    for index, place in enumerate(places):
        assert place.stop - place.start == pytest.approx(widths[index])
        assert place.start >= 0 and place.stop <= inches + 1e-9
        for other_index, other in enumerate(places):
            if other_index == index:
                continue
            if other.row == place.row:
                assert place.stop < other.start or other.stop < place.start
            top = other.row if other.beside else other.row - 1
            if top >= place.row:
                assert not place.start < lines[other_index] < place.stop


def test_words_stay_next_to_their_line():
    places = place_labels([4.0], [1.0], 6.0)
    assert places[0].beside and places[0].stop == pytest.approx(4.0, abs=0.1)
    crowded = place_labels([1.0], [1.8], 2.0)[0]
    assert not crowded.beside and crowded.start <= 1.0 <= crowded.stop


def test_words_that_cannot_be_kept_apart_get_a_row_each_and_many_lines_cost_no_time():
    started = time.perf_counter()
    places = place_labels([0.5 + 0.01 * index for index in range(12)], [1.4] * 12, 1.7)
    assert sorted(place.row for place in places) == list(range(12))
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("extent", [8.0, 60.0, 134.4, 500.0, 12345.0])
def test_a_scale_bar_is_round_and_fits(extent):
    length = bar_length(extent)
    assert 0.1 * extent < length <= extent / 3
    assert float(f"{length:e}".split("e")[0]) in (1.0, 2.0, 5.0)


def test_runs_of_labels():
    assert runs_of([]) == []
    assert runs_of(["a", "a", "b", "a"]) == [("a", 0, 1), ("b", 2, 2), ("a", 3, 3)]
