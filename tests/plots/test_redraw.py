"""Sheets drawn one after another have the pixels of sheets drawn by themselves."""

import dataclasses
import io

import numpy as np
import pytest
import xarray as xr
from decompositions import make_decomposition
from legible import check_legible
from PIL import Image as Pixels

from cryonb import plots
from cryonb.plots.canvas import render, render_page
from cryonb.plots.marks import Area, Band, Curve, Image, Line, Panel, Points, Row, Sheet, SphereMap, Text
from cryonb.plots.page import arrange
from cryonb.plots.redraw import DOTS, Redraw, fitted
from cryonb.plots.theme import DARK, LIGHT

AT_THE_FRAME = 12
"""Grey values by which a pixel may differ where a solid area touches the ends of ticks."""


def pixels_of(drawn):
    return np.asarray(Pixels.open(io.BytesIO(drawn.png)).convert("RGB")).astype(int)


def moved(sheet, factor, words=""):
    """Return a sheet whose curves lie elsewhere, perhaps with other words in the key."""

    def other(mark):
        if isinstance(mark, Curve):
            return dataclasses.replace(mark, y=mark.y * factor, label=mark.label and mark.label + words)
        if isinstance(mark, Area):
            return dataclasses.replace(mark, low=mark.low * factor, high=mark.high * factor)
        return dataclasses.replace(mark, y=mark.y + 0.05) if isinstance(mark, Points) else mark

    rows = []
    for row in sheet.rows:
        panels = [dataclasses.replace(panel, marks=tuple(map(other, panel.marks))) for panel in row.panels]
        rows.append(dataclasses.replace(row, panels=tuple(panels)))
    return dataclasses.replace(sheet, rows=tuple(rows))


@pytest.fixture(name="fsc", scope="module")
def _fsc(make_fsc):
    return fitted(plots.sheet(make_fsc(kinds=("raw", "masked"))), 700)


def graph(*marks, **settings):
    limits = dict(x_limits=(0.0, 1.0), y_limits=(0.0, 1.0))
    panel = Panel(marks, **{"title": "Title", "x_label": "x", "y_label": "y", **limits, **settings})
    return Sheet((Row((panel,), 1.6, "right"),), width=4.4)


X = np.linspace(0.0, 1.0, 9)
LINE = Curve(X, X, "a", "line")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("words", ["", " 2"])
def test_a_moved_curve_is_drawn_as_if_alone(fsc, theme, words):
    redraw = Redraw(theme)
    assert redraw.draw(fsc).is_whole
    sheet = moved(fsc, 0.8, words)
    drawn = redraw.draw(sheet)
    assert not drawn.is_whole
    assert np.array_equal(pixels_of(drawn), pixels_of(Redraw(theme).draw(sheet)))
    assert not np.array_equal(pixels_of(drawn), pixels_of(redraw.draw(fsc)))


def test_a_picture_is_what_matplotlib_draws(fsc):
    redraw, sheet = Redraw(), moved(fsc, 0.7)
    redraw.draw(fsc)
    drawn = redraw.draw(sheet)
    figure = render_page(sheet, arrange(sheet, redraw.rooms), LIGHT)
    figure.canvas.draw()
    assert np.array_equal(pixels_of(drawn), np.asarray(figure.canvas.buffer_rgba())[..., :3])


def test_areas_under_lines_are_drawn_as_if_alone():
    sheet = fitted(plots.sheet(make_decomposition(limit="square")), 700)
    redraw, other = Redraw(), moved(sheet, 0.9)
    redraw.draw(moved(sheet, 0.8))
    drawn = redraw.draw(other)
    assert not drawn.is_whole
    assert np.abs(pixels_of(drawn) - pixels_of(Redraw().draw(other))).max() <= AT_THE_FRAME


@pytest.mark.parametrize(
    "other",
    [
        graph(LINE, Band(0.2, 0.4, "b", "band")),
        graph(LINE, x_limits=(0.0, 2.0)),
        graph(LINE, title="Another"),
        graph(),
        graph(LINE, Text("words", "c")),
        dataclasses.replace(graph(LINE), width=5.0),
        Sheet((*graph(LINE).rows, *graph(LINE).rows), width=4.4),
    ],
    ids=["band", "limits", "title", "empty", "text", "width", "rows"],
)
def test_what_is_not_still_is_drawn_whole(other):
    redraw = Redraw()
    redraw.draw(graph(LINE))
    drawn = redraw.draw(other)
    assert drawn.is_whole
    assert np.array_equal(pixels_of(drawn), pixels_of(Redraw().draw(other)))


def test_a_panel_that_fits_its_marks_is_drawn_whole():
    redraw = Redraw()
    redraw.draw(graph(LINE, y_limits=None))
    assert redraw.draw(graph(Curve(X, 3 * X, "a", "line"), y_limits=None)).is_whole


def test_curves_may_come_and_go():
    redraw, second = Redraw(), Curve(X, 1 - X, "b", "on")
    redraw.draw(graph(LINE, second))
    drawn = redraw.draw(graph(LINE))
    assert not drawn.is_whole
    assert np.array_equal(pixels_of(drawn), pixels_of(Redraw().draw(graph(LINE))))


def test_words_lie_over_or_under_curves_as_their_order_says():
    under, over = Text("words words", "t", colour="#000000"), Curve(X, 0 * X + 0.5, "a", "line", width=6.0)
    for marks in ((under, over), (over, under)):
        redraw = Redraw()
        redraw.draw(graph(*(LINE if isinstance(mark, Curve) else mark for mark in marks)))
        drawn = redraw.draw(graph(*marks))
        assert not drawn.is_whole
        assert np.array_equal(pixels_of(drawn), pixels_of(Redraw().draw(graph(*marks))))


def test_a_curve_may_rise_to_the_words_of_a_line():
    line, rising = Line(0.5, "limit", "words beside a line"), Curve(X, 0 * X + 1.08, "a", "line", width=6.0)
    redraw = Redraw()
    redraw.draw(graph(line, LINE))
    for curve in (rising, dataclasses.replace(rising, y=rising.y + 0.02), LINE):
        assert np.array_equal(pixels_of(redraw.draw(graph(line, curve))), pixels_of(Redraw().draw(graph(line, curve))))


def test_images_are_drawn_whole_unless_they_are_the_same():
    def section(value):
        return Image(np.full((8, 8), value), "map", 0.0, 1.0, 1.0)

    first = section(0.2)
    redraw = Redraw()
    redraw.draw(Sheet((Row((Panel((first,)),), 1.0),), width=4.4))
    assert not redraw.draw(Sheet((Row((Panel((first,)),), 1.0),), width=4.4)).is_whole
    drawn = redraw.draw(Sheet((Row((Panel((section(0.9),)),), 1.0),), width=4.4))
    assert drawn.is_whole and (pixels_of(drawn) == 229).all(axis=2).any()


def test_a_sheet_keeps_the_room_of_its_key(fsc):
    redraw = Redraw()
    width = [redraw.draw(moved(fsc, 0.9, words)).spots[0].width for words in ("", " i", " ii", "")]
    assert len(set(width)) == 1


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_picture_has_the_dots_of_the_screen(ratio):
    drawn = Redraw(LIGHT, ratio).draw(graph(LINE))
    rows, columns, _ = pixels_of(drawn).shape
    assert (columns, rows) == (int(drawn.width * ratio), int(drawn.height * ratio))
    assert drawn.width == pytest.approx(4.4 * DOTS)


def test_a_spot_is_where_the_panel_is_drawn():
    drawn = Redraw(DARK).draw(graph(LINE))
    seen, spot = pixels_of(drawn), drawn.spots[0]
    rows, columns, _ = seen.shape
    top, left = round(spot.top * rows), round(spot.left * columns)
    frame = [int(DARK.frame[index : index + 2], 16) for index in (1, 3, 5)]
    near = seen[top - 2 : top + 3, left + 40 : left + 60]
    assert (np.abs(near - frame).sum(axis=2) < 60).any(axis=0).all()
    assert spot.y_limits == (0.0, 1.0) and spot.panel.marks == (LINE,)


@pytest.mark.parametrize("pixels, width, key", [(2000, 9.5, "right"), (500, 500 / DOTS, "below"), (10, 4.4, "below")])
def test_a_sheet_is_fitted_to_its_column(pixels, width, key):
    sheet = dataclasses.replace(graph(LINE), title="T", headline="H", caption="C", width=9.5)
    found = fitted(sheet, pixels)
    assert found.width == pytest.approx(width) and found.rows[0].key == key
    assert (found.title, found.headline, found.caption) == ("", "", "")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("pixels", [10, 760])
def test_a_fitted_sheet_is_legible(count, pixels):
    every = {f"run {index}": make_decomposition(pad_factor=1 + index % 2) for index in range(count)}
    sheet = plots.sheet(xr.DataTree.from_dict(every))
    check_legible(render(fitted(sheet, pixels), DARK))


def test_a_key_leaves_room_for_its_panels_or_stands_below():
    sheet = plots.sheet(make_decomposition(pad_factor=1))
    narrow, wide = fitted(sheet, 740), fitted(dataclasses.replace(sheet, width=12.0), 2000)
    assert all(row.key != "right" for row in narrow.rows) and any(row.key == "right" for row in wide.rows)
    drawn = Redraw(DARK).draw(narrow)
    assert drawn.spots[0].width * drawn.width > 400


def test_maps_of_spheres_stand_under_each_other_where_a_column_is_narrow():
    cells = [np.linspace(0.0, 360.0, 6)[:-1], np.full(5, 30.0), np.full(5, 60.0), np.arange(5.0)]
    sphere = SphereMap(*cells, "density", "relative density", 0.0, 4.0)
    panel, count = Panel((sphere,), "Views", "particles seen from each direction", "rot", "tilt"), 2
    sheet = dataclasses.replace(graph(LINE), rows=(Row((panel,) * count, 2.0),))
    assert [len(row.panels) for row in fitted(sheet, 740).rows] == [1] * count
    assert [len(row.panels) for row in fitted(dataclasses.replace(sheet, width=10.0), 2000).rows] == [count]
    check_legible(render(fitted(sheet, 740), DARK))


def test_drawing_leaves_matplotlib_as_it_was(fsc):
    import matplotlib

    before = dict(matplotlib.rcParams)
    Redraw(DARK).draw(fsc)
    assert dict(matplotlib.rcParams) == before


def test_words_of_vertical_lines_move_with_their_lines(fsc):
    def with_limit(at):
        line = Line(at, "limit", f"limit {at:.3f}")
        panels = [dataclasses.replace(panel, marks=(*panel.marks, line)) for panel in fsc.panels()]
        return dataclasses.replace(fsc, rows=(dataclasses.replace(fsc.rows[0], panels=tuple(panels)),))

    high = next(fsc.panels()).x_limits[1]
    redraw = Redraw()
    assert redraw.draw(with_limit(0.30 * high)).is_whole
    again = redraw.draw(with_limit(0.32 * high))
    assert not again.is_whole
    np.testing.assert_array_equal(pixels_of(again), pixels_of(Redraw().draw(with_limit(0.32 * high))))


def test_views_that_take_turns_are_each_drawn_whole_once(fsc):
    other = dataclasses.replace(fsc, width=fsc.width + 1.0)
    redraw = Redraw()
    assert [redraw.draw(sheet).is_whole for sheet in (fsc, other, fsc, other)] == [True, True, False, False]
